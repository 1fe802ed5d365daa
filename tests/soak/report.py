"""
What a soak was: a table for people, JSON, and plots.
"""

from __future__ import annotations

import math

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from rich.table import Table

from benchmarks.environment import environment
from benchmarks.plots import Panel, to_svg
from tests.chaos.journal import Journal
from tests.soak.flatness import MEASURES, Verdict, judge
from tests.soak.run import Asked, Seen


MINUTE_S: Final = 60.0
# What is drawn together: a title, the unit, and measures by what their line is called.
PANELS: Final[Sequence[tuple[str, str, Mapping[str, str]]]] = (
    (
        "Private memory",
        "MB",
        {"listener_uss": "listener", "server_uss": "server"},
    ),
    (
        "Open files, segments of the model, files kept for each publication",
        "",
        {
            "listener_files": "listener's open files",
            "server_files": "server's open files",
            "segments": "segments",
            "kept_files": "files kept",
        },
    ),
    (
        "Processor time",
        "ms/s",
        {"listener_work": "listener", "server_work": "server"},
    ),
    ("On disk", "MB", {"model_bytes": "model", "store_bytes": "store"}),
    (
        "Answers, 20 a second",
        "ms",
        {
            "read_p50": "median",
            "read_p99": "99th percentile",
            "bare_p50": "a bare server's median",
            "bare_p99": "its 99th percentile",
        },
    ),
    (
        "From a write to an answer that shows it",
        "ms",
        {"served_p50": "median"},
    ),
    ("Behind the oplog", "s", {"lag": "lag"}),
)


def verdicts(seen: Seen) -> list[Verdict]:
    """
    Return what is said of each measure.
    """
    at_s = np.array(seen.at_s)
    return [
        judge(measure, at_s, to_series(seen, measure.key), seen.judged_from_s)
        for measure in MEASURES
    ]


def to_series(seen: Seen, key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """
    Return one measure of all samples; not a number where one had none.
    """
    return np.array([sample.get(key, math.nan) for sample in seen.samples])


def to_table(asked: Asked, said: Iterable[Verdict]) -> Table:
    """
    Return a line for each measure.
    """
    table = Table(
        title=f"soak: {asked.minutes:g} minutes, {asked.products:,} products, "
        f"{asked.updates:,} updates, seed {asked.seed}"
    )
    table.add_column("what")
    for name in ("first", "median", "highest", "last", "rise", "allowed", "flat"):
        table.add_column(name, justify="right")
    for verdict in said:
        table.add_row(
            f"{verdict.measure.what} {verdict.measure.unit}".rstrip(),
            *map(
                _number,
                (
                    verdict.first,
                    verdict.median,
                    verdict.highest,
                    verdict.last,
                    verdict.rise,
                ),
            ),
            "" if verdict.allowed is None else _number(verdict.allowed),
            _said(verdict),
            style="" if verdict.is_flat else "red",
        )
    return table


def to_record(
    asked: Asked, seen: Seen, said: Iterable[Verdict], journal: Journal
) -> dict[str, Any]:
    """
    Return everything as JSON has it.
    """
    return {
        "asked": asdict(asked),
        "environment": environment(),
        "verdicts": [asdict(verdict) for verdict in said],
        **asdict(seen),
        "counts": journal.counts,
        "failures": journal.failures,
    }


def to_plots(seen: Seen) -> str:
    """
    Return what was seen, over minutes; what is judged is shaded, restarts are dashed.
    """
    minutes = [at / MINUTE_S for at in seen.at_s]
    marks = [at / MINUTE_S for at in seen.restarts_s]
    return to_svg(
        [
            Panel(
                title,
                unit,
                {
                    name: list(zip(minutes, to_series(seen, key), strict=True))
                    for key, name in lines.items()
                },
                "minutes",
                marks,
                seen.judged_from_s / MINUTE_S,
            )
            for title, unit, lines in PANELS
        ]
    )


def _said(verdict: Verdict) -> str:
    if verdict.measure.share is None:
        return ""
    return "yes" if verdict.is_flat else "NO"


def _number(value: float) -> str:
    return "?" if math.isnan(value) else f"{value:,.4g}"
