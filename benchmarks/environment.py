"""
Where figures were taken.
"""

from __future__ import annotations

import os
import platform

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from threadpoolctl import threadpool_info  # type: ignore[import-untyped]


LIBRARIES: Final = (
    "aiohttp",
    "numba",
    "numpy",
    "orjson",
    "pymongo",
    "scikit-learn",
    "scipy",
    "tantivy",
    "uvloop",
)


def environment() -> dict[str, Any]:
    """
    Return the machine and the versions, in words and numbers.
    """
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(_memory_bytes() / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
        "blas": sorted(set(_blas())),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.machine()).strip()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _blas() -> Iterator[str]:
    for pool in threadpool_info():
        if pool["user_api"] == "blas":
            yield " ".join(
                str(pool.get(part) or "?")
                for part in ("internal_api", "version", "architecture", "num_threads")
            )
