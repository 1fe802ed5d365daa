"""
Node with the BullMQ that shops' backends have.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.processes import ROOT


PINNED: Final = ROOT / "tests" / "queue" / "node"
NODE: Final = shutil.which("node")
NPM: Final = shutil.which("npm")
INSTALL_S: Final = 240.0
RUN_S: Final = 90.0
MISSING: Final = "there is no node with npm (Debian's packages nodejs and npm)"


def installed() -> Path:
    """
    Return a folder with what is pinned, installed once for all test runs.
    """
    lock = (PINNED / "package-lock.json").read_bytes()
    name = f"evershelf-node-{os.getuid()}-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder = Path(tempfile.gettempdir()) / name
    if folder.exists():
        return folder
    aside = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    for path in PINNED.iterdir():
        shutil.copy(path, aside)
    assert NPM is not None
    quietly = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run([NPM, "ci", *quietly], cwd=aside, check=True, timeout=INSTALL_S)
    try:
        aside.rename(folder)
    except OSError:  # another run was first
        shutil.rmtree(aside)
    return folder


def run(folder: Path, script: str, environment: Mapping[str, str]) -> str:
    """
    Return what a script, an ES module, prints; it must end well.
    """
    assert NODE is not None
    ended = subprocess.run(
        [NODE, "--input-type=module", "--eval", script],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_S,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
