"""
What a run was: a table for people, and JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from rich.table import Table

from tests.chaos.journal import Journal


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What was asked for.

    Attributes:
        minutes: How long.
        seed: Of everything that chance decides.
    """

    minutes: float
    seed: int


def to_table(asked: Asked, journal: Journal) -> Table:
    """
    Return all counts, by subject.
    """
    table = Table(title=f"chaos: {asked.minutes:g} minutes, seed {asked.seed}")
    table.add_column("subject")
    table.add_column("all", justify="right")
    table.add_column("by kind")
    for subject, counts in journal.counts.items():
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in counts.items())
        table.add_row(subject, f"{sum(counts.values()):,}", kinds)
    table.add_row("failures", str(len(journal.failures)), "")
    return table


def write_record(path: Path, asked: Asked, journal: Journal) -> None:
    """
    Write the same, the failures in full, and the diary.
    """
    record = {
        **asdict(asked),
        "counts": journal.counts,
        "failures": journal.failures,
        "diary": journal.diary,
    }
    path.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
