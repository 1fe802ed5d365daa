"""
`python -m benchmarks`: measure, show, and keep the record.
"""

from __future__ import annotations

import argparse
import sys
import tempfile

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from rich.console import Console

from benchmarks.environment import environment
from benchmarks.load import plot
from benchmarks.measurements import MEASUREMENTS
from benchmarks.reached import to_svg as reached
from benchmarks.report import to_caption, to_record, to_table, to_title
from benchmarks.runs import ICECAT, Run, growth, run
from benchmarks.shop import Effort, Place, running_mongod


DEFAULT_SIZES: Final = f"{ICECAT},1000,10000,100000"
RESULTS: Final = Path(__file__).parent / "results"
WIDTH: Final = 150


def main(arguments: Sequence[str]) -> int:
    """
    Measure what *arguments* ask for; return 1 if some of it failed, else 0.
    """
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    about = environment()
    effort = Effort(
        options.samples, options.window, options.rounds, options.seed, options.longest
    )
    runs: list[Run] = []
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        running_mongod(Path(folder) / "mongod") as mongod,
    ):
        place = Place(mongod.uri, Path(folder))
        for name in options.sizes:
            done = run(place, name, options.only, effort, console.log)
            runs.append(done)
            console.print(to_table(to_title(done), done.figures, done.size))
            for measurement, reason in done.absent.items():
                console.print(f"{measurement} left out: {reason}")
            for measurement, fault in done.failed.items():
                console.print(f"{measurement} failed: {fault}", style="red")
    grown = list(growth(runs))
    if grown:
        console.print(to_table("growth", grown, max(done.size for done in runs)))
    console.print(to_caption(about))
    path = options.out or RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    _write(
        path, orjson.dumps(to_record(about, runs, grown), option=orjson.OPT_INDENT_2)
    )
    for done in runs:
        plots = {
            "load": plot(done.figures),
            "reached": reached(to_title(done), done.figures, done.size),
        }
        for name, plotted in plots.items():
            if plotted:
                to = path.with_name(f"{path.stem}-{done.name}-{name}.svg")
                _write(to, plotted.encode())
    console.print(f"written to {path.name}")
    return int(any(done.failed for done in runs))


def _made(text: str) -> Path:
    folder = Path(text)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=DEFAULT_SIZES,
        help=f"numbers of products to generate, or {ICECAT}; separated by commas",
    )
    parser.add_argument(
        "--only",
        type=_measurements,
        default=",".join(MEASUREMENTS),
        help=f"some of {', '.join(MEASUREMENTS)}; separated by commas",
    )
    parser.add_argument("--samples", type=int, default=Effort.samples, help="per kind")
    parser.add_argument(
        "--window", type=float, default=Effort.window_s, help="seconds of steady load"
    )
    parser.add_argument("--rounds", type=int, default=Effort.rounds, help="repetitions")
    parser.add_argument("--seed", type=int, default=Effort.seed, help="of all draws")
    parser.add_argument(
        "--longest",
        type=float,
        default=Effort.longest_s,
        help="seconds until what stands beside is ended",
    )
    parser.add_argument("--folder", type=_made, help="where to put databases meanwhile")
    parser.add_argument("--out", type=Path, help="where to put the record")
    return parser


def _sizes(text: str) -> list[str]:
    names = text.replace("_", "").split(",")
    for name in names:
        if name != ICECAT and not (name.isdigit() and int(name) > 0):
            msg = f"{name!r} is neither a number of products nor {ICECAT}"
            raise argparse.ArgumentTypeError(msg)
    return names


def _measurements(text: str) -> list[str]:
    names = text.split(",")
    unknown = sorted(set(names) - set(MEASUREMENTS))
    if unknown:
        msg = f"{', '.join(unknown)}: known are {', '.join(MEASUREMENTS)}"
        raise argparse.ArgumentTypeError(msg)
    return names


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
