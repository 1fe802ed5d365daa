"""
A catalogue from a file, instead of the sample: into the demo's database only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import structlog

from pymongo import MongoClient

from listener.clock import Clock
from listener.demo.embedded import embedded
from listener.demo.jsonl import BadLine, Line, count_lines, read_lines
from listener.demo.loader import Products, remove_sample, upsert
from listener.progress import shown
from recommender.errors import SettingsFault
from recommender.exits import Exit
from recommender.settings import ListenerSettings


BATCH: Final = 1_000
SHOWN: Final = 20  # bad lines that are told one by one

log = structlog.get_logger()


def load_file(settings: ListenerSettings) -> Exit:
    """
    Put the documents of the settings' file into the demo's collection, and remove the
    sample catalogue from it; a running demo shows them at once.

    Raises:
        SettingsFault: No file is named, or a database that is not the demo's.
        DemoFault: The file cannot be read, or no mongod can be run here.
    """
    if settings.mongodb_uri is not None:
        raise SettingsFault(
            ["MONGODB_URI is set, but only the demo's own database is ever written to"]
        )
    if settings.file is None:
        raise SettingsFault(
            ["load: name a JSONL file, as in `make load FILE=shop.jsonl`"]
        )
    total = count_lines(settings.file)
    with (
        embedded(settings, is_stocked=False) as uri,
        MongoClient[dict[str, Any]](uri) as client,
    ):
        products = client[settings.database][settings.collection]
        return _load(products, settings.file, total)


def _load(products: Products, path: Path, total: int) -> Exit:
    bad: list[BadLine] = []
    read = read_lines(path)
    for batch in shown(_batches(read), total=total, task="load", clock=Clock()):
        bad += [line for line in batch if isinstance(line, BadLine)]
        bad += upsert(products, [line for line in batch if isinstance(line, Line)])
    _tell(bad)
    loaded = total - len(bad)
    removed = remove_sample(products) if loaded else 0
    log.info("demo.loaded", loaded=loaded, skipped=len(bad), sample_removed=removed)
    return Exit.OK if loaded else Exit.UNAVAILABLE


def _batches(
    lines: Iterable[Line | BadLine],
) -> Iterator[Sequence[Line | BadLine]]:
    rest = iter(lines)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _tell(bad: Sequence[BadLine]) -> None:
    for line in sorted(bad, key=lambda line: line.number)[:SHOWN]:
        log.warning("demo.line_skipped", line=line.number, reason=line.reason)
