"""
What products say by reference is what the collections say, whatever happened to them.
"""

from __future__ import annotations

import tempfile
import threading
import time

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listener.clock import Clock
from listener.complaints import Complaints
from listener.doctor.collection import look_at_position
from listener.doctor.finding import Verdict
from listener.keys import to_key
from listener.mongo.lookups import LookupReader
from listener.mongo.source import MongoSource
from listener.mongo.tokens import just_before
from listener.opening import open_source
from listener.profile.referred import decide_with
from listener.values.references import Named
from recommender.position import ClusterTime
from recommender.store import StoreReader
from tests.support.documents import make_settings
from tests.support.followed import Follower
from tests.support.listener import events
from tests.support.processes import make_pair, to_uri
from tests.support.referring import (
    LATEST_S,
    SETTINGS,
    Document,
    Following,
    make_shop,
    now,
    put,
    transact,
)


@pytest.fixture(name="shop")
def _shop(database: Any) -> Any:
    make_shop(database)
    return database


def one(collection: str, id_: Any, document: Document | None) -> Callable[[Any], None]:
    return lambda shop: put(shop, {(collection, id_): document})


HAPPENS: dict[str, Callable[[Any], Any]] = {
    "a category is renamed": one("categories", 3, {"name": "Boilers", "parent": 2}),
    "one far above is renamed": one("categories", 1, {"name": "House"}),
    "one is moved": one("categories", 2, {"name": "Kitchen", "parent": 4}),
    "one becomes the first of its line": one("categories", 2, {"name": "Kitchen"}),
    "one is deleted": one("categories", 2, None),
    "one comes later than its products": one("categories", 9, {"name": "New"}),
    "one loses its name": lambda shop: shop["categories"].update_one(
        {"_id": 2}, {"$unset": {"name": 1}}
    ),
    "an update moves one": lambda shop: shop["categories"].update_one(
        {"_id": 3}, {"$set": {"parent": 4}}
    ),
    "an update leaves one without a parent": lambda shop: shop["categories"].update_one(
        {"_id": 2}, {"$unset": {"parent": 1}}
    ),
    "they form a circle": one("categories", 1, {"name": "Home", "parent": 3}),
    "a brand is renamed": one("brands", "b", {"name": "Brimm & Co"}),
    "a brand is deleted": one("brands", "c", None),
    "ids are numbers of other types": lambda shop: put(
        shop,
        {
            ("products", "stool"): {"name": "Stool", "category": 5_000_000_000},
            ("categories", 5e9): {"name": "Seats", "parent": 4.0},
        },
    ),
    "a product is moved": one("products", "pot", {"name": "Pot", "category": 3}),
}
BEGINS_ANEW: dict[str, Callable[[Any], Any]] = {
    "all categories are dropped": lambda shop: shop["categories"].drop(),
    "others take their name": lambda shop: (
        shop["others"].insert_one({"_id": 2, "name": "Cooking"}),
        shop["others"].rename("categories", dropTarget=True),
    ),
}

AGAIN: dict[str, Callable[[Any], Any]] = {
    "all categories are dropped": lambda shop: (
        shop["others"].insert_one({"_id": 2, "name": "Cooking"}),
        shop["others"].rename("categories"),
    ),
    "others take their name": lambda shop: (
        shop["categories"].drop(),
        shop["categories"].insert_one({"_id": 2, "name": "Baking"}),
    ),
}


def test_what_happens_while_following(
    mongo_uri: str, shop: Any, tmp_path: Path
) -> None:
    """
    Whatever is written to what products refer to is in their rows when the model says
    that it has come so far, and stays in after a restart.
    """
    following = Following(mongo_uri, shop, tmp_path)
    with following.running():
        following.check()
        for happen in HAPPENS.values():
            happen(shop)
            following.check()
    with following.running():
        following.check()


@pytest.mark.parametrize("what", sorted(BEGINS_ANEW))
def test_another_collection_of_names_begins_anew(
    mongo_uri: str, shop: Any, tmp_path: Path, what: str
) -> None:
    """
    When what products refer to is another collection, the model is rebuilt aside, also
    when it became so while nobody looked.
    """
    following = Following(mongo_uri, shop, tmp_path)
    with following.running():
        following.check()
        BEGINS_ANEW[what](shop)
        following.check()
    AGAIN[what](shop)
    with following.running():
        following.check()


def test_names_that_go_and_come_back(mongo_uri: str, shop: Any, tmp_path: Path) -> None:
    """
    While the collection of names is called otherwise there are no names.
    """
    following = Following(mongo_uri, shop, tmp_path)
    with following.running():
        following.check()
        shop["categories"].rename("kinds")
        following.check()
        shop["kinds"].rename("categories")
        following.check()


