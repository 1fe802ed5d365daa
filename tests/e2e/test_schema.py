"""
Shops whose fields nobody has named: found out, kept, and served.
"""

from __future__ import annotations

import tomllib

from pathlib import Path
from typing import Any

import pytest

from pymongo.collection import Collection

from tests.support.processes import Pair, make_pair, running, to_uri
from tests.support.schemas import GOODS, is_public, make_shop
from tests.support.waiting import wait_for


Products = Collection[dict[str, Any]]

PUBLIC = [f"{good.number:024x}" for good in GOODS if is_public(good)]
CHAIR = PUBLIC[0]


def assert_served(pair: Pair) -> None:
    """
    Fail unless all that is public is served, by its name, and only that.
    """
    answer = pair.get(f"/v1/products/{CHAIR}/similar?limit=100")
    assert answer.status == 200
    shown = {item["id"]: item["product"].get("name") for item in answer.json["items"]}
    names = {f"{good.number:024x}": good.name for good in GOODS}

    assert shown.keys() <= set(PUBLIC)
    assert len(shown) > 5
    assert all(name == names[key] for key, name in shown.items())
    assert pair.get("/v1/model").json["visible"] == len(PUBLIC)


@pytest.mark.parametrize("name", ["medusa", "woocommerce"])
def test_first_start(
    name: str, tmp_path: Path, mongo_uri: str, collection: Products
) -> None:
    """
    The first model that is served is already read by what was found out, and equals
    one trained from scratch; a restart finds out nothing and rebuilds nothing.
    """
    collection.insert_many(make_shop(name))
    with running(
        tmp_path / "data", to_uri(mongo_uri, collection.database.name)
    ) as pair:
        assert_served(pair)
        pair.assert_equal()
        published = pair.listener.logs("model.published")
        assert {line["visible"] for line in published} == {len(PUBLIC)}

        pair.listener.stop()
        pair.listener.start()
        wait_for(
            lambda: len(pair.listener.logs("listener.state", state="following")) > 1
        )

        assert len(pair.listener.logs("schema.decided")) == 1
        assert len(pair.listener.logs("rebuild.done")) == 1
        code, doctor = pair.run("doctor")
        assert code == 0, doctor.text
        (schema,) = doctor.logs("doctor.finding", check="schema")
        assert schema["verdict"] == "ok"
        assert "visible_when" in schema["found"]


def test_shop_that_begins_empty(
    tmp_path: Path, mongo_uri: str, collection: Products
) -> None:
    """
    Products that come one after the other are followed with the defaults until there
    are enough; then the model is made anew, once, in the same process.
    """
    with running(
        tmp_path / "data", to_uri(mongo_uri, collection.database.name)
    ) as pair:
        pair.listener.wait_for_log("schema.waiting", documents=0)
        for number, document in enumerate(make_shop("german")):
            if number == 10:
                pair.listener.stop()
                pair.listener.start()
            collection.insert_one(document)
        pair.listener.wait_for_log("schema.decided")
        wait_for(lambda: assert_served(pair) is None)
        collection.update_one({}, {"$set": {"zustand": "entwurf"}})
        wait_for(lambda: pair.get("/v1/model").json["visible"] == len(PUBLIC) - 1)

        assert len(pair.listener.logs("schema.decided")) == 1
        assert pair.listener.is_running
        pair.assert_equal()


def test_a_person_changes_the_file(
    tmp_path: Path, mongo_uri: str, collection: Products
) -> None:
    """
    After an edit the model is rebuilt by it at the next start, and what nobody named
    stays; a file that cannot be used is told at once.
    """
    collection.insert_many(make_shop("german"))
    file = tmp_path / "data" / "schema.toml"
    with running(file.parent, to_uri(mongo_uri, collection.database.name)) as pair:
        text = file.read_text()
        file.write_text(text.replace("['bezeichnung']", "['artikelnummer']"))
        pair.listener.stop()
        pair.listener.start()
        pair.listener.wait_for_log("rebuild.started", reason="settings_changed")

        def is_read_anew() -> bool:
            items = pair.get(f"/v1/products/{CHAIR}/similar").json["items"]
            return all(item["product"]["name"].startswith("A-") for item in items)

        wait_for(is_read_anew)
        pair.assert_equal()

        file.write_text("name_field = ['x']")
        pair.listener.stop()
        pair.listener.start()
        assert pair.listener.wait() == 2
        assert "name_field in" in pair.listener.text


def test_profile(tmp_path: Path, mongo_uri: str, collection: Products) -> None:
    """
    `profile` prints the file that the first start would write, and writes nothing.
    """
    collection.insert_many(make_shop("turkish")[:5])
    uri = to_uri(mongo_uri, collection.database.name)
    with make_pair(tmp_path / "data", uri) as pair:
        code, profile = pair.run("profile")

        assert code == 0
        settings = tomllib.loads(profile.text)
        assert settings["name_fields"] == ["urunAdi"]
        assert not (tmp_path / "data" / "schema.toml").exists()


def test_doctor_before_the_first_start(
    tmp_path: Path, mongo_uri: str, collection: Products
) -> None:
    """
    `doctor` says what will be found out, and judges the documents by it.
    """
    collection.insert_many(make_shop("german"))
    uri = to_uri(mongo_uri, collection.database.name)
    with make_pair(tmp_path / "data", uri) as pair:
        _, doctor = pair.run("doctor")

        said = {line["check"]: line for line in doctor.logs("doctor.finding")}
        assert "name in bezeichnung (sure 1.00" in said["schema"]["found"]
        assert "name 100%" in said["fields"]["found"]
        assert said["visible"]["found"].startswith(f"{len(PUBLIC)} of {len(GOODS)}")
