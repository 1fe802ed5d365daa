"""
MongoDB's query language, answered for one document.
"""

import mongomock
import pytest

from bson import Decimal128, Int64, Regex

from listener.mongo.client import CODEC
from listener.query import QueryFault, compile_query, paths_of
from tests.support.documents import NOON, OBJECT_ID, OddShop, make_document


PRODUCTS = [
    make_document(_id=0),
    make_document(_id=1, status="pending", price=12, stock=0),
    make_document(_id=2, status=None, brand="Corva", price=100, tags=[]),
    {"_id": 3, "name": "Bare"},
    make_document(_id=4, status="rejected", seller={"country": "DE", "blocked": True}),
    make_document(_id=5, status="approved", seller={"country": "FR"}, tags=["oak"]),
    make_document(_id=6, status=["approved", "hot"], price=None, createdAt=None),
    make_document(
        _id=7, variants=[{"size": "S", "stock": 0}, {"size": "M", "stock": 3}]
    ),
    make_document(
        _id=8, variants=[{"size": "S", "stock": 4}, {"size": "M", "stock": 0}]
    ),
]

# What a shop may want, where mongomock is known to answer as MongoDB does.
ORDINARY = [
    {},
    {"status": "approved"},
    {"status": None},
    {"status": {"$in": [None, "approved"]}},
    {"status": {"$in": ["approved", "pending"]}},
    {"status": {"$nin": ["rejected", "pending"]}},
    {"status": {"$ne": "rejected"}},
    {"status": {"$ne": None}},
    {"status": {"$exists": True}},
    {"status": {"$exists": False}},
    {"status": {"$not": {"$in": ["pending"]}}},
    {"status": {"$regex": "^app"}},
    {"status": {"$regex": "^APP", "$options": "i"}},
    {"status": {"$type": "string"}},
    {"price": {"$gt": 12}},
    {"price": {"$gte": 12, "$lt": 100}},
    {"price": {"$lte": 39.5}},
    {"stock": 0},
    {"createdAt": {"$gte": NOON}},
    {"seller.country": "DE"},
    {"seller.country": {"$in": ["FR", None]}},
    {"seller.blocked": {"$ne": True}},
    {"seller": {"country": "FR"}},
    {"tags": "oak"},
    {"tags": []},
    {"tags": ["kettle", "steel"]},
    {"tags": {"$all": ["steel", "kettle"]}},
    {"tags": {"$size": 2}},
    {"variants.stock": {"$gt": 3}},
    {"variants.0.stock": {"$gt": 3}},
    {"variants": {"$elemMatch": {"size": "M", "stock": {"$gt": 0}}}},
    {"$or": [{"status": "approved"}, {"stock": 0}]},
    {"$and": [{"status": "approved"}, {"price": {"$gt": 20}}]},
    {"$nor": [{"status": "approved"}, {"stock": 0}]},
    {"status": "approved", "seller.blocked": {"$ne": True}, "price": {"$gt": 1}},
]


def matching(query, documents):
    matches = compile_query(query)
    return [document["_id"] for document in documents if matches(document)]


@pytest.mark.parametrize("query", ORDINARY, ids=str)
def test_ordinary_queries_answer_as_find_does(query):
    """
    What a shop asks of its products gets the answer of a collection's `find`.
    """
    collection = mongomock.MongoClient().shop.products
    collection.insert_many(PRODUCTS)

    assert matching(query, PRODUCTS) == [one["_id"] for one in collection.find(query)]


@pytest.mark.parametrize("seed", range(4))
def test_odd_queries_on_odd_documents_answer_as_the_database_does(collection, seed):
    """
    Whatever the query and the documents, the answer is that of a real server.
    """
    shop = OddShop(seed)
    products = collection.with_options(codec_options=CODEC)
    products.insert_many([shop.document(id_) for id_ in range(60)])
    documents = list(products.find())
    for _ in range(150):
        query = shop.query()
        found = {document["_id"] for document in products.find(query, {"_id": 1})}

        assert set(matching(query, documents)) == found, query


