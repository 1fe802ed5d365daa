"""
Products from a JSONL file: one JSON object a line, in UTF-8, gzipped or not.
"""

from __future__ import annotations

import gzip
import zlib

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import bson
import xxhash

from bson import ObjectId, json_util
from bson.errors import BSONError

from listener.demo.errors import DemoFault


LARGEST: Final = 16 * 1024 * 1024  # bytes of BSON that MongoDB takes in one document
_ID_BYTES: Final = 12
_OPTIONS: Final = json_util.RELAXED_JSON_OPTIONS.with_options(tz_aware=True, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """
    A document, and where it stands.
    """

    number: int
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadLine:
    """
    A line that cannot be loaded, and why not.
    """

    number: int
    reason: str


def read_lines(path: Path) -> Iterator[Line | BadLine]:
    """
    Yield each line that is not blank; the first is number 1.

    The id is `_id`, else `id`. A document with neither gets one made of its own text,
    so that the same file loaded twice is loaded once. Extended JSON is understood.

    Raises:
        DemoFault: The file cannot be read, or is damaged.
    """
    for number, raw in _raw_lines(path):
        yield _to_line(number, raw)


def count_lines(path: Path) -> int:
    """
    Return how many lines `read_lines` yields.

    Raises:
        DemoFault: The file cannot be read, or is damaged.
    """
    return sum(1 for _ in _raw_lines(path))


def _raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with _open(path) as file:
            for number, raw in enumerate(file, start=1):
                if raw.strip():
                    yield number, raw.strip()
    except (OSError, EOFError, zlib.error) as error:
        msg = f"{path} cannot be read: {error}."
        raise DemoFault(msg, "Name a JSONL file, gzipped if it ends in .gz.") from error


def _open(path: Path) -> BinaryIO:
    return (
        cast("BinaryIO", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
    )


def _to_line(number: int, raw: bytes) -> Line | BadLine:
    try:
        document = json_util.loads(raw, json_options=_OPTIONS)
        if not isinstance(document, dict):
            return BadLine(number, "not a JSON object")
        document = {"_id": _take_id(document, raw), **document}
        size = len(bson.encode(document))
    except (ValueError, TypeError, OverflowError, RecursionError, BSONError) as error:
        return BadLine(number, str(error))
    if size > LARGEST:
        return BadLine(number, f"{size} bytes are more than MongoDB takes")
    return Line(number, document)


def _take_id(document: dict[str, Any], raw: bytes) -> Any:
    for name in ("_id", "id"):
        if name in document:
            return document.pop(name)
    return ObjectId(xxhash.xxh3_128_digest(raw)[:_ID_BYTES])
