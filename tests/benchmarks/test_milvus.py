"""
What Milvus is given and asked; the engine itself is not installed here.
"""

from __future__ import annotations

import itertools

import pytest

from benchmarks import milvus
from benchmarks.catalogue import generate
from benchmarks.milvus_index import MilvusIndex, to_expression
from listener.evaluate.catalogue import Catalogue
from listener.mapping import Mapper
from listener.opening import to_weights
from recommender.filters import NO_FILTERS, Filters
from recommender.settings import ListenerSettings, load_settings


@pytest.fixture(scope="module")
def catalogue():
    settings = load_settings(ListenerSettings, [])
    mapper = Mapper(settings)
    documents = itertools.islice(generate(0), 200)
    products = (mapper.to_product(document).product for document in documents)
    return Catalogue.train(products, to_weights(settings))


def test_inner_products_are_our_scores(catalogue):
    """
    A product's vector times a question's is the score of the two, exactly, although
    the vector holds no idf but its length's.
    """
    index = MilvusIndex(None, catalogue.snapshot)
    for row in catalogue.rows[:20]:
        question = index.to_question(row)
        hits = catalogue.snapshot.similar(row.key, limit=10)
        assert hits
        for hit in hits:
            vector = index.to_document(hit.row)["terms"]
            score = sum(
                question[t] * vector[t] for t in question.keys() & vector.keys()
            )
            assert score == pytest.approx(hit.score, abs=1e-9)


def test_a_document_says_what_filters_ask(catalogue):
    """
    Its columns hold the product's own values.
    """
    row = catalogue.rows[0]

    document = MilvusIndex(None, catalogue.snapshot).to_document(row)

    assert document["key"].encode() == row.key
    assert document["visible"] is row.visible is True
    assert (document["category"], document["brand"]) == (row.category, row.brand)
    assert (document["price"], document["in_stock"]) == (row.price, row.in_stock)


def test_filters_as_the_engine_reads_them():
    """
    Only what is visible is ever asked for; each filter is one condition more.
    """
    filters = Filters(
        categories=("a > b",),
        brands=("c",),
        min_price=2.0,
        max_price=3.5,
        in_stock=True,
    )

    assert to_expression(NO_FILTERS) == "visible == true"
    assert to_expression(filters) == (
        'visible == true and category == "a > b" and brand == "c" and price >= 2.0 '
        "and price <= 3.5 and in_stock == true"
    )


def test_without_the_client_it_says_so(capsys, monkeypatch):
    """
    Where pymilvus is not installed nothing is measured, and that is no failure.
    """
    monkeypatch.setitem(milvus.sys.modules, "pymilvus", None)

    assert milvus.main(["--sizes", "10"]) == 0
    assert capsys.readouterr().out == "skipped: pymilvus is not installed\n"
