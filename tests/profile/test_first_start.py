"""
When it is found out what documents have, and how it is kept.
"""

from __future__ import annotations

import threading

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bson import ObjectId
from structlog.testing import capture_logs

from listener.errors import Unreachable
from listener.profile.first_start import ENOUGH, KEPT, FirstStart
from recommender.settings import ListenerSettings, load_settings, with_schema
from tests.support.documents import make_settings
from tests.support.schemas import GOODS, make_shop


Documents = list[dict[str, Any]]

SHOP = make_shop("german")


class Shop:
    """
    A data folder, a sample to draw, and what came of it.
    """

    def __init__(self, folder: Path) -> None:
        self.settings: dict[str, Any] = {"data_dir": folder / "data"}
        self.path = folder / "data" / "schema.toml"
        self.documents: Documents = SHOP
        self.others: dict[str, Documents] = {}
        self.refuses = False
        self.drawn = 0
        self.began_again = 0

    def start(self, *, is_new: bool = False) -> FirstStart:
        """
        Return that of a process that starts now.
        """
        return FirstStart(
            with_schema(make_settings(**self.settings)),
            sample=self._sample,
            look_up=self._look_up,
            begin_again=self._begin_again,
            is_new=is_new,
        )

    def _sample(self, size: int) -> Sequence[Mapping[str, Any]]:
        self.drawn += 1
        return self.documents[:size]

    def _look_up(self, ids: Sequence[object]) -> Mapping[str, Documents]:
        if self.refuses:
            raise Unreachable
        found = {
            name: [one for one in documents if one["_id"] in ids]
            for name, documents in self.others.items()
        }
        return {name: some for name, some in found.items() if some}

    def _begin_again(self) -> None:
        self.began_again += 1


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture(name="logs")
def _logs() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


def test_found_out_once(shop: Shop, logs: list[Any]) -> None:
    """
    It is decided, said and kept before the first model; later starts go by the file.
    """
    first = shop.start(is_new=True)
    assert first.is_due
    first.find_out()

    assert (shop.drawn, shop.began_again, first.is_due) == (1, 1, False)
    (line,) = logs
    assert (line["event"], line["documents"]) == ("schema.decided", len(SHOP))
    assert line["fields"]["name"] == "bezeichnung (sure 1.00, 100%)"
    written = shop.path.read_bytes()

    shop.documents = make_shop("turkish")
    later = shop.start()
    later.find_out()

    assert (shop.drawn, later.is_due, later.is_due_with(100)) == (1, False, False)
    assert shop.path.read_bytes() == written


def test_usual_documents_need_no_other_settings(shop: Shop) -> None:
    """
    Where the defaults do, the process need not begin again.
    """
    shop.documents = make_shop("proshop")
    shop.start(is_new=True).find_out()

    assert (shop.began_again, shop.path.exists()) == (0, True)


def test_too_few_documents(shop: Shop, logs: list[Any]) -> None:
    """
    Nothing is decided before there are enough, through restarts, and then at once.
    """
    shop.documents = SHOP[: ENOUGH - 1]
    first = shop.start(is_new=True)
    first.find_out()
    again = shop.start()  # of those few, with the defaults
    again.find_out()

    assert {line["event"] for line in logs} == {"schema.waiting"}
    assert not shop.path.exists()
    assert not again.is_due_with(ENOUGH - 1)
    assert again.is_due_with(ENOUGH)

    shop.documents = SHOP[:ENOUGH]
    again.find_out()

    assert shop.path.exists()
    assert (shop.began_again, again.is_due_with(ENOUGH)) == (1, False)


def test_model_of_an_earlier_version(shop: Shop) -> None:
    """
    Who was content with the settings before all this was there stays so, for ever.
    """
    for _ in range(2):
        start = shop.start()
        start.find_out()
        assert not start.is_due

    assert (shop.drawn, shop.path.read_text()) == (0, KEPT)
    assert with_schema(make_settings(**shop.settings)) == make_settings(**shop.settings)


def test_lost_file(shop: Shop, logs: list[Any]) -> None:
    """
    A decision whose file is lost is found out again, and said again.
    """
    shop.start(is_new=True).find_out()
    shop.path.unlink()
    shop.start().find_out()

    assert [line["event"] for line in logs] == ["schema.decided"] * 2


def test_explicit_settings_win(shop: Shop) -> None:
    """
    What is set anywhere else counts; the file holds what was found all the same.
    """
    shop.settings["name_fields"] = ("artikelnummer",)
    shop.start(is_new=True).find_out()
    settings = with_schema(make_settings(**shop.settings))

    assert settings.name_fields == ("artikelnummer",)
    assert settings.brand_fields == ("hersteller",)
    assert "name_fields = ['bezeichnung']" in shop.path.read_text()


