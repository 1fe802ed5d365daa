"""
How far a long read is: a bar on a terminal, log lines elsewhere.
"""

from __future__ import annotations

import sys

from collections.abc import Iterable, Iterator, Sized
from typing import Final, Protocol, TypeVar

import structlog

from listener.clock import Clock


LINE_S: Final = 5.0  # between two log lines

T = TypeVar("T", bound=Sized)

log = structlog.get_logger()


class Show(Protocol):
    """
    Passes batches on, and shows to somebody how far they are, as `shown` does.
    """

    def __call__(
        self, batches: Iterable[T], *, total: int, task: str, clock: Clock
    ) -> Iterator[T]:
        """
        Yield *batches*.
        """


def shown(batches: Iterable[T], *, total: int, task: str, clock: Clock) -> Iterator[T]:
    """
    Yield *batches*, and show how far they are.

    Args:
        total: About how many items there are.
        task: What is done with them, such as "scan".
    """
    if sys.stderr.isatty():
        return _on_a_bar(batches, total, task)
    return _in_lines(batches, total, task, clock)


def _on_a_bar(batches: Iterable[T], total: int, task: str) -> Iterator[T]:
    from rich import progress as bars  # noqa: PLC0415 not without a terminal
    from rich.console import Console  # noqa: PLC0415

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with bars.Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(task, total=total)
        for batch in batches:
            yield batch
            progress.advance(bar, len(batch))


def _in_lines(batches: Iterable[T], total: int, task: str, clock: Clock) -> Iterator[T]:
    started = said = clock.monotonic()
    done = 0
    for batch in batches:
        yield batch
        done += len(batch)
        now = clock.monotonic()
        if now - said >= LINE_S:
            said = now
            log.info(
                "read.progress",
                task=task,
                done=done,
                total=max(total, done),
                per_s=round(done / (now - started)),
            )