def test_names_that_come_later_begin_nothing_anew(
    mongo_uri: str, shop: Any, tmp_path: Path, logs: list[Any]
) -> None:
    """
    A collection of names that came into being while it was followed is known after a
    restart.
    """
    shop["categories"].drop()
    following = Following(mongo_uri, shop, tmp_path)
    with following.running():
        following.check()
        shop["categories"].insert_one({"_id": 3, "name": "Kettles"})
        following.check()
    with following.running():
        following.check()
    assert len(events(logs, "rebuild.started")) == 1


def test_what_happens_while_the_listener_is_down(
    mongo_uri: str, shop: Any, tmp_path: Path, logs: list[Any]
) -> None:
    """
    It goes on from the position of each stream: nothing is read from scratch.
    """
    following = Following(mongo_uri, shop, tmp_path)
    with following.running():
        following.check()
    for what in ("one far above is renamed", "a brand is renamed", "one is moved"):
        HAPPENS[what](shop)
        with following.running():
            following.check()
            assert following.verify().is_equal
    assert len(events(logs, "rebuild.started")) == 1


def test_a_rename_during_the_first_scan(
    mongo_uri: str, shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What the scan read a moment too soon is read again.
    """
    read, renamed = LookupReader.named, []

    def read_then_rename(self: LookupReader, *args: Any) -> Named:
        found = read(self, *args)
        if not renamed:
            renamed.append(found)
            put(shop, {("categories", 1): {"name": "House"}, ("brands", "b"): None})
        return found

    monkeypatch.setattr(LookupReader, "named", read_then_rename)
    following = Following(mongo_uri, shop, tmp_path)
    with following.running():
        following.snapshot()
        following.check()
    assert renamed[0][3]["parent"]["parent"] == {"name": "Home"}


def test_a_listener_that_is_killed_goes_on(
    mongo_uri: str, shop: Any, tmp_path: Path
) -> None:
    """
    Killed at once after a rename, and started after others: all are in, and nothing was
    read from scratch.
    """
    uri = to_uri(mongo_uri, shop.name)
    names = {f"EVERSHELF_{name.upper()}": value for name, value in SETTINGS.items()}
    following = Following(mongo_uri, shop, tmp_path)
    with make_pair(tmp_path, uri, names) as pair:
        pair.listener.start()
        pair.listener.wait_for_log("listener.state", state="following", timeout_s=60)
        following.check()
        put(shop, {("categories", 1): {"name": "House"}})
        pair.listener.kill()
        put(shop, {("categories", 4): None, ("brands", "b"): {"name": "Brimm & Co"}})
        pair.listener.start()
        following.check()
        assert len(pair.listener.logs("rebuild.started")) == 1


def test_what_was_read_is_never_read_as_it_was_before(
    mongo_uri: str, shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However long a look takes, what it finds is read at the time of whatever else has
    been told meanwhile, or later, also after a restart: another member may have become
    the primary, and still show what was before.
    """
    is_over = threading.Event()
    look, read = LookupReader.referring, MongoSource._read_again
    read_at: list[ClusterTime] = []

    def look_slowly(self: LookupReader, *args: Any) -> Any:
        assert is_over.wait(LATEST_S)
        return look(self, *args)

    def note_and_read(self: MongoSource, ids: Any, newest: Any, *args: Any) -> Any:
        read_at.append(newest)
        return read(self, ids, newest, *args)

    monkeypatch.setattr(LookupReader, "referring", look_slowly)
    monkeypatch.setattr(MongoSource, "_read_again", note_and_read)
    following = Following(mongo_uri, shop, tmp_path)
    complaints = Complaints(time.monotonic)
    with open_source(following.settings, mongo_uri, complaints) as source:
        with Follower(source) as follower:
            follower.open()
            put(shop, {("categories", 4): {"name": "Gardens"}})
            now(shop)
            put(shop, {("products", "pot"): {"name": "Pot", "category": 3}})
            follower.until(lambda: follower.written == {to_key("pot")})
            mark, _ = follower.marks[-1]
            is_over.set()
            follower.follow_to(now(shop))
        with Follower(source, mark.checkpoint) as follower:
            follower.follow_to(now(shop))
            assert to_key("hose") in follower.written

    first, *others = read_at
    assert len(others) >= 2
    assert min(others) >= just_before(first)


def test_the_doctor_looks_at_the_position_in_each_stream(
    mongo_uri: str, shop: Any, tmp_path: Path
) -> None:
    """
    That of the products alone does not lead on.
    """
    following = Following(mongo_uri, shop, tmp_path)
    with following.running():
        following.check()
    manifest = StoreReader(following.settings.store_dir).read_manifest()
    (checkpoint,) = manifest.checkpoints.values()
    complaints = Complaints(time.monotonic)
    with open_source(following.settings, mongo_uri, complaints) as source:
        before = look_at_position(source, checkpoint, Clock())
        shop["categories"].drop()
        after = look_at_position(source, checkpoint, Clock())

    assert before.verdict is Verdict.OK
    assert after.verdict is Verdict.WARN
    assert "collection_dropped" in after.found


def test_a_reference_that_leads_nowhere_is_said_once(
    mongo_uri: str, shop: Any, tmp_path: Path, logs: list[Any]
) -> None:
    """
    The product stays, and is read again when what it refers to comes.
    """
    shop["products"].insert_one({"_id": "odd", "name": "Odd", "category": ObjectId()})
    following = Following(mongo_uri, shop, tmp_path)
    with following.running():
        following.check()
        shop["products"].update_one({"_id": "odd"}, {"$set": {"price": 3}})
        following.check()
    with following.running():
        following.check()
    said = events(logs, "product.incomplete")
    assert [(line["product_id"], line["problems"]) for line in said] == [
        ("odd", ["category: reference"])
    ]


def test_a_shop_without_settings(mongo_uri: str, database: Any, tmp_path: Path) -> None:
    """
    What is referred to is found out in the database, among other collections, and then
    followed; `secrets`, which has the same ids and no names, is not.
    """
    kinds = [ObjectId() for _ in range(4)]
    named = [{"_id": id_, "name": f"Kind {n}"} for n, id_ in enumerate(kinds)]
    database["categories"].insert_many(
        [{**one, **({"parent": kinds[0]} if one["_id"] != kinds[0] else {})}
         for one in named]
    )  # fmt: skip
    database["secrets"].insert_many([{"_id": id_, "x": 1} for id_ in kinds])
    database["products"].insert_many(
        [{"_id": n, "name": f"Lamp {n}", "category": kinds[n % 4]} for n in range(30)]
    )
    plain = make_settings(database=database.name, data_dir=tmp_path)
    with open_source(plain, mongo_uri, Complaints(time.monotonic)) as source:
        found = decide_with(source.sample(500), source.look_up).settings
    assert found == {"category_collection": "categories"}

    following = Following(mongo_uri, database, tmp_path, brand_collection="", **found)
    with following.running():
        following.check()
        put(database, {("categories", kinds[0]): {"name": "Light"}})
        following.check()


def test_counters_of_a_category_make_no_product_dirty(
    mongo_uri: str, shop: Any, tmp_path: Path
) -> None:
    """
    Only updates of what is read of a category count.
    """
    following = Following(mongo_uri, shop, tmp_path)
    complaints = Complaints(time.monotonic)
    with (
        open_source(following.settings, mongo_uri, complaints) as source,
        Follower(source) as follower,
    ):
        follower.open()
        for number in range(20):
            shop["categories"].update_one(
                {"_id": 1}, {"$set": {"products": number, "seo.parent": "x"}}
            )
        follower.follow_to(now(shop))
        assert not follower.written
        shop["categories"].update_one({"_id": 4}, {"$set": {"name": "Gardens"}})
        follower.follow_to(now(shop))
        assert follower.written == {to_key("hose")}


changes = st.dictionaries(
    st.tuples(st.just("categories"), st.integers(1, 5))
    | st.tuples(st.just("brands"), st.sampled_from("bc"))
    | st.tuples(st.just("products"), st.sampled_from(["kettle", "pot", "hose"])),
    st.none()
    | st.fixed_dictionaries(
        {"name": st.sampled_from(["Home", "Tea", "Garden", "Steel"])},
        optional={
            "parent": st.integers(1, 5),
            "category": st.integers(1, 6) | st.lists(st.integers(1, 6), max_size=3),
            "brand": st.sampled_from("bcd"),
        },
    ),
    min_size=1,
    max_size=8,
)
histories = st.lists(
    st.tuples(st.sampled_from(["write", "transact", "away"]), changes),
    min_size=1,
    max_size=5,
)


@given(history=histories)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_ends_with_what_the_collections_say(
    mongo_uri: str, database: Any, history: Any
) -> None:
    """
    Categories, brands and products written one by one and in transactions, while the
    listener follows and while it is away.
    """
    for name in ("categories", "brands", "products"):
        database[name].delete_many({})
    make_shop(database)
    with tempfile.TemporaryDirectory() as folder:
        following = Following(
            mongo_uri, database, Path(folder), shrink_grace_s=0, durable_interval_s=0
        )
        for action, several in history:
            if action == "away":
                put(database, several)
            with following.running():
                following.check()
                if action != "away":
                    (transact if action == "transact" else put)(database, several)
                    following.check()
