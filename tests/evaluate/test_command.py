"""
`run_listener.py evaluate`, as an operator runs it.
"""

from __future__ import annotations

import orjson
import pytest

from recommender.errors import SettingsFault
from recommender.exits import Exit
from recommender.settings import ListenerSettings, with_file
from tests.support.processes import to_uri


DOCUMENTS = [
    {
        "id": f"{thing}{i}",
        "name": f"{colour} {thing}",
        "body": f"a {thing} for {place}",
        "price": 10 + i,
        "status": "approved",
    }
    for thing, place in (("kettle", "kitchens"), ("lamp", "desks"), ("tent", "woods"))
    for i, colour in enumerate(("red", "blue", "green", "black"))
]


@pytest.fixture(name="place")
def _place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [orjson.dumps(document) for document in DOCUMENTS]
    hidden = {"id": "hidden", "name": "lamp", "status": "pending"}
    lines += [b"nonsense", orjson.dumps(hidden)]
    (tmp_path / "shop.jsonl").write_bytes(b"\n".join(lines))
    return tmp_path


def values(lines, model="ours"):
    """
    Return what was measured of a model.
    """
    return {
        line["measure"]: line["value"]
        for line in lines
        if line["event"] == "evaluate.measured" and line["model"] == model
    }


def test_a_file_needs_no_database(place, run):
    """
    Its visible products are measured, the report is written, and what is no document
    is told.
    """
    code, lines = run("shop.jsonl")

    assert code == Exit.OK
    done, skipped = lines[-1], lines[0]
    assert (skipped["event"], skipped["count"], skipped["line"]) == (
        "evaluate.lines_skipped", 1, 13,
    )  # fmt: skip
    assert (done["products"], done["asked"], done["judged"]) == (12, 12, 0)
    found = values(lines)
    assert (found["coverage"], found["unanswered"]) == (1.0, 0.0)
    assert "ndcg" not in found
    assert (place / "evaluation.html").read_bytes().startswith(b"<!doctype html>")


def test_a_truth_and_settings_beside(place, run):
    """
    Where like things are known, ours find them all; settings that look at nothing but
    the colour find none.
    """
    truth = [f"{d['name'].split()[1]},{d['id']}" for d in DOCUMENTS]
    (place / "truth.csv").write_text("\n".join(["thing,id", *truth]))
    documents = [d | {"colour": d["name"].split()[0]} for d in DOCUMENTS]
    (place / "shop.jsonl").write_bytes(b"\n".join(map(orjson.dumps, documents)))
    (place / "other.toml").write_text(
        'name_fields = ["colour"]\nweights = \'{"name": 1}\'\ncontrol_port = 7\n'
    )

    code, lines = run(
        "shop.jsonl", "--truth", "truth.csv", "--beside", "other.toml",
        "--report", "compared.html",
    )  # fmt: skip

    assert code == Exit.OK
    assert values(lines)["recall"] == 1.0
    assert values(lines, "other.toml")["recall"] == 0.0
    (hits,) = [
        line
        for line in lines
        if line["event"] == "evaluate.compared" and line["measure"] == "hit_rate"
    ]
    assert hits["difference"] == -1.0
    assert lines[-1]["judged"] == 12
    assert b"other.toml" in (place / "compared.html").read_bytes()


def test_a_sample_is_asked(place, run):
    """
    At most so many products are asked about.
    """
    _, lines = run("shop.jsonl", "--asked", "5")
    assert (lines[-1]["asked"], lines[-1]["products"]) == (5, 12)


def test_a_collection(place, run, collection, mongo_uri, monkeypatch):
    """
    Without a file the collection is read, and measured alike.
    """
    collection.insert_many({"_id": d["id"], **d} for d in DOCUMENTS)
    _, of_file = run("shop.jsonl")
    monkeypatch.setenv("MONGODB_URI", to_uri(mongo_uri, collection.database.name))

    code, lines = run()

    assert code == Exit.OK
    assert lines[-1]["source"] == "products"
    assert values(lines) == values(of_file)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.jsonl", "--report", "nowhere/r.html"], "folder of the report"),
        (["shop.jsonl", "--truth", "absent.csv"], "absent.csv"),
        (["shop.jsonl", "--beside", "absent.toml"], "absent.toml"),
        (["shop.jsonl", "--visible-when", '{"x": 1}'], "no visible product"),
        ([], "MONGODB_URI"),
    ],
    ids=["report", "truth", "beside", "nothing visible", "no address"],
)
def test_what_cannot_be_done_is_said(place, run, capsys, arguments, said):
    """
    A fault of an argument ends with its code and a line that names it.
    """
    assert run(*arguments)[0] == Exit.SETTINGS
    assert said in capsys.readouterr().err
    assert not (place / "evaluation.html").exists()


def test_settings_of_a_file_take_the_place_of_others(tmp_path):
    """
    What the file says counts, whatever the environment says; all else stays.
    """
    file = tmp_path / "other.toml"
    file.write_text('tags_fields = ["labels"]\nsublinear = false\n')
    before = ListenerSettings(name_fields=("label",), sublinear=True, file=file)

    after = with_file(before, file)

    assert after == before.model_copy(
        update={"tags_fields": ("labels",), "sublinear": False}
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wieghts = 1", "wieghts"),
        ("asked = 0", "EVERSHELF_ASKED=0"),
        ("= nonsense", "cannot be used"),
    ],
)
def test_faults_of_a_file_are_named(tmp_path, text, said):
    """
    A name that means nothing and a value that is wrong are told.
    """
    file = tmp_path / "other.toml"
    file.write_text(text)
    with pytest.raises(SettingsFault, match=said):
        with_file(ListenerSettings(), file)
