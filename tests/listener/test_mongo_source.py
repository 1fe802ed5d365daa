"""
Following a collection of a real MongoDB: what only MongoDB does.
"""

from __future__ import annotations

import os
import signal
import threading
import time

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bson
import orjson
import pytest

from bson import Decimal128, Int64, MaxKey, MinKey
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.collection import Collection

from listener.demo.mongod import Mongod
from listener.errors import ListenerError, PositionLost, Refused, Unreachable
from listener.feed import Batch
from listener.keys import to_key
from listener.mongo.feed import READ_IDS
from recommender.position import ClusterTime
from tests.support.followed import (
    PATIENCE_S,
    Follower,
    MongoShop,
    mongo_shop,
    mongo_source,
    to_name,
)
from tests.support.ids import IDS, UUIDS
from tests.support.mongo import Standalone, make_mongod
from tests.support.products import make_key
from tests.support.waiting import wait_for


Document = dict[str, Any]
HUNG_S = 2.0  # instead of the ten seconds that real operators wait
NOTICED_S = 20.0  # on a busy machine
AT_ONCE_S = 5.0  # on such a one; a tenth of a second on one that has nothing else to do


@pytest.fixture(name="shop")
def _shop(mongo_uri: str, database: Any) -> Iterator[MongoShop]:
    with mongo_shop(mongo_uri, database.name) as shop:
        yield shop


@pytest.fixture(name="mongod", scope="module")
def _mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """
    One that may be harmed.
    """
    with make_mongod(tmp_path_factory.mktemp("mongod")) as mongod:
        yield mongod


@pytest.fixture(name="_impatient")
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("listener.mongo.client.SILENCE_S", HUNG_S)
    monkeypatch.setattr("listener.mongo.feed.ASK_EVERY_S", HUNG_S)
    monkeypatch.setattr("listener.mongo.client.SELECTION_S", HUNG_S / 2)


def follow(shop: MongoShop, checkpoint: str | None = None) -> Follower:
    return Follower(shop.source, checkpoint)


def scanned(shop: MongoShop) -> dict[bytes, str]:
    return {p.key: to_name(p) for batch in shop.source.scan() for p in batch}


def rename(collection: Collection[Document]) -> None:
    collection.rename("elsewhere")


def rename_over(collection: Collection[Document]) -> None:
    collection.database["new"].insert_one({"_id": "n"})
    collection.database["new"].rename(collection.name, dropTarget=True)


def put_out(collection: Collection[Document]) -> None:
    collection.database["new"].insert_one({"_id": "n"})
    collection.database["new"].aggregate([{"$out": collection.name}])


def drop(collection: Collection[Document]) -> None:
    collection.drop()


def drop_database(collection: Collection[Document]) -> None:
    collection.database.client.drop_database(collection.database.name)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (drop, "collection_dropped"),
        (rename, "collection_renamed"),
        (rename_over, "collection_renamed"),
        (put_out, "collection_renamed"),
        (drop_database, "collection_dropped"),
    ],
)
def test_end_of_the_collection(
    shop: MongoShop, harm: Callable[[Collection[Document]], None], reason: str
) -> None:
    """
    Whatever ends the collection, what was written before arrives first, and then the
    feed says what has happened. Nothing leads on from any checkpoint before.
    """
    shop.put("a", "one")
    identity = shop.source.identity()
    with follow(shop) as follower:
        checkpoint = follower.open().marks[-1][0].checkpoint
        shop.put("b", "two")
        harm(shop.collection)
        with pytest.raises(PositionLost) as raised:
            follower.until(lambda: False)
        assert raised.value.reason == reason
        assert follower.names.keys() <= {make_key("a"), make_key("b")}
    assert shop.source.identity() != identity

    with follow(shop, checkpoint) as follower, pytest.raises(PositionLost) as raised:
        follower.until(lambda: False)
    assert raised.value.reason == reason


