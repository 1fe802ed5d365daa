"""
Train and answer once, beside the package of npm that is made for it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from benchmarks.bare_server import ROOT
from benchmarks.catalogue import to_text
from benchmarks.figures import Absent, Figure
from benchmarks.process_stats import peak_bytes
from benchmarks.shop import Shop


NPM: Final = ROOT / "benchmarks" / "npm"
BESIDE: Final = "content-based-recommender"
MOST: Final = 10_000  # products; it compares all with all
HEAP_MB: Final = 12_000  # what node may use; by itself it gives up at 2 to 4 GB
INSTALL_S: Final = 120.0
POLL_S: Final = 0.02


class Wrong(Exception):  # noqa: N818 the class says what happened
    """
    A program did not give an answer.
    """


@dataclass(frozen=True, slots=True)
class Spent:
    """
    What a program took from its start to its end, or until it was ended.

    Attributes:
        seconds: By the clock.
        processor_s: Of all its threads.
        peak: The most bytes that were resident.
        is_whole: Whether it came to its end.
    """

    seconds: float
    processor_s: float
    peak: int
    is_whole: bool


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield time and memory of both programs, from start to end, each after the other.

    The package's is ended after the effort's `longest_s`; then it would have taken
    more than is told, of both.

    Raises:
        Absent: There are too many products, or no node or npm, or the package cannot be
            installed.
    """
    if shop.size > MOST:
        msg = f"it compares all with all: more than {MOST:,} are too many"
        raise Absent(msg)
    shop.stop()  # it would only take processor time
    folder = shop.folder.with_name(f"{shop.folder.name}-npm")
    folder.mkdir(parents=True)
    try:
        node = install(folder)
        path = folder / "documents.json"
        path.write_bytes(orjson.dumps(_texts(shop)))
        ours = spend([sys.executable, "-m", "benchmarks.trained", str(path)])
        beside = spend([*node, str(path)], shop.effort.longest_s)
    finally:
        shutil.rmtree(folder)
    yield from _figures(ours, beside)


def install(folder: Path) -> list[str]:
    """
    Return the command that trains the package, which is put into *folder*.

    Raises:
        Absent: There is no node or npm, or npm cannot install it.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        msg = "node and npm are not installed"
        raise Absent(msg)
    for name in ("package.json", "package-lock.json", "train.js"):
        shutil.copy(NPM / name, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    try:
        subprocess.run(command, cwd=folder, check=True, timeout=INSTALL_S)  # noqa: S603
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        msg = f"npm cannot install the package: {error}"
        raise Absent(msg) from error
    return [node, f"--max-old-space-size={HEAP_MB}", str(folder / "train.js")]


def spend(command: Sequence[str], longest_s: float = float("inf")) -> Spent:
    """
    Return what a program took that prints the number of its answers.

    Raises:
        Wrong: It came to its end without any.
    """
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: S603
    is_whole, peak = True, 0
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        if is_whole and time.monotonic() - started > longest_s:
            is_whole = False
            os.kill(process.pid, signal.SIGKILL)
        peak = max(peak, peak_bytes(process.pid))
        time.sleep(POLL_S)
    seconds = time.monotonic() - started
    _, status, used = ended
    process.returncode = os.waitstatus_to_exitcode(status)
    with process:
        said = process.stdout.read() if process.stdout else b""
    if is_whole and not int(said or 0):
        msg = f"{command[0]} ended with {process.returncode} and said {said!r}"
        raise Wrong(msg)
    processor_s = used.ru_utime + used.ru_stime
    return Spent(seconds, processor_s, peak, is_whole)


def _texts(shop: Shop) -> list[dict[str, str]]:
    return [{"id": str(d["_id"]), "content": to_text(d)} for d in shop.catalogue()]


def _figures(ours: Spent, beside: Spent) -> Iterator[Figure]:
    what = BESIDE if beside.is_whole else f"{BESIDE}, ended before its time"
    details = {
        "processor_s": ours.processor_s,
        "beside_processor_s": beside.processor_s,
        "beside_is_whole": beside.is_whole,
    }
    yield Figure(
        "package.time",
        "train and answer once, from start to end",
        ours.seconds,
        "s",
        beside.seconds,
        what,
        details,
    )
    yield Figure(
        "package.memory",
        "the same, most memory",
        ours.peak / 1e6,
        "MB",
        beside.peak / 1e6,
        what,
        details,
    )
