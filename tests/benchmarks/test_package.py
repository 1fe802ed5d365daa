"""
The package of npm, and the model trained on the same.
"""

from __future__ import annotations

import itertools
import sys

import orjson
import pytest

from benchmarks.catalogue import generate, to_text
from benchmarks.figures import Absent
from benchmarks.package import NPM, Wrong, install, spend
from benchmarks.runs import MEASUREMENTS, Run, _measure


@pytest.fixture
def documents(tmp_path):
    path = tmp_path / "documents.json"
    texts = [
        {"id": str(document["_id"]), "content": to_text(document)}
        for document in itertools.islice(generate(0), 60)
    ]
    path.write_bytes(orjson.dumps(texts))
    return str(path)


def test_the_package_answers(tmp_path, documents):
    """
    What npm installs trains to its end and gives answers; what it took is counted.
    """
    try:
        command = install(tmp_path)
    except Absent as error:
        pytest.skip(str(error))

    spent = spend([*command, documents], 100.0)

    assert spent.is_whole
    assert 0 < spent.processor_s
    assert 0 < spent.seconds < 100
    assert spent.peak > 10_000_000


def test_ours_answers(documents):
    """
    The model trained on the same gives answers, too.
    """
    assert spend([sys.executable, "-m", "benchmarks.trained", documents]).is_whole


def test_the_most_memory_is_the_programs_own():
    """
    What it had and gave back counts; what the one who started it has does not.
    """
    mine = bytearray(300_000_000)
    does = "import time; a = bytearray(80_000_000); del a; time.sleep(0.5); print(1)"

    spent = spend([sys.executable, "-c", does])

    assert len(mine) > spent.peak > 80_000_000


def test_what_takes_too_long_is_ended():
    """
    Then its figures are lower bounds, and say so.
    """
    spent = spend([sys.executable, "-c", "import time; time.sleep(600)"], 0.2)

    assert not spent.is_whole
    assert spent.seconds < 100


@pytest.mark.parametrize("does", ["print(0)", "import sys; sys.exit(3)"])
def test_no_answer_is_a_fault(does):
    """
    A program that fails, or finds nothing, is not measured.
    """
    with pytest.raises(Wrong, match=r"ended with [03] and said"):
        spend([sys.executable, "-c", does])


def test_without_node_it_is_left_out_with_the_reason(tmp_path, monkeypatch):
    """
    A measurement whose other side is not there says why, and is no failure.
    """
    monkeypatch.setenv("PATH", str(tmp_path))
    run = Run("1", 1)
    monkeypatch.setattr(
        "benchmarks.runs.MEASUREMENTS",
        {**MEASUREMENTS, "package": lambda _: install(tmp_path)},
    )

    _measure(run, None, "package")

    assert run.absent == {"package": "node and npm are not installed"}
    assert run.failed == {}


def test_the_lock_names_versions_and_no_address():
    """
    Every package is pinned with what its content must be, from nowhere in particular.
    """
    text = (NPM / "package-lock.json").read_text()
    packages = orjson.loads(text)["packages"]
    ours = packages.pop("")

    assert "://" not in text
    assert all("integrity" in one for one in packages.values())
    assert ours["dependencies"] == {"content-based-recommender": "1.5.0"}