def test_ids_of_every_type(shop: MongoShop) -> None:
    """
    Whatever the types of their ids, products have one key in a scan, in a feed and
    when they are deleted.
    """
    collection = shop.collection.with_options(UUIDS)
    with follow(shop) as follower:
        follower.open()
        for number, id_ in enumerate(IDS):
            collection.insert_one({"_id": id_, "name": f"{number}"})
        follower.follow_to(shop.source.now())
        assert follower.names == scanned(shop)
        assert follower.names == {to_key(id_): f"{n}" for n, id_ in enumerate(IDS)}
        for id_ in IDS:
            collection.update_one({"_id": id_}, {"$set": {"name": "new"}})
        follower.follow_to(shop.source.now())
        assert set(follower.names.values()) == {"new"}
        for id_ in IDS:
            assert collection.delete_one({"_id": id_}).deleted_count == 1
        follower.follow_to(shop.source.now())
        assert follower.names == {}


@pytest.mark.parametrize("limit", [1, 3, 1_000])
def test_pages_cross_the_types_of_ids(shop: MongoShop, limit: int) -> None:
    """
    Paging by id goes on from the last id of one type to the first of the next; null,
    the least and the greatest are ids like others.
    """
    ids = [*IDS, MinKey(), MaxKey(), float("nan"), float("-inf"), "", {}]
    collection = shop.collection.with_options(UUIDS)
    collection.insert_many([{"_id": id_} for id_ in ids])
    found: list[bytes] = []
    page = shop.source.page(None, limit)
    found += [product.key for product in page.products]
    while page.end is not None:
        page = shop.source.page(page.end, limit)
        found += [product.key for product in page.products]

    assert sorted(found) == sorted(map(to_key, ids))


def test_pages_of_a_collection_with_a_collation(shop: MongoShop) -> None:
    """
    Where the collection orders its ids as a language does, pages follow that order.
    """
    names = ["a", "B", "c", "\u00c4", "ab", "Z"]
    shop.collection.database.create_collection(
        shop.collection.name, collation={"locale": "de", "strength": 3}
    )
    shop.collection.insert_many([{"_id": name} for name in names])
    found: list[bytes] = []
    page = shop.source.page(None, 2)
    found += [product.key for product in page.products]
    while page.end is not None:
        page = shop.source.page(page.end, 2)
        found += [product.key for product in page.products]

    assert sorted(found) == sorted(map(to_key, names))


def test_equal_numbers_are_one_product(shop: MongoShop) -> None:
    """
    What MongoDB calls the same id is the same product, whatever type it was written in.
    """
    with follow(shop) as follower:
        follower.open()
        shop.collection.insert_one({"_id": 5, "name": "five"})
        shop.collection.delete_one({"_id": 5.0})
        shop.collection.insert_one({"_id": Int64(5), "name": "again"})
        shop.collection.replace_one({"_id": Decimal128("5")}, {"name": "last"})
        follower.follow_to(shop.source.now())

        assert follower.names == scanned(shop) == {to_key(5): "last"}


def test_position_in_the_future(shop: MongoShop) -> None:
    """
    A checkpoint later than the database's time is of another history: an older copy
    was restored.
    """
    with follow(shop) as follower:
        shop.put("a", "one")
        checkpoint = (
            follower.open().follow_to(shop.source.now()).marks[-1][0].checkpoint
        )
    token = orjson.loads(checkpoint)
    seconds = int(token["_data"][2:10], 16) + 3600
    token["_data"] = f"{token['_data'][:2]}{seconds:08X}{token['_data'][10:]}"

    with pytest.raises(PositionLost) as raised:
        shop.source.follow(orjson.dumps(token).decode())
    assert raised.value.reason == "position_in_future"


def test_broken_token(shop: MongoShop) -> None:
    """
    However a checkpoint is cut off or written over, it goes on as well as the whole
    one, or is a lost position; never is the database taken for unreachable.
    """
    with follow(shop) as follower:
        whole = follower.open().follow_to(shop.put("a", "one")).marks[-1][0].checkpoint
    data = orjson.loads(whole)["_data"]
    broken = [data[:end] for end in range(18, len(data))]
    broken += [f"{data[:at]}F{data[at + 1 :]}" for at in range(18, len(data), 3)]
    for text in broken:
        checkpoint = orjson.dumps({"_data": text}).decode()
        try:
            with follow(shop, checkpoint) as follower:
                follower.open()
        except ListenerError as error:
            assert isinstance(error, PositionLost), error  # noqa: PT017 either is fine


