"""
`python -m benchmarks.milvus`: ask Milvus what the model is asked, where pymilvus is
installed: its Lite, or the server at `--uri`.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import sys
import tempfile
import time

from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np

from rich.console import Console
from rich.table import Table

from benchmarks.catalogue import generate
from benchmarks.figures import Absent
from benchmarks.goals import QUERIES
from benchmarks.milvus_index import MilvusIndex, load_pymilvus
from benchmarks.process_stats import children_of, processor_s, proportional_bytes
from benchmarks.query import LIMIT, filters_of, timed
from listener.evaluate.catalogue import Catalogue
from listener.mapping import Mapper
from listener.opening import to_weights
from recommender.filters import NO_FILTERS
from recommender.settings import ListenerSettings, load_settings
from recommender.snapshot import Row


SIZES: Final = "10000,100000"
TOLERANCE: Final = 1e-5  # its numbers are float32
WARMING: Final = 10
CHANGES: Final = 30
AISLE: Final = "an aisle of its own"

Line = tuple[str, str, str]


class Compared:
    """
    One catalogue, here and there.
    """

    def __init__(self, package: Any, client: Any, products: int, seed: int) -> None:
        settings = load_settings(ListenerSettings, [])
        mapper = Mapper(settings)
        documents = itertools.islice(generate(seed), products)
        mapped = (mapper.to_product(document).product for document in documents)
        self._catalogue = Catalogue.train(mapped, to_weights(settings))
        self._snapshot = self._catalogue.snapshot
        self._types, self._client = package.DataType, client
        self._index = MilvusIndex(client, self._snapshot, f"products_{products}")
        self._draw = np.random.default_rng(seed)

    def lines(self, samples: int) -> Iterator[Line]:
        """
        Yield what was measured, theirs and ours.
        """
        yield self._fill()
        for kind in QUERIES:
            yield from self._ask(kind, samples)
        yield "memory of the engine (PSS)", _memory(), ""
        yield from self._change()
        yield "alias: made, and moved to another collection", self._move_alias(), ""

    def _fill(self) -> Line:
        self._index.create(self._types)
        took_s, _ = timed(lambda: self._index.fill(self._snapshot.living()))
        return "all products put in", f"{took_s:.1f} s", ""

    def _ask(self, kind: str, samples: int) -> Iterator[Line]:
        theirs, ours = [], []
        unlike = 0
        used_s = _engine_s()
        for row in self._drawn(samples + WARMING, kind):
            filters = filters_of(row, kind) or NO_FILTERS
            there_s, found = timed(lambda: self._index.similar(row, LIMIT, filters))  # noqa: B023
            here_s, hits = timed(
                lambda: self._snapshot.similar(row.key, limit=LIMIT, filters=filters)  # noqa: B023
            )
            theirs.append(there_s)
            ours.append(here_s)
            due = [hit.score for hit in hits]
            got = [score for _, score in found]
            unlike += len(due) != len(got) or not np.allclose(due, got, atol=TOLERANCE)
        used_ms = (_engine_s() - used_s) / len(ours) * 1000  # 0 if it is elsewhere
        yield f"query, {kind}, p50 / p95", _spread(theirs), _spread(ours)
        if used_ms:
            yield f"query, {kind}, its processor time", f"{used_ms:.2f} ms", ""
        yield f"query, {kind}, answers of other scores", f"{unlike} of {len(ours)}", ""

    def _change(self) -> Iterator[Line]:
        """
        Move products to a category that only they are in, one by one; each must be
        found there by the next search.
        """
        wrote, seen_s = [], []
        missed = 0
        for number, row in enumerate(self._drawn(CHANGES, "plain")):
            aisle = f"{AISLE} {number}"
            document = {**self._index.to_document(row), "category": aisle}
            question = self._index.to_question(row)
            started = time.perf_counter()
            self._index.upsert(document)
            wrote.append(time.perf_counter() - started)
            found = list(self._index.ask(question, 1, f'category == "{aisle}"'))
            seen_s.append(time.perf_counter() - started)
            missed += [key for key, _ in found] != [row.key.decode()]
        yield "upsert of one, p50 / p95", _spread(wrote), ""
        yield "upsert until a search that has it returned", _spread(seen_s), ""
        yield "upserts that the next search did not have", f"{missed} of {CHANGES}", ""

    def _move_alias(self) -> str:
        other = MilvusIndex(self._client, self._snapshot, f"{self._index.name}_next")
        other.create(self._types)
        try:
            self._client.create_alias(self._index.name, "served")
            took_s, _ = timed(lambda: self._client.alter_alias(other.name, "served"))
        except Exception as error:  # noqa: BLE001 each release says no in its own way
            return f"refused: {' '.join(str(error).split())[:90]}"
        served = MilvusIndex(self._client, self._snapshot, "served")
        (row,) = self._drawn(1, "plain")
        is_moved = not served.similar(row, LIMIT, NO_FILTERS)  # the other one is empty
        return f"{took_s * 1000:.1f} ms" if is_moved else "asked the old one still"

    def _drawn(self, count: int, kind: str) -> Iterator[Row]:
        """
        Yield visible products that the question can be asked of.
        """
        rows = self._catalogue.rows
        chosen = (rows[place] for place in self._draw.permutation(len(rows)))
        fit = (row for row in chosen if filters_of(row, kind) is not None)
        return itertools.islice(fit, count)


def _spread(series_s: Sequence[float]) -> str:
    kept = series_s[WARMING:]
    middle, most = np.percentile(kept, (50, 95)) * 1000
    return f"{middle:.2f} / {most:.2f} ms"


def _engine_s() -> float:
    """
    Return the processor time of an engine that this process has started.
    """
    return sum(map(processor_s, children_of(os.getpid())))


def _memory() -> str:
    engines = children_of(os.getpid())
    if not engines:
        return "in another place"
    return f"{sum(map(proportional_bytes, engines)) / 1e6:.0f} MB"


def main(arguments: Sequence[str]) -> int:
    """
    Measure what *arguments* ask for; return 0, also where pymilvus is not installed.
    """
    parser = argparse.ArgumentParser("python -m benchmarks.milvus", description=__doc__)
    parser.add_argument("--sizes", default=SIZES, help="numbers of products")
    parser.add_argument("--samples", type=int, default=200, help="queries of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of all draws")
    parser.add_argument("--uri", help="of a server; its own Lite without")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        package = load_pymilvus()
    except Absent as error:
        console.print(f"skipped: {error}")
        return 0
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # what fails is said here
    for size in map(int, options.sizes.split(",")):
        table = Table("what", "Milvus", "Evershelf", title=f"{size:,} products")
        with tempfile.TemporaryDirectory() as folder:
            client = package.MilvusClient(options.uri or str(Path(folder) / "m.db"))
            compared = Compared(package, client, size, options.seed)
            for line in compared.lines(options.samples):
                table.add_row(*line)
            client.close()
        console.print(table, ", ".join(_versions()))
    return 0


def _versions() -> Iterator[str]:
    for name in ("pymilvus", "milvus-lite"):
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"no {name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
