"""
The whole measurement, on a small catalogue of the same shape.
"""

from __future__ import annotations

import gzip
import json

import numpy as np
import orjson
import pytest

from benchmarks.quality.__main__ import main
from benchmarks.quality.halves import halves
from benchmarks.quality.judged import OURS
from benchmarks.quality.material import FILES, RATINGS
from listener.evaluate.truth import Truth


THINGS = {
    "toner": "laser printer black cartridge",
    "mouse": "wireless optical scroll wheel",
    "cable": "shielded copper plug adapter",
    "phone": "screen battery camera memory",
}
LESS_ALIKE = ["diversity=0.3", "diversity=0.5", "diversity=0.7", "one_per=brand"]
COLOURS = ("red", "blue", "green", "black", "white", "grey")


@pytest.fixture(name="folder")
def _folder(tmp_path):
    products = [
        {
            "id": f"{thing}-{colour}",
            "name": f"{thing} {words.split()[i % 4]} {colour}",
            "description": f"{words} in {colour}",
            "brand": ("Aldo", "Brimm")[i % 2],
            "price": 10 + i,
            "categories": ["All", "Cell Phone Cases & Clips"],
            "category": thing,
            "popularity": i,
            "attributes": {"product_type": thing, "colour": colour},
        }
        for thing, words in THINGS.items()
        for i, colour in enumerate(COLOURS)
    ]
    lines = b"\n".join(map(orjson.dumps, products))
    for name in FILES.values():
        (tmp_path / name).write_bytes(gzip.compress(lines))
    ratings = [f"{p['category']},{p['id']},3" for p in products]
    ratings.append("toner,mouse-red,0")
    text = "\n".join(["query,docid,rating", *ratings])
    (tmp_path / RATINGS).write_bytes(gzip.compress(text.encode()))
    return tmp_path


def test_everything_is_measured(folder, capsys):
    """
    Ours, the baselines, and ours changed are judged by the same questions; what nobody
    judged is described; the record holds all of it.
    """
    out = folder / "record.json"

    assert main(["--data", str(folder), "--out", str(out)]) == 0

    record = json.loads(out.read_text())
    icecat = record["icecat"]
    assert icecat["tuning"] == icecat["reporting"] == 12
    assert icecat["clusters"] == 2
    names = [one["name"] for one in icecat["judged"]]
    assert names[0] == OURS
    beside = [name.split(",")[0].removesuffix(" of attributes") for name in names[5:10]]
    assert beside == [
        "scikit-learn TF-IDF", "BM25 (bm25s)", "LSA", "popularity", "by chance",
    ]  # fmt: skip
    assert names[1:5] == [f"{OURS}, {name}" for name in LESS_ALIKE]
    by_name = {one["name"]: one["figures"]["ndcg"]["value"] for one in icecat["judged"]}
    assert by_name[OURS] > 0.9 > by_name["by chance"]
    assert record["environment"]["cores"] >= 1
    assert len(record["bestbuy"]["described"]) == 6
    assert record["bestbuy"]["cases"][0]["name"] == OURS
    assert [one["name"] for one in record["bestbuy"]["cases"][1:]] == LESS_ALIKE
    assert "its phone cases" in capsys.readouterr().out


def test_absent_data_is_skipped_with_its_reason(tmp_path, capsys):
    """
    Without the files it says which are missing, and is content.
    """
    out = tmp_path / "record.json"

    assert main(["icecat", "--data", str(tmp_path), "--out", str(out)]) == 0

    assert "icecat.jsonl.gz is not beside this checkout" in capsys.readouterr().out
    assert "skipped" in json.loads(out.read_text())["icecat"]


def test_no_cluster_is_in_both_halves():
    """
    Halves share no product and no chain of groups, and are about as large.
    """
    rng = np.random.default_rng(2)
    groups = [
        rng.integers(200 * g, 200 * g + 60, rng.integers(2, 40)) for g in range(30)
    ]
    groups += [[5, 205], [6_100, 6_101]]
    truth = Truth.of(
        group.tolist() if hasattr(group, "tolist") else group for group in groups
    )

    tuning, reporting = halves(truth)

    assert sorted([*tuning, *reporting]) == truth.asked
    ours, theirs = (
        set(truth.clusters_of(half).tolist()) for half in (tuning, reporting)
    )
    assert not ours & theirs
    assert abs(len(tuning) - len(reporting)) <= 3
