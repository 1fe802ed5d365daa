"""
`python -m benchmarks.capacity`: measure catalogues by size, without a database.
"""

from __future__ import annotations

import argparse
import sys
import tempfile

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from rich.console import Console

from benchmarks.capacity.measured import Capacity
from benchmarks.capacity.report import formulas, to_record, to_table
from benchmarks.capacity.work import build, change, serve
from benchmarks.children import in_another_process
from benchmarks.environment import environment
from benchmarks.report import to_caption


# One between the two, so that a formula's two parameters can be wrong.
DEFAULT_SIZES: Final = "100000,300000,1000000"
SAMPLES: Final = 1_000
CHANGES: Final = 100
RESULTS: Final = Path(__file__).parents[1] / "results"
WIDTH: Final = 150


def main(arguments: Sequence[str]) -> int:
    """
    Measure what *arguments* ask for; return 1 if a size could not be measured, else 0.
    """
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    about = environment()
    path = options.out or (
        RESULTS / f"capacity-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    done: list[Capacity] = []
    failed: dict[int, str] = {}
    for products in options.sizes:
        console.log(f"{products:,} products")
        try:
            done.append(measure(products, options))
        except (BrokenProcessPool, MemoryError, OSError) as error:
            failed[products] = f"{type(error).__name__}: {error}"
            console.print(f"{products:,}: {failed[products]}", style="red")
        record = to_record(about, done, failed, formulas(done))
        content = orjson.dumps(record, default=list, option=orjson.OPT_INDENT_2)
        path.write_bytes(content)
    console.print(to_table(done, formulas(done)), to_caption(about), sep="\n")
    console.print(f"written to {path.name}")
    return int(bool(failed))


def measure(products: int, options: argparse.Namespace) -> Capacity:
    """
    Return what a catalogue of *products* costs; its store is gone afterwards.

    Raises:
        BrokenProcessPool: A process was ended, as when there is too little memory.
        MemoryError: The same, noticed in time.
        OSError: The disk is full.
    """
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name) / "model"
        seed = options.seed
        return Capacity(
            products,
            in_another_process(build, folder, products, seed),
            in_another_process(serve, folder, options.samples, seed),
            in_another_process(change, folder, options.changes, seed),
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.capacity", description=__doc__
    )
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=DEFAULT_SIZES,
        help="numbers of products, separated by commas; each must fit into memory and, "
        "three times, on the disk",
    )
    parser.add_argument(
        "--samples", type=int, default=SAMPLES, help="queries of each kind"
    )
    parser.add_argument("--changes", type=int, default=CHANGES, help="of prices")
    parser.add_argument("--seed", type=int, default=0, help="of all draws")
    parser.add_argument("--folder", type=Path, help="where to put stores meanwhile")
    parser.add_argument("--out", type=Path, help="where to put the record")
    return parser


def _sizes(text: str) -> list[int]:
    names = text.replace("_", "").split(",")
    if not all(name.isdigit() and int(name) > 0 for name in names):
        msg = f"{text!r} is no list of numbers of products"
        raise argparse.ArgumentTypeError(msg)
    return sorted(map(int, names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
