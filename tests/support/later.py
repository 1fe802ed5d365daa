"""
Later versions of the code: copies of it in which what the next version would change is
changed.
"""

from __future__ import annotations

import re
import shutil

from pathlib import Path
from typing import Final

from tests.support.processes import ROOT


PACKAGES: Final = ("recommender", "listener", "server")
PROGRAMS: Final = ("run_listener.py", "run_server.py")


def make_later(folder: Path, *, reads_words_otherwise: bool = False) -> Path:
    """
    Return a folder with a version that writes the next format.

    Args:
        reads_words_otherwise: Whether its terms are others, too: words of two letters
            are none.
    """
    for name in PACKAGES:  # with what is compiled, whose dates are kept
        shutil.copytree(ROOT / name, folder / name)
    for name in PROGRAMS:
        shutil.copy2(ROOT / name, folder / name)
    _raise(folder / "recommender" / "manifest.py", "FORMAT")
    _raise(folder / "recommender" / "segment_file.py", "FORMAT")
    if reads_words_otherwise:
        _raise(folder / "recommender" / "text.py", "TEXT_VERSION")
        _raise(folder / "recommender" / "text.py", "SHORTEST_WORD")
    return folder


def _raise(path: Path, name: str) -> None:
    """
    Add one to a constant of a module.
    """
    pattern = re.compile(rf"^({name}: Final = )(\d+)", re.MULTILINE)
    raised, count = pattern.subn(
        lambda found: f"{found[1]}{int(found[2]) + 1}", path.read_text()
    )
    assert count == 1, (path, name)
    path.write_text(raised)
