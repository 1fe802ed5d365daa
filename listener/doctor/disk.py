"""
Room for the model.
"""

from __future__ import annotations

import os
import shutil

from pathlib import Path
from typing import Final

from listener.doctor.finding import Finding, fail, ok, warn


MB: Final = 1_000_000
PRODUCT_BYTES: Final = 1_200  # of a model, as measured; its products differ
RESERVE_BYTES: Final = 50 * MB
# A rebuilt model stands beside the old one until nobody reads that any more, and a
# merge writes what it joins once more.
TIMES: Final = 3


def look_at_disk(folder: Path, model_bytes: int) -> Finding:
    """
    Find out whether a model of about *model_bytes* can be kept and renewed in
    *folder*, which may be still to make.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        return fail(
            f"{existing} cannot be written by this user",
            "give it to the user, or name another in EVERSHELF_DATA_DIR",
        )
    return judge_disk(folder, shutil.disk_usage(existing).free, model_bytes)


def judge_disk(folder: Path, free_bytes: int, model_bytes: int) -> Finding:
    """
    Return whether *free_bytes* are enough for a model of *model_bytes*.
    """
    found = (
        f"{free_bytes / MB:,.0f} MB free for {folder}; "
        f"the model takes about {model_bytes / MB:,.1f} MB"
    )
    remedy = "free space, or name a folder of a larger disk in EVERSHELF_DATA_DIR"
    if free_bytes < model_bytes + RESERVE_BYTES:
        return fail(f"{found}: a rebuilt one would not fit beside it", remedy)
    if free_bytes < TIMES * model_bytes + RESERVE_BYTES:
        return warn(found, remedy)
    return ok(found)
