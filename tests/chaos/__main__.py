"""
`python -m tests.chaos`: break everything for a while, and say what came of it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile

from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from rich.console import Console

from tests.chaos.journal import Journal
from tests.chaos.report import Asked, to_table, write_record
from tests.chaos.run import run


MINUTES: Final = 10.0
WIDTH: Final = 120
INTERRUPTED: Final = 130
TAIL: Final = 20  # lines of each log


def main(arguments: Sequence[str]) -> int:
    """
    Do what *arguments* ask for; return 0 if nothing was found, else 1.
    """
    options = _parser().parse_args(arguments)
    asked = Asked(options.minutes, options.seed)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="evershelf-chaos-"))
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.log(f"{asked.minutes:g} minutes, seed {asked.seed}, in {folder}")
    journal = Journal()
    is_interrupted = False
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        run(asked, folder, journal, console.log)
    except KeyboardInterrupt:
        is_interrupted = True
    console.print(to_table(asked, journal))
    for failure in journal.failures:
        console.print(failure, style="red", markup=False)
    write_record(folder / "report.json", asked, journal)
    if journal.failures:
        _print_tails(console, folder)
        console.print(f"seed {asked.seed}; everything is kept in {folder}")
        return 1
    if options.out:
        shutil.copy(folder / "report.json", options.out)
    if options.folder is None:
        shutil.rmtree(folder)
    return INTERRUPTED if is_interrupted else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long")
    parser.add_argument(
        "--seed",
        type=int,
        default=random.SystemRandom().randrange(1 << 32),
        help="of what each actor does, and in which order",
    )
    parser.add_argument(
        "--folder", type=Path, help="for all that is written, which is kept then"
    )
    parser.add_argument("--out", type=Path, help="where to put the report as JSON")
    return parser


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _print_tails(console: Console, folder: Path) -> None:
    for name in ("listener", "server"):
        path = folder / "data" / f"{name}.log"
        lines = path.read_text().splitlines()[-TAIL:] if path.exists() else []
        console.rule(name)
        console.print("\n".join(lines), markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
