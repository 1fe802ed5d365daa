"""
Sellers and admins: every kind of write, at random.

What fails may have happened; nobody needs to know, because the collection is the truth.
"""

from __future__ import annotations

import random

from collections.abc import Callable, Mapping, Set
from typing import Any, Final

from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    PyMongoError,
)

from tests.chaos.journal import Journal
from tests.chaos.stock import (
    ANCHORS,
    ODD,
    POOL,
    STATUSES,
    Document,
    anchor_id,
    make_document,
    make_id,
    make_name,
)


Products = Collection[Document]
Write = Callable[[Products, random.Random], object]

MOST: Final = 40  # documents of a burst
REST_S: Final = 0.05  # the mean
AFTER_ERROR_S: Final = 0.2
HARDLY: Final = WriteConcern(w=1)  # such a write may be rolled back

DUPLICATE: Final = 11000  # no fault: it is there already

# What faults, and others who write the same, do to a write or a read. Anything else
# is a mistake of this program, or something nobody has thought of.
EXCUSED: Final[Set[int | None]] = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        24,  # LockTimeout
        26,  # NamespaceNotFound: dropped meanwhile
        43,  # CursorNotFound: it was another member's
        48,  # NamespaceExists: made by another meanwhile
        64,  # WriteConcernFailed: nobody confirmed it in time
        79,  # UnknownReplWriteConcern
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        100,  # UnsatisfiableWriteConcern
        112,  # WriteConflict
        175,  # QueryPlanKilled: the collection was dropped or renamed under it
        189,  # PrimarySteppedDown
        211,  # KeyNotFound: a new primary has no signing key yet
        215,  # DatabaseDropPending
        225,  # TransactionTooOld
        228,  # ConflictingOperationInProgress
        237,  # CursorKilled
        244,  # TransactionAborted
        246,  # SnapshotUnavailable: the collection was made meanwhile
        251,  # NoSuchTransaction
        262,  # ExceededTimeLimit
        263,  # OperationNotSupportedInTransaction: it would have to make the collection
        10107,  # NotWritablePrimary
        DUPLICATE,
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
    }
)


def insert_one(products: Products, chance: random.Random) -> None:
    """
    Insert one, which may be there already.
    """
    products.insert_one(make_document(_any(chance), chance))


def insert_many(products: Products, chance: random.Random) -> None:
    """
    Insert several, some of which may be there already.
    """
    documents = [make_document(number, chance) for number in _some(chance)]
    products.insert_many(documents, ordered=False)


def update_one(products: Products, chance: random.Random) -> None:
    """
    Rename one.
    """
    products.update_one(_target(chance), {"$set": {"name": make_name(chance)}})


def update_anchor(products: Products, chance: random.Random) -> None:
    """
    Rename and reprice an anchor.
    """
    change = {"name": make_name(chance), "price": round(chance.uniform(1, 900), 2)}
    anchor = anchor_id(chance.randrange(ANCHORS))
    products.update_one({"_id": anchor}, {"$set": change})


def update_many(products: Products, chance: random.Random) -> None:
    """
    Rate about a quarter of all, anchors too.
    """
    change = {"$set": {"rating": chance.randint(1, 5)}}
    products.update_many({"stock": chance.randint(0, 3)}, change)


def replace_one(products: Products, chance: random.Random) -> None:
    """
    Replace one, if it is there.
    """
    document = make_document(_any(chance), chance)
    products.replace_one({"_id": document["_id"]}, document)


def upsert(products: Products, chance: random.Random) -> None:
    """
    Replace one, or insert it.
    """
    document = make_document(_any(chance), chance)
    products.replace_one({"_id": document["_id"]}, document, upsert=True)


def delete_one(products: Products, chance: random.Random) -> None:
    """
    Delete one.
    """
    products.delete_one(_target(chance))


def delete_many(products: Products, chance: random.Random) -> None:
    """
    Delete several.
    """
    products.delete_many({"_id": {"$in": [make_id(n) for n in _some(chance)]}})


def bulk_write(products: Products, chance: random.Random) -> None:
    """
    Do different things to several.
    """
    documents = [make_document(number, chance) for number in _some(chance)]
    products.bulk_write(
        [_request(document, chance) for document in documents], ordered=False
    )


def transaction(products: Products, chance: random.Random) -> None:
    """
    Write and delete at one time, or not at all.
    """
    numbers = chance.sample(range(POOL), 4)
    with (
        products.database.client.start_session() as session,
        session.start_transaction(),
    ):
        for number in numbers:
            document = make_document(number, chance)
            products.replace_one(
                {"_id": document["_id"]}, document, upsert=True, session=session
            )
        products.delete_one(_target(chance), session=session)
        if chance.random() < 0.2:
            session.abort_transaction()


