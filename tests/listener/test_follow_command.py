"""
`follow`, and where the listener publishes: addresses that cannot be right.
"""

from __future__ import annotations

import sys

from pathlib import Path

import pytest

from listener.app import main
from recommender.exits import Exit
from tests.support.commands import in_process


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_process(monkeypatch, tmp_path)


def test_there_must_be_a_place(capsys: pytest.CaptureFixture[str]) -> None:
    """
    It says what to set.
    """
    assert main(["follow"]) == Exit.SETTINGS
    assert "EVERSHELF_FOLLOW_FROM is not set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "name"),
    [("run", "EVERSHELF_PUBLISH_TO"), ("follow", "EVERSHELF_FOLLOW_FROM")],
)
@pytest.mark.parametrize(
    "address",
    ["http://me:swordfish@host/evershelf", "mongodb://me:swordfish@127.0.0.1:1"],
    ids=["kind", "unnamed"],
)
def test_what_makes_no_sense_is_refused(
    command: str,
    name: str,
    address: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    It says which setting, before anything is followed, but nothing of a password.
    """
    monkeypatch.setenv(name, address)

    assert main([command]) == Exit.SETTINGS
    said = capsys.readouterr().err
    assert name in said
    assert "fish" not in said


def test_the_shops_database_is_not_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Generations must go elsewhere, on whatever server.
    """
    monkeypatch.setenv("EVERSHELF_PUBLISH_TO", "mongodb://other:27017/shop")

    assert main(["run"]) == Exit.SETTINGS
    assert "not the shop's" in capsys.readouterr().err


def test_a_bucket_needs_an_extra(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It says what to install; nothing else of the listener needs that.
    """
    monkeypatch.setenv("EVERSHELF_FOLLOW_FROM", "s3://models/shop")
    monkeypatch.delitem(sys.modules, "listener.copies.bucket", raising=False)
    monkeypatch.setitem(sys.modules, "obstore", None)

    assert main(["follow"]) == Exit.SETTINGS
    assert "pip install 'evershelf[s3]'" in capsys.readouterr().err
