"""
Commands of the listener, in the process of the test.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from listener import app
from recommender.settings import ListenerSettings, load_settings


def in_process(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """
    Let `listener.app.main` be called in *folder*, without the logs and the signals of a
    process, for a database that nobody has.
    """
    monkeypatch.chdir(folder)
    monkeypatch.setattr(app, "begin", _begin)
    monkeypatch.setattr(app, "stop_on_signals", lambda _stop: None)
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:1/shop")
    monkeypatch.setenv("EVERSHELF_BUILD_PROCESSES", "1")  # tests have threads: no forks


def _begin(
    kind: type[ListenerSettings], arguments: Sequence[str], *, process: str
) -> ListenerSettings:
    assert process == "listener"
    return load_settings(kind, arguments)
