"""
Documents go into the demo's collection, and nowhere else.
"""

from __future__ import annotations

import pytest
import structlog

from pymongo import MongoClient

from listener.demo import embedded
from listener.demo.embedded import stock
from listener.demo.jsonl import Line
from listener.demo.load import load_file
from listener.demo.loader import load_sample, remove_sample, upsert
from listener.demo.sample import sample_products
from recommender.errors import SettingsFault
from recommender.exits import Exit
from recommender.settings import ListenerSettings
from tests.support.mongo import make_mongod


def test_an_empty_collection_gets_the_sample(collection):
    """
    What was made is what is there.
    """
    assert load_sample(collection) == collection.count_documents({})
    assert collection.distinct("status") == ["approved", "pending", "rejected"]


def test_any_document_keeps_the_sample_out(collection):
    """
    A collection with as little as one document is somebody's.
    """
    collection.insert_one({"_id": 1})

    assert load_sample(collection) == 0
    assert collection.count_documents({}) == 1


def test_removing_the_sample_leaves_what_is_not_of_it(collection):
    """
    A user's own products stay.
    """
    load_sample(collection)
    collection.insert_one({"_id": 1})

    assert remove_sample(collection) == len(sample_products())
    assert list(collection.find()) == [{"_id": 1}]


def test_upserts_replace(collection):
    """
    A document takes the place of the one with its id, whole.
    """
    collection.insert_one({"_id": 1, "name": "old", "price": 1})
    bad = upsert(
        collection, [Line(1, {"_id": 1, "name": "new"}), Line(2, {"_id": {"a": 1}})]
    )

    assert bad == []
    assert list(collection.find()) == [{"_id": 1, "name": "new"}, {"_id": {"a": 1}}]


def test_what_the_database_refuses_is_named_by_its_line(collection):
    """
    An id that MongoDB cannot have costs its own line only.
    """
    lines = [Line(4, {"_id": 1}), Line(5, {"_id": [1]}), Line(9, {"_id": 2})]

    (bad,) = upsert(collection, lines)

    assert bad.number == 5
    assert "array" in bad.reason
    assert collection.distinct("_id") == [1, 2]


@pytest.fixture(name="settings")
def _settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "products.jsonl"
    file.write_text('{"id": "a"}\nnonsense\n{"id": "b"}\n')
    return ListenerSettings(data_dir=tmp_path / "data", command="load", file=file)


def test_a_file_takes_the_samples_place(settings):
    """
    `load` starts the demo's database, puts the file in and takes the sample out; the
    next start finds the file's products and adds no sample.
    """
    with embedded.embedded(settings):
        pass
    with structlog.testing.capture_logs() as logs:
        assert load_file(settings) == Exit.OK
    with embedded.embedded(settings) as uri, MongoClient(uri) as client:
        assert client.shop.products.distinct("_id") == ["a", "b"]

    skipped, loaded = logs[-2:]
    assert (skipped["event"], skipped["line"]) == ("demo.line_skipped", 2)
    assert loaded == {
        "event": "demo.loaded",
        "loaded": 2,
        "skipped": 1,
        "sample_removed": len(sample_products()),
        "log_level": "info",
    }


def test_a_running_demo_is_loaded_into(settings):
    """
    While the demo runs, `load` and `verify` use its database and leave it running.
    """
    folder = settings.data_dir / "mongod"
    with make_mongod(folder) as mongod, MongoClient(mongod.uri) as client:
        assert load_file(settings) == Exit.OK

        assert client.shop.products.distinct("_id") == ["a", "b"]
        assert mongod.is_running


def test_a_file_with_nothing_in_it_leaves_the_sample(settings):
    """
    A file without a good line is a failure, and removes nothing.
    """
    settings.file.write_text("nonsense\n")
    with make_mongod(settings.data_dir / "mongod") as mongod:
        stock(settings, f"{mongod.uri}")
        assert load_file(settings) == Exit.UNAVAILABLE

        with MongoClient(mongod.uri) as client:
            count = client.shop.products.count_documents({})
            assert count == len(sample_products())


def test_a_shops_database_is_never_loaded_into(settings, mongo_uri, database):
    """
    With MONGODB_URI set, `load` refuses.
    """
    uri = mongo_uri.replace("/?", f"/{database.name}?")
    foreign = ListenerSettings(file=settings.file, mongodb_uri=uri)
    with pytest.raises(SettingsFault, match="MONGODB_URI"):
        load_file(foreign)

    assert database.list_collection_names() == []


def test_a_file_must_be_named(settings):
    """
    `load` without a file says how to name one.
    """
    with pytest.raises(SettingsFault, match="FILE="):
        load_file(settings.model_copy(update={"file": None}))
