"""
`run_listener.py evaluate --tune`, as an operator runs it.
"""

from __future__ import annotations

import tomllib

import pytest

from recommender.exits import Exit
from tests.support.processes import to_uri
from tests.support.seasons import make_past, make_shelf


FILE = "# how we sell\nport = 5002\n"


@pytest.fixture(name="place")
def _place(tmp_path, database, mongo_uri, monkeypatch):
    """
    A shop whose products and orders are in a database, and its settings.
    """
    database["products"].insert_many(make_shelf())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONGODB_URI", to_uri(mongo_uri, database.name))
    monkeypatch.setenv("EVERSHELF_ORDERS_COLLECTION", "orders")
    (tmp_path / "evershelf.toml").write_text(FILE)
    return tmp_path


def share_in(place):
    return tomllib.loads((place / "evershelf.toml").read_text()).get("orders_share")


def test_a_better_share_is_written_once(place, database, run):
    """
    Beside the present one and by how much; told again, it changes nothing.
    """
    database["orders"].insert_many(make_past(is_text_right=True))

    code, lines = run("--tune")
    again, later = run("--tune")

    assert (code, again) == (Exit.OK, Exit.OK)
    done, same = lines[-1], later[-1]
    assert (done["event"], done["present"]) == ("tune.done", 0.9)
    assert done["low"] > 0
    assert done["written"] == "evershelf.toml"
    assert share_in(place) == done["chosen"] < 0.5
    assert (place / "evershelf.toml").read_text().endswith(FILE)
    tried = [one["share"] for one in lines if one["event"] == "tune.measured"]
    assert {0.9, done["chosen"]} <= set(tried)
    assert (same["present"], same["chosen"]) == (done["chosen"], done["chosen"])
    assert same["written"] == ""
    assert not (place / "evaluation.html").exists()


def test_a_share_that_is_good_is_left_alone(place, database, run):
    """
    The default foretells these orders as well as any other does.
    """
    database["orders"].insert_many(make_past(is_text_right=False))

    code, lines = run("--tune")

    assert code == Exit.OK
    assert (lines[-1]["chosen"], lines[-1]["written"]) == (0.9, "")
    assert (place / "evershelf.toml").read_text() == FILE


def test_a_stronger_setting_is_not_written_below(place, database, run, monkeypatch):
    """
    The environment would win, so it is named instead.
    """
    database["orders"].insert_many(make_past(is_text_right=True))
    monkeypatch.setenv("EVERSHELF_ORDERS_SHARE", "0.95")

    code, lines = run("--tune")

    (said,) = [line for line in lines if line["event"] == "tune.overruled"]
    assert (said["setting"], said["place"], said["present"]) == (
        "EVERSHELF_ORDERS_SHARE", "environment", 0.95,
    )  # fmt: skip
    assert code == Exit.OK
    assert lines[-1]["written"] == ""
    assert (place / "evershelf.toml").read_text() == FILE


@pytest.mark.parametrize("count", [0, 1, 30])
def test_too_few_orders_are_a_code_of_their_own(place, database, run, count):
    """
    Nothing is chosen of nothing; what was read is said.
    """
    if count:
        database["orders"].insert_many(make_past(is_text_right=True)[:count])

    code, lines = run("--tune")

    assert code == Exit.UNTUNED
    said = lines[-1]
    assert (said["event"], said["log_level"]) == ("tune.impossible", "error")
    assert (said["products"], said["orders"], said["dated"]) == (72, count, count)
    assert (place / "evershelf.toml").read_text() == FILE


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([], {"EVERSHELF_ORDERS_COLLECTION": ""}, "EVERSHELF_ORDERS_COLLECTION"),
        ([], {"EVERSHELF_ORDERS_DATE": ""}, "EVERSHELF_ORDERS_DATE"),
        (["shop.jsonl"], {}, "name no file"),
        ([], {"EVERSHELF_VISIBLE_WHEN": '{"x": 1}'}, "no visible product"),
    ],
    ids=["no orders", "no dates", "a file", "nothing visible"],
)
def test_what_cannot_be_done_is_said(
    place, run, capsys, monkeypatch, arguments, environment, said
):
    """
    Before anything is read where that can be.
    """
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert run(*arguments, "--tune")[0] == Exit.SETTINGS
    assert said in capsys.readouterr().err
