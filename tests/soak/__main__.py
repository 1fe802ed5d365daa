"""
`python -m tests.soak`: keep a shop busy for an hour, and say whether anything grew.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

import orjson

from rich.console import Console

from tests.chaos.journal import Journal
from tests.soak.report import to_plots, to_record, to_table, verdicts
from tests.soak.run import Asked, Seen, run


RESULTS: Final = Path("benchmarks/results")
WIDTH: Final = 140
INTERRUPTED: Final = 130


def main(arguments: Sequence[str]) -> int:
    """
    Do what *arguments* ask for; return 0 if nothing failed and all is flat, else 1.
    """
    options = _parser().parse_args(arguments)
    asked = Asked(
        options.minutes,
        options.products,
        options.updates,
        options.restarts,
        options.every,
        options.seed,
    )
    folder = options.folder or Path(tempfile.mkdtemp(prefix="evershelf-soak-"))
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.log(f"{asked.minutes:g} minutes, seed {asked.seed}, in {folder}")
    journal = Journal()
    signal.signal(signal.SIGTERM, _interrupt)
    seen, is_interrupted = Seen(), False
    try:
        run(asked, folder, seen, journal, console.log)
    except KeyboardInterrupt:
        is_interrupted = True
    said = verdicts(seen)
    console.print(to_table(asked, said))
    for subject, counts in journal.counts.items():
        shown = ", ".join(f"{kind} {count:,}" for kind, count in counts.items())
        console.print(f"{subject}: {shown}", markup=False, highlight=False)
    for failure in journal.failures:
        console.print(failure, style="red", markup=False)
    out = options.out or RESULTS / f"soak-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    record = to_record(asked, seen, said, journal)
    out.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
    out.with_suffix(".svg").write_text(to_plots(seen), encoding="utf-8")
    console.print(f"written to {out} and {out.with_suffix('.svg')}")
    is_good = not journal.failures and all(verdict.is_flat for verdict in said)
    if journal.failures:
        console.print(f"everything is kept in {folder}")
    elif options.folder is None:
        shutil.rmtree(folder)
    return INTERRUPTED if is_interrupted else int(not is_good)


def _parser() -> argparse.ArgumentParser:
    usual = Asked()
    parser = argparse.ArgumentParser("python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="how long")
    parser.add_argument(
        "--products", type=int, default=usual.products, help="in the catalogue"
    )
    parser.add_argument(
        "--updates", type=int, default=usual.updates, help="of them, evenly spread"
    )
    parser.add_argument(
        "--restarts",
        type=int,
        default=usual.restarts,
        help="of the processes, in the first third",
    )
    parser.add_argument(
        "--every", type=float, default=usual.every_s, help="seconds between samples"
    )
    parser.add_argument(
        "--seed", type=int, default=usual.seed, help="of all that chance decides"
    )
    parser.add_argument(
        "--folder", type=Path, help="for all that is written, which is kept then"
    )
    parser.add_argument("--out", type=Path, help="where to put the record, as JSON")
    return parser


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