def find_one_and(products: Products, chance: random.Random) -> None:
    """
    Write one by `findAndModify`.
    """
    document = make_document(_any(chance), chance)
    target = {"_id": document["_id"]}
    match chance.randrange(3):
        case 0:
            products.find_one_and_update(target, {"$set": {"brand": "Own"}})
        case 1:
            products.find_one_and_replace(target, document)
        case _:
            products.find_one_and_delete(target)


def flip_status(products: Products, chance: random.Random) -> None:
    """
    Judge one.
    """
    products.update_one(_target(chance), {"$set": {"status": chance.choice(STATUSES)}})


def flip_many(products: Products, chance: random.Random) -> None:
    """
    Judge several.
    """
    ids = [make_id(number) for number in _some(chance)]
    change = {"$set": {"status": chance.choice(STATUSES)}}
    products.update_many({"_id": {"$in": ids}}, change)


def poison(products: Products, chance: random.Random) -> None:
    """
    Put what makes no sense into one.
    """
    odd = dict(chance.choice(ODD))
    products.update_one(_target(chance), {"$set": odd}, upsert=True)


def write_and_delete(products: Products, chance: random.Random) -> None:
    """
    Delete one just after it was written.
    """
    document = make_document(_any(chance), chance)
    target = {"_id": document["_id"]}
    products.replace_one(target, document, upsert=True)
    products.update_one(target, {"$set": {"price": 1}})
    products.delete_one(target)


def rewrite(products: Products, chance: random.Random) -> None:
    """
    Change one and change it back.
    """
    target = _target(chance)
    found = products.find_one(target, {"name": 1})
    if found is not None:
        products.update_one(target, {"$set": {"name": found.get("name"), "n": 1}})
        products.update_one(target, {"$unset": {"n": 1}})


def elsewhere(products: Products, chance: random.Random) -> None:
    """
    Write to another collection.
    """
    products.database["orders"].insert_one({"of": _any(chance)})


KINDS: Final[Mapping[str, Write]] = {
    write.__name__: write
    for write in (
        insert_one,
        insert_many,
        update_one,
        update_anchor,
        update_many,
        replace_one,
        upsert,
        delete_one,
        delete_many,
        bulk_write,
        transaction,
        find_one_and,
        flip_status,
        flip_many,
        poison,
        write_and_delete,
        rewrite,
        elsewhere,
    )
}


class Writer:
    """
    Writes once when it is called; returns how long to rest.
    """

    def __init__(self, products: Products, journal: Journal) -> None:
        self._surely = products
        self._hardly = products.with_options(write_concern=HARDLY)
        self._journal = journal

    def __call__(self, chance: random.Random) -> float:
        """
        Make one write of any kind.

        Raises:
            PyMongoError: It failed in a way that no fault explains.
        """
        name = chance.choice(tuple(KINDS))
        products = chance.choice((self._surely, self._hardly))
        rest_s = chance.expovariate(1 / REST_S)
        try:
            KINDS[name](products, chance)
        except PyMongoError as error:
            if not is_excused(error):
                raise
            if to_codes(error) != {DUPLICATE}:
                self._journal.count("interrupted writes", to_name(error))
                return AFTER_ERROR_S
        self._journal.count("writes", name)
        return rest_s


def is_excused(error: PyMongoError) -> bool:
    """
    Return whether a fault, or another writer, explains why a write failed.
    """
    # The driver takes a member that has not yet said what it is for one too old.
    is_too_early = isinstance(error, ConfigurationError)
    is_away = isinstance(error, AutoReconnect)
    return is_away or is_too_early or to_codes(error) <= EXCUSED


def to_codes(error: PyMongoError) -> Set[int | None]:
    """
    Return the server's error codes in an error; None among them when it has none.
    """
    if isinstance(error, BulkWriteError):
        details = error.details
        parts = (*details["writeErrors"], *details["writeConcernErrors"])
        return {part["code"] for part in parts}
    return {getattr(error, "code", None)}


def to_name(error: PyMongoError) -> str:
    """
    Return what an error is, for a count.
    """
    codes = " ".join(str(code) for code in to_codes(error) if code)
    return f"{type(error).__name__} {codes}".strip()


def _any(chance: random.Random) -> int:
    return chance.randrange(POOL)


def _some(chance: random.Random) -> list[int]:
    return chance.sample(range(POOL), chance.randint(2, MOST))


def _target(chance: random.Random) -> Document:
    return {"_id": make_id(_any(chance))}


def _request(document: Document, chance: random.Random) -> Any:
    target = {"_id": document["_id"]}
    match chance.randrange(4):
        case 0:
            return InsertOne(document)
        case 1:
            return DeleteOne(target)
        case 2:
            return UpdateOne(target, {"$set": {"price": document.get("price")}})
    return ReplaceOne(target, document, upsert=True)
