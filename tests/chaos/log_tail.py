"""
What the two processes log, read as it grows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson

from tests.chaos.journal import Journal


# A fault from outside is no reason for any of these.
FORBIDDEN: Final = frozenset(
    {
        "durable.failed",
        "http.failed",
        "listener.crashed",
        "listener.failed",
        "listener.refused",
        "model.follow_failed",
        "model.load_failed",
        "position.failed",
        "publish.failed",
        "request.failed",
        "server.crashed",
        "server.failed",
        "settings.unknown",
        "store.damaged",
    }
)
# Lines that come with products and publications; they have limits of their own.
MANY: Final = ("model.", "product.")
# Of each other event; a fault changes the state a few times.
MOST_PER_FAULT: Final = 6
MOST_WITHOUT: Final = 20
SHOWN: Final = 600  # characters of a line


class LogTail:
    """
    Counts the lines of one process by event, and what it rebuilt why.
    """

    def __init__(self, process: str, path: Path, journal: Journal) -> None:
        self._process = process
        self._path = path
        self._journal = journal
        self._at = 0

    def read(self) -> None:
        """
        Read what is new.
        """
        with self._path.open("rb") as file:
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._at += len(line)
                self._note(line)

    def check_flood(self) -> None:
        """
        Fail when an event was logged more often than the faults so far explain.
        """
        counts = self._journal.counts
        faults = sum(counts.get("faults", {}).values())
        most = MOST_WITHOUT + MOST_PER_FAULT * faults
        for event, count in counts.get(f"{self._process} log lines", {}).items():
            if count > most and not event.startswith(MANY):
                self._journal.fail(f"{self._process} said {event} {count} times")

    def _note(self, line: bytes) -> None:
        try:
            keys: dict[str, Any] = orjson.loads(line)
        except orjson.JSONDecodeError:
            self._journal.fail(f"{self._process} printed {line[:SHOWN]!r}")
            return
        event = keys["event"]
        self._journal.count(f"{self._process} log lines", event)
        if event in FORBIDDEN:
            self._journal.fail(f"{self._process} said {line[:SHOWN].decode()}")
        match event:
            case "rebuild.started" | "position.lost":
                self._journal.count(event, keys["reason"])
            case "listener.state":
                state = " ".join(filter(None, (keys["state"], keys["reason"])))
                self._journal.count("states entered", state)
