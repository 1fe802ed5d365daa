"""
A real catalogue: Icecat's, when it lies beside the checkout.
"""

from __future__ import annotations

import gzip

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from benchmarks.catalogue import Document


ICECAT: Final = Path(__file__).parents[2] / "shared" / "data" / "icecat.jsonl.gz"
ABSENT: Final = "../shared/data/icecat.jsonl.gz is not beside this checkout"


def read_icecat(path: Path = ICECAT) -> Iterator[Document]:
    """
    Yield its products as a shop would store them.

    Raises:
        FileNotFoundError: It is not there.
    """
    if not path.exists():
        raise FileNotFoundError(ABSENT)
    with gzip.open(path, "rb") as lines:
        for line in lines:
            record = orjson.loads(line)
            yield {"_id": record.pop("id"), "status": "approved", "stock": 1} | record
