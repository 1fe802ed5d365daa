"""
How findings are shown.
"""

from __future__ import annotations

from typing import Any

import pytest

from structlog.testing import capture_logs

from listener.doctor.finding import fail, ok, unknown, warn
from listener.doctor.show import show, to_text


FINDINGS = [
    ("address", ok("it answers")),
    ("fields", warn("odd", "look here\nand there")),
    ("oplog", unknown("not seen")),
]


def test_a_line_and_its_remedy() -> None:
    """
    A finding is one line, each line of its remedy stands below it; what looks like
    markup stays what it is.
    """
    text = to_text("fields", warn("of [bold] two", "set [this]\nor that")).plain

    assert text.splitlines() == [
        "warn    fields       of [bold] two",
        "                     → set [this]",
        "                       or that",
    ]


def test_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """
    People see all findings and how many of each kind there were.
    """
    assert show(iter(FINDINGS), is_pretty=True)
    lines = capsys.readouterr().out.splitlines()

    first = [line.split()[0] for line in lines]
    assert first == ["ok", "warn", "→", "and", "unknown", "1"]
    assert lines[-1] == "1 ok, 1 warn, 0 fail, 1 unknown"


def test_for_programs() -> None:
    """
    Programs get a log line each, as bad as the finding, and one failure is enough.
    """
    findings: list[Any] = [*FINDINGS, ("disk", fail("full", "free some"))]
    with capture_logs() as logs:
        assert not show(findings, is_pretty=False)

    levels = [(line["event"], line["log_level"]) for line in logs]
    assert levels == [
        ("doctor.finding", "info"),
        ("doctor.finding", "warning"),
        ("doctor.finding", "info"),
        ("doctor.finding", "error"),
        ("doctor.done", "info"),
    ]
    assert logs[3]["check"] == "disk"
    assert logs[3]["remedy"] == "free some"
    assert [logs[-1][key] for key in ("ok", "warn", "fail", "unknown")] == [1, 1, 1, 1]