@pytest.mark.parametrize(
    ("query", "document", "answer"),
    [
        ({"a": None}, {}, True),
        ({"a": None}, {"a": None}, True),
        ({"a": None}, {"a": []}, False),
        ({"a.b": None}, {"a": 5}, True),
        ({"a.b": None}, {"a": [1, 2]}, False),
        ({"a.b": None}, {"a": [{"b": 1}, {}]}, True),
        ({"a": {"$exists": True}}, {"a": None}, True),
        ({"a": {"$ne": 1}}, {"a": [1, 2]}, False),
        ({"a": {"$nin": [1]}}, {}, True),
        ({"a": 5}, {"a": Decimal128("5.0")}, True),
        ({"a": 5}, {"a": Int64(5)}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": {"$gt": 1}}, {"a": "2"}, False),
        ({"a": {"$gt": 1}}, {"a": True}, False),
        ({"a": {"$lt": 5}}, {"a": float("nan")}, False),
        ({"a": {"$gte": float("nan")}}, {"a": Decimal128("NaN")}, True),
        ({"a": {"$gte": None}}, {}, True),
        ({"a": {"$gt": "a"}}, {"a": "b"}, True),
        ({"a": {"$lt": OBJECT_ID}}, {"a": OBJECT_ID}, False),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, False),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}, False),
        ({"a": Regex("^x", "i")}, {"a": ["y", "X1"]}, True),
        ({"a": {"$in": [Regex("^x")]}}, {"a": "x1"}, True),
        ({"a": {"$not": Regex("^x")}}, {"a": "x1"}, False),
        ({"a": {"$regex": Regex("^x")}}, {"a": 5}, False),
        ({"a": {"$regex": "b.d", "$options": "is"}}, {"a": "B\nD"}, True),
        ({"a": {"$type": "array"}}, {"a": []}, True),
        ({"a": {"$type": -1}}, {"a": 5}, False),
        ({"a": {"$size": 0}}, {}, False),
        ({"a": {"$all": []}}, {"a": []}, False),
        ({"a": {"$all": [{"$elemMatch": {"b": 1}}]}}, {"a": [{"b": 1}]}, True),
        ({"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}, {"a": [0, 4]}, False),
        ({"a": {"$elemMatch": {"$or": [{"b": 1}, {"b": 2}]}}}, {"a": [{"b": 2}]}, True),
        ({"a.1": 2}, {"a": [1, 2]}, True),
        ({"a.01": 2}, {"a": [1, 2]}, False),
        ({"a": {}}, {"a": {}}, True),
        ({"a": {"$eq": Regex("x")}}, {"a": "x"}, False),
        ({"$comment": "approved ones", "a": 1}, {"a": 1}, True),
        ({"$nor": [{"a": 1}, {"b": 1}]}, {"a": 2}, True),
        ({"a": {"$mod": [2, 1]}}, {"a": Int64(2**53 + 1)}, True),
        ({"a": {"$mod": [3, -1]}}, {"a": -4}, True),
        ({"a": {"$mod": [-3, 1]}}, {"a": 4.5}, True),
        ({"a": {"$mod": [2, 0]}}, {"a": 1e300}, False),
        ({"a": {"$mod": [2, 0]}}, {"a": Decimal128("1E+6144")}, False),
    ],
    ids=str,
)
def test_the_corners_of_the_language(query, document, answer):
    """
    Null, absence, arrays, numbers and types are taken as MongoDB takes them.
    """
    assert compile_query(query)(document) is answer


def test_the_corners_are_mongodbs(collection):
    """
    A real server gives the same answers in the corners.
    """
    table = next(iter(test_the_corners_of_the_language.pytestmark)).args[1]
    for query, document, answer in table:
        collection.delete_many({})
        collection.insert_one(dict(document))

        assert (collection.find_one(query) is not None) is answer, query


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"$where": "true"}, "$where"),
        ({"$expr": {"$gt": ["$a", 1]}}, "$expr"),
        ({"$text": {"$search": "a"}}, "$text"),
        ({"a": {"$near": [1, 2]}}, "$near"),
        ({"a": {"$gt": 1, "b": 2}}, "b"),
        ({"a": {"$options": "i"}}, "$options"),
        ({"a": {"$regex": "("}}, "'('"),
        ({"a": {"$regex": 5}}, "$regex"),
        ({"a": {"$regex": "a", "$options": "u"}}, "$options"),
        ({"a": {"$in": "approved"}}, "$in"),
        ({"a": {"$nin": {"b": 1}}}, "$nin"),
        ({"a": {"$gt": [1]}}, "array"),
        ({"a": {"$lte": {"b": 1}}}, "object"),
        ({"a": {"$not": 5}}, "$not"),
        ({"a": {"$not": {}}}, "$not"),
        ({"a": {"$size": -1}}, "$size"),
        ({"a": {"$size": "1"}}, "$size"),
        ({"a": {"$all": 5}}, "$all"),
        ({"a": {"$elemMatch": 5}}, "$elemMatch"),
        ({"a": {"$mod": [0, 1]}}, "$mod"),
        ({"a": {"$mod": [1]}}, "$mod"),
        ({"a": {"$type": "text"}}, "text"),
        ({"a": {"$type": 99}}, "99"),
        ({"$or": []}, "$or"),
        ({"$and": {"a": 1}}, "$and"),
        ({"$nor": [1]}, "$nor"),
        ({"$or": [{"$where": "true"}]}, "$where"),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_refused(query, named):
    """
    An operator that needs more than the document, or a wrong operand, is named.
    """
    with pytest.raises(QueryFault, match=named.replace("$", r"\$").replace("(", r"\(")):
        compile_query(query)


def test_roots_are_the_fields_that_are_looked_at():
    """
    Every field that a query reads is among its roots, by its first name.
    """
    query = {
        "$or": [{"a.b": 1}, {"$nor": [{"c": 2}]}],
        "d.0": {"$gt": 1},
        "$comment": "e",
    }

    assert {path.root for path in paths_of(query)} == {"a", "c", "d"}