def test_documents_near_the_limit(shop: MongoShop) -> None:
    """
    A large document, changed by much, passes: no event carries it.
    """
    with follow(shop) as follower:
        follower.open()
        shop.collection.insert_one(
            {"_id": "a", "name": "big", "first": "x" * 9_000_000}
        )
        shop.collection.update_one({"_id": "a"}, {"$set": {"second": "y" * 7_000_000}})
        shop.put("b", "small")
        follower.follow_to(shop.source.now())

        assert follower.names == {make_key("a"): "big", make_key("b"): "small"}


def test_burst_arrives_in_parts(shop: MongoShop) -> None:
    """
    Thousands of writes at once come in several batches, none of them too large.
    """
    with follow(shop) as follower:
        follower.open()
        shop.collection.insert_many({"_id": i, "name": "one"} for i in range(5_000))
        follower.follow_to(shop.source.now())

    sizes = [len(batch.mutations) for batch in follower.batches if batch.mutations]
    assert len(sizes) > 2
    assert max(sizes) <= READ_IDS
    assert sum(batch.events["insert"] for batch in follower.batches) == 5_000
    assert follower.names == shop.names()


def test_more_is_expected_after_a_full_reply(
    shop: MongoShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A reply without room for more is followed by another at once: what it brought is not
    the last, and what follows is waited for, also by who would not wait.
    """
    monkeypatch.setattr("listener.mongo.reader.REPLY_EVENTS", 3)
    monkeypatch.setattr("listener.mongo.feed.FULL_S", PATIENCE_S)
    with follow(shop) as follower:
        follower.open()
        shop.transact(dict.fromkeys("abc", "one"))
        full = wait_for(lambda: take_some(follower))
        follows = follower._feed.take(0.0)
        shop.put("last", "one")
        last = wait_for(lambda: take_some(follower))

    assert (len(full.mutations), full.is_last) == (3, False)
    assert follows is not None
    assert (len(last.mutations), last.is_last) == (1, True)


def take_some(follower: Follower) -> Batch | None:
    """
    Return a batch of something, if there is one.
    """
    batch = follower._feed.take(0.0)
    return batch if batch and batch.mutations else None


def test_folded_notices_come_in_parts(
    shop: MongoShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What was folded together while nobody took it, as during a long scan, is read again
    in parts, and its mark comes with the last of them.
    """
    monkeypatch.setattr("listener.mongo.inbox.MOST_CHUNKS", 1)
    with follow(shop) as follower:
        follower.open()
        for first in range(0, 5_000, 1_000):
            ids = range(first, first + 1_000)
            shop.collection.insert_many({"_id": i, "name": "one"} for i in ids)
        end = shop.source.now()
        inbox = follower._feed._reader.inbox
        wait_for(lambda: inbox._chunks and inbox._chunks[-1].as_of >= end)
        follower.follow_to(end)

    parts = [batch for batch in follower.batches if batch.mutations]
    assert [len(part.mutations) for part in parts] == [READ_IDS, READ_IDS, 1_000]
    assert [part.reached is None for part in parts] == [True, True, False]
    assert [part.is_last for part in parts[:2]] == [False, False]
    assert [part.events["insert"] for part in parts] == [0, 0, 5_000]
    assert follower.names == shop.names()


def test_ids_that_no_one_query_could_name(shop: MongoShop) -> None:
    """
    Ids that are larger together than a command may be are read again in parts; the
    listener would try the same query for ever.
    """
    with follow(shop) as follower:
        follower.open()
        ids = [f"{number} {'x' * 12_000}" for number in range(1_900)]
        shop.collection.insert_many({"_id": id_, "name": "one"} for id_ in ids)
        end = shop.source.now()
        inbox = follower._feed._reader.inbox
        wait_for(lambda: inbox._chunks and inbox._chunks[-1].as_of >= end)
        follower.follow_to(end)

    assert follower.names == dict.fromkeys(map(to_key, ids), "one")


def test_transaction_of_large_ids(shop: MongoShop) -> None:
    """
    A reply may break off by its size, long before it holds its most events: then, too,
    a transaction is claimed when it is whole.
    """
    with follow(shop) as follower:
        follower.open()
        whole = {f"{number} {'x' * 5_500}": "one" for number in range(1_300)}
        when = shop.transact(whole)
        follower.follow_to(when)

        claims = [names for mark, names in follower.marks if mark.as_of >= when]
        assert [len(names) for names in claims] == [len(whole)] * len(claims)


def test_what_no_driver_expects(shop: MongoShop) -> None:
    """
    Dates beyond the calendar and text that is not UTF-8 are read all the same.
    """
    last_day = bson.DatetimeMS((1 << 63) - 1)
    odd = bson.encode({"_id": "a", "name": "abc", "date": last_day})
    odd = odd.replace(b"abc\x00", b"a\xffc\x00")
    with follow(shop) as follower:
        follower.open()
        raw: Any = RawBSONDocument(odd)
        shop.collection.insert_one(raw)
        follower.follow_to(shop.source.now())

        assert follower.names == {make_key("a"): "a\N{REPLACEMENT CHARACTER}c"}
        assert scanned(shop) == follower.names


def test_collection_that_ignores_case(shop: MongoShop) -> None:
    """
    Where the collection's own rules call other ids the same, a product is still known
    by its own.
    """
    collation = {"locale": "en", "strength": 2}
    shop.collection.database.create_collection("products", collation=collation)
    with follow(shop) as follower:
        follower.open()
        shop.put("Lamp", "one")
        shop.delete("lamp")
        shop.put("LAMP", "two")
        follower.follow_to(shop.source.now())

        assert follower.names == scanned(shop) == {make_key("LAMP"): "two"}


@pytest.mark.parametrize("when", ["at once", "after a while", "with much to come"])
def test_closed_promptly(
    shop: MongoShop, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A feed that is left is over at once, and leaves no thread.
    """
    monkeypatch.setattr("listener.mongo.reader.PARTING_S", 60.0)
    with follow(shop) as follower:
        if when != "at once":
            follower.open()
        if when == "with much to come":
            shop.collection.insert_many({"_id": i} for i in range(3_000))
        started = time.monotonic()
    assert time.monotonic() - started < AT_ONCE_S

    wait_for(lambda: not readers())


def is_reachable(shop: MongoShop) -> bool:
    """
    Ask; who is impatient may give up before the driver has looked again.
    """
    try:
        shop.source.now()
    except Unreachable:
        return False
    return True


def readers() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "stream-reader"]


def test_view_is_refused(shop: MongoShop, mongo_uri: str) -> None:
    """
    A view cannot be followed; the error says what to name instead.
    """
    database = shop.collection.database
    shop.put("a", "one")
    database.create_collection("approved", viewOn="products", pipeline=[])
    with mongo_source(mongo_uri, database.name, "approved") as source:
        assert source.identity()
        with Follower(source) as follower, pytest.raises(Refused) as raised:
            follower.open()
    assert "collection behind" in raised.value.remedy


@pytest.mark.usefixtures("_impatient")
def test_hung_server_is_noticed(mongod: Mongod) -> None:
    """
    A server that holds its connections and says nothing is unreachable after a while,
    not never; when it goes on, so does a feed from the last checkpoint.
    """
    with mongo_shop(mongod.uri, "hung") as shop:
        with follow(shop) as follower:
            follower.open().follow_to(shop.put("a", "one"))
            os.kill(mongod.pid, signal.SIGSTOP)
            try:
                started = time.monotonic()
                with pytest.raises(Unreachable):
                    follower.until(lambda: False)
                assert time.monotonic() - started < NOTICED_S
                with pytest.raises(Unreachable):
                    shop.source.now()
            finally:
                os.kill(mongod.pid, signal.SIGCONT)
        wait_for(lambda: is_reachable(shop), what="an answer")
        with follow(shop, follower.marks[-1][0].checkpoint) as again:
            again.follow_to(shop.put("b", "two"))
            assert again.names[make_key("b")] == "two"
    wait_for(lambda: not readers())


@pytest.mark.usefixtures("_impatient")
def test_killed_server(mongod: Mongod) -> None:
    """
    While the server is down every question says so; when it is back, a feed from the
    last checkpoint has all that was written since.
    """
    with mongo_shop(mongod.uri, "killed") as shop:
        with follow(shop) as follower:
            follower.open().follow_to(shop.put("a", "one"))
            shop.put("b", "two")
            mongod.kill()
            with pytest.raises(Unreachable):
                follower.until(lambda: False)
        for ask in (shop.source.now, shop.source.identity, shop.source.count):
            with pytest.raises(Unreachable):
                ask()
        mongod.start()
        written = shop.put("c", "three")  # waits for a primary
        wait_for(lambda: is_reachable(shop), what="an answer")
        with follow(shop, follower.marks[-1][0].checkpoint) as again:
            again.names = dict(follower.names)
            again.follow_to(written)
            assert again.names == shop.names()


def test_failover_is_passed_over(mongod: Mongod) -> None:
    """
    A killed cursor, a closed connection or a changed primary, as in an election, costs
    nothing: the feed goes on, or is unreachable for a moment.
    """
    with mongo_shop(mongod.uri, "election") as shop:
        admin = shop.collection.database.client.admin
        checkpoint = None
        names: dict[bytes, str] = {}
        for data in (
            {"errorCode": 43},
            {"errorCode": 11602},
            {"errorCode": 11601},
            {"closeConnection": True},
        ):
            with follow(shop, checkpoint) as follower:
                follower.names = names
                follower.open()
                failed = fail_once(admin, data)
                when = shop.put(f"{data}", "one")
                checkpoint = until_back(follower, when)
                failed()  # which may be later than that, and must not be the next one's
                names = follower.names
        with follow(shop, checkpoint) as follower:
            follower.names = names
            follower.follow_to(shop.source.now())
            assert follower.names == shop.names()


def fail_once(admin: Any, data: dict[str, Any]) -> Callable[[], object]:
    """
    Let the listener's next `getMore` fail; return what waits until it has.
    """
    done = admin.command(
        "configureFailPoint",
        "failCommand",
        mode={"times": 1},
        data={"failCommands": ["getMore"], "appName": "evershelf-listener", **data},
    )
    wait = {
        "waitForFailPoint": "failCommand",
        "timesEntered": done["count"] + 1,
        "maxTimeMS": 30_000,
    }
    return lambda: admin.command(wait)


def until_back(follower: Follower, when: ClusterTime) -> str:
    """
    Follow up to a time, or to where it fails; return the last checkpoint.
    """
    try:
        follower.follow_to(when)
    except ListenerError as error:
        assert isinstance(error, Unreachable)  # noqa: PT017 either is fine
    return follower.marks[-1][0].checkpoint


def test_standalone_is_refused(tmp_path: Path) -> None:
    """
    A server that is no replica set has no stream to follow; the error says how to make
    it one.
    """
    with (
        make_mongod(tmp_path / "mongod", kind=Standalone, is_alone=False) as mongod,
        mongo_source(f"mongodb://127.0.0.1:{mongod.port}", "shop") as source,
    ):
        assert source.identity()
        with pytest.raises(Refused) as raised:
            source.now()
        assert "--replSet" in raised.value.remedy
        with Follower(source) as follower, pytest.raises(Refused) as raised:
            follower.open()
        assert "--replSet" in raised.value.remedy


def spoil(client: MongoClient[Any]) -> int:
    """
    Let all connections of a client be as those that were made to a member in the first
    moments of its start; return how many there are.
    """
    pools = [server.pool for server in client._topology._servers.values()]
    connections = [connection for pool in pools for connection in pool.conns]
    for connection in connections:
        connection.supports_sessions = False
    return len(connections)


def test_connection_to_a_member_that_was_starting(shop: MongoShop) -> None:
    """
    A connection that believes that there are no sessions is not kept for ever, whether
    it is one for reading or the stream's.
    """
    shop.put("a", "one")
    with follow(shop) as follower:
        follower.open()
    expected = scanned(shop)

    assert spoil(shop.source._clients.reads)
    with pytest.raises(Unreachable):
        scanned(shop)
    assert scanned(shop) == expected

    with follow(shop) as follower:
        follower.open()
    if spoil(shop.source._clients.stream):
        with pytest.raises(Unreachable), follow(shop) as follower:
            follower.open()
        with follow(shop) as follower:
            follower.open()
            follower.follow_to(shop.put("b", "two"))
            assert follower.names[make_key("b")] == "two"
