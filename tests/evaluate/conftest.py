"""
The command, as an operator runs it.
"""

from __future__ import annotations

import pytest

from structlog.testing import capture_logs

from listener import app
from listener.app import main
from recommender.settings import load_settings


@pytest.fixture(name="run")
def _run(monkeypatch):
    """
    Runs `evaluate` in this process, but for its logs and signals; returns its exit code
    and the log lines.
    """

    def begin(kind, arguments, *, process):
        assert process == "listener"
        return load_settings(kind, arguments)

    def run(*arguments):
        with capture_logs() as logs:
            return main(["evaluate", *arguments]), logs

    monkeypatch.setattr(app, "begin", begin)
    monkeypatch.setattr(app, "interrupt_on_signals", lambda: None)
    return run