def test_environment_wins(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    So do variables, the settings file and flags, for whoever loads the settings.
    """
    shop.start(is_new=True).find_out()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVERSHELF_DATA_DIR", "data")
    monkeypatch.setenv("EVERSHELF_PRICE_FIELDS", "netto")
    Path("evershelf.toml").write_text("brand_fields = ['firma']\n")
    settings = load_settings(ListenerSettings, ["--tags-fields", "worte"])

    assert settings.name_fields == ("bezeichnung",)
    assert settings.price_fields == ("netto",)
    assert settings.brand_fields == ("firma",)
    assert settings.tags_fields == ("worte",)


def test_two_at_once(shop: Shop, logs: list[Any]) -> None:
    """
    Of several listeners that share a file and start together one decides, and all go
    by what it wrote.
    """
    starts = [shop.start(is_new=True) for _ in range(4)]
    for number, start in enumerate(starts):
        its = make_shop(("german", "turkish", "emporium", "medusa")[number])
        start._sample = lambda _size, its=its: its  # type: ignore[misc]
    threads = [threading.Thread(target=start.find_out) for start in starts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [line["event"] for line in logs] == ["schema.decided"]
    assert with_schema(make_settings(**shop.settings)).schema_path == shop.path
    assert not any(start.is_due for start in starts)
    assert [*shop.path.parent.glob("tmp*")] == []


def test_shared_file(shop: Shop, tmp_path: Path) -> None:
    """
    A replica with a folder of its own goes by the file that it is told of.
    """
    shop.settings["schema_file"] = tmp_path / "shared" / "shop.toml"
    shop.start(is_new=True).find_out()
    shop.settings["data_dir"] = tmp_path / "other"
    replica = shop.start(is_new=True)

    assert not replica.is_due
    settings = with_schema(make_settings(**shop.settings))
    assert settings.name_fields == ("bezeichnung",)


def test_nothing_wanted(shop: Shop) -> None:
    """
    An empty file that somebody made keeps anything from being found out.
    """
    shop.path.parent.mkdir()
    shop.path.touch()
    start = shop.start(is_new=True)
    start.find_out()

    assert (shop.drawn, start.is_due, shop.path.read_text()) == (0, False, "")


def test_folder_is_gone(shop: Shop, tmp_path: Path) -> None:
    """
    A decision that cannot be kept does not count; it is tried again.
    """
    blocked = tmp_path / "blocked"
    shop.settings["schema_file"] = blocked / "schema.toml"
    start = shop.start(is_new=True)
    blocked.touch()

    with pytest.raises(Unreachable, match="cannot be written"):
        start.find_out()
    assert (start.is_due, shop.began_again) == (True, 0)

    blocked.unlink()
    start.find_out()

    assert (start.is_due, shop.began_again) == (False, 1)


def test_defect(shop: Shop, logs: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A defect of ours in deciding stops nothing: the defaults hold until the next start.
    """

    def fail(_documents: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr("listener.profile.referred.decide", fail)
        start = shop.start(is_new=True)
        start.find_out()

    assert [line["event"] for line in logs] == ["schema.failed"]
    assert (start.is_due, shop.path.exists()) == (False, False)
    assert shop.start(is_new=True).is_due


def test_enough_is_fewer_than_the_samples() -> None:
    """
    The shops of these tests have enough documents.
    """
    assert len(GOODS) >= ENOUGH


def with_references(shop: Shop) -> None:
    """
    Have products that say of their category and brand no more than an id.
    """
    categories = [ObjectId() for _ in range(6)]
    shop.documents = [
        {
            "_id": good.number,
            "name": good.name,
            "category": categories[good.number % 5],
            "make_id": good.number % 3,
            "brand": None,
        }
        for good in GOODS
    ]
    shop.others = {
        "categories": [
            {"_id": id_, "title": f"Kind of {number}", "parentId": categories[-1]}
            for number, id_ in enumerate(categories)
        ],
        "orders": [{"_id": 1, "name": "of nothing"}],
    }


def test_the_collection_that_is_referred_to_is_found(
    shop: Shop, logs: list[Any]
) -> None:
    """
    One that has the ids, and names for them, is followed from then on.
    """
    with_references(shop)
    shop.start(is_new=True).find_out()
    found = with_schema(make_settings(**shop.settings))

    assert shop.began_again == 1
    assert logs[0]["lookups"] == {"category": "categories"}
    assert logs[0]["references"]["category"] == "category"
    assert (found.category_collection, found.category_name, found.category_parent) == (
        "categories", "title", "parentId",
    )  # fmt: skip
    assert "refers to categories, which has 100%" in shop.path.read_text()


@pytest.mark.parametrize("why", ["two have them", "most lead nowhere", "no names"])
def test_what_is_not_clear_is_left_to_people(
    shop: Shop, logs: list[Any], why: str
) -> None:
    """
    Then nothing more is followed, and the file says what to set.
    """
    with_references(shop)
    kinds = shop.others["categories"]
    if why == "two have them":
        shop.others["kinds"] = kinds
    elif why == "most lead nowhere":
        shop.others["categories"] = kinds[:4]
    else:
        shop.others["categories"] = [{"_id": one["_id"], "sort": 3} for one in kinds]
    shop.start(is_new=True).find_out()

    assert (shop.began_again, logs[0]["lookups"]) == (0, {})
    assert "it was not found, or not for sure" in shop.path.read_text()


def test_a_database_that_does_not_answer_is_asked_again(shop: Shop) -> None:
    """
    Nothing is decided before it has said what is referred to.
    """
    with_references(shop)
    first = shop.start(is_new=True)
    shop.refuses = True
    with pytest.raises(Unreachable):
        first.find_out()
    assert first.is_due
    shop.refuses = False
    first.find_out()

    assert (first.is_due, shop.began_again) == (False, 1)
