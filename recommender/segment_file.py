"""
A segment as a file: a header, then aligned arrays, each with its checksum.

    8 bytes   magic
    8 bytes   length of the header, little-endian
    8 bytes   XXH3 of the header
    header    JSON: format, and name, dtype, length, offset and XXH3 of each block
    blocks    each begins at a multiple of 64 bytes
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final, NamedTuple, cast

import numpy as np
import orjson
import xxhash

from numpy.typing import NDArray

from recommender.blob import Blob
from recommender.errors import StoreCorrupt, StoreTooNew
from recommender.segment import Segment


FORMAT: Final = 1
MAGIC: Final = b"EVERSHLF"
ALIGNMENT: Final = 64
_PREFIX: Final = 24
_FIELDS: Final = cast("tuple[Any, ...]", fields(Segment))
_DTYPES: Final = frozenset(
    {"uint8", "bool", "int32", "int64", "uint64", "float32", "float64"}
)


class Block(NamedTuple):
    """
    Where an array lies in the file.
    """

    name: str
    dtype: str
    length: int
    offset: int
    checksum: str


def to_chunks(segment: Segment) -> list[bytes | memoryview]:
    """
    Return the file's content in pieces, to be written one after the other.
    """
    arrays = list(_arrays(segment))
    blocks = []
    offset = 0
    for name, array in arrays:
        blocks.append(
            Block(name, str(array.dtype), len(array), offset, _checksum(_bytes(array)))
        )
        offset += array.nbytes + _padding(array.nbytes)
    header = orjson.dumps({"format": FORMAT, "blocks": blocks}, default=list)
    header += b" " * _padding(_PREFIX + len(header))
    prefix = (
        MAGIC
        + len(header).to_bytes(8, "little")
        + xxhash.xxh3_64_digest(header)[::-1]
        + header
    )
    chunks: list[bytes | memoryview] = [prefix]
    for _, array in arrays:
        chunks += [_bytes(array), bytes(_padding(array.nbytes))]
    return chunks


def from_buffer(buffer: memoryview) -> Segment:
    """
    Return the segment that *buffer* holds, without copying: arrays are views.

    Blocks are not verified here, see `verify_blocks`.

    Raises:
        StoreCorrupt: The header is damaged, or the file is too short.
        StoreTooNew: Written in a later format.
    """
    start, blocks = _read_header(buffer)
    arrays = {
        block.name: np.frombuffer(
            buffer, block.dtype, block.length, start + block.offset
        )
        for block in blocks
    }
    try:
        return Segment(**{f.name: _field(f, arrays) for f in _FIELDS})
    except KeyError as error:
        msg = f"the segment lacks the block {error}"
        raise StoreCorrupt(msg) from error


def verify_blocks(buffer: memoryview) -> None:
    """
    Compare every block with its checksum.

    Raises:
        StoreCorrupt: Naming the block that differs.
    """
    start, blocks = _read_header(buffer)
    for block in blocks:
        begin = start + block.offset
        size = block.length * np.dtype(block.dtype).itemsize
        if _checksum(buffer[begin : begin + size]) != block.checksum:
            msg = f"the block {block.name} differs from its checksum"
            raise StoreCorrupt(msg)


def _read_header(buffer: memoryview) -> tuple[int, list[Block]]:
    if bytes(buffer[:8]) != MAGIC:
        msg = "the file does not begin as a segment"
        raise StoreCorrupt(msg)
    size = int.from_bytes(buffer[8:16], "little")
    header = bytes(buffer[_PREFIX : _PREFIX + size])
    if xxhash.xxh3_64_digest(header)[::-1] != bytes(buffer[16:_PREFIX]):
        msg = "the header differs from its checksum"
        raise StoreCorrupt(msg)
    content = orjson.loads(header)
    if content["format"] > FORMAT:
        raise StoreTooNew
    blocks = [Block(*values) for values in content["blocks"]]
    start = _PREFIX + size
    for block in blocks:
        if block.dtype not in _DTYPES or start + _end(block) > len(buffer):
            msg = f"the file ends before its block {block.name}"
            raise StoreCorrupt(msg)
    return start, blocks


def _end(block: Block) -> int:
    return block.offset + block.length * np.dtype(block.dtype).itemsize


def _arrays(segment: Segment) -> Iterator[tuple[str, NDArray[Any]]]:
    for field in _FIELDS:
        value = getattr(segment, field.name)
        if isinstance(value, Blob):
            yield f"{field.name}.data", value.data
            yield f"{field.name}.offsets", value.offsets
        else:
            yield field.name, value


def _field(field: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if field.type == "Blob":
        return Blob(arrays[f"{field.name}.data"], arrays[f"{field.name}.offsets"])
    return arrays[field.name]


def _bytes(array: NDArray[Any]) -> memoryview:
    return memoryview(cast("Any", np.ascontiguousarray(array).view(np.uint8)))


def _checksum(piece: memoryview) -> str:
    return xxhash.xxh3_64_hexdigest(cast("Any", piece))


def _padding(size: int) -> int:
    return -size % ALIGNMENT
