"""
A segment as a file: a header, then aligned arrays, each with its checksum.

    8 bytes   magic
    8 bytes   length of the header, little-endian
    8 bytes   XXH3 of the header, little-endian
    header    JSON: format, and name, dtype, length, offset and XXH3 of each block
    blocks    each begins at a multiple of 64 bytes
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from operator import index
from typing import Any, Final, NamedTuple, cast

import numpy as np
import orjson
import xxhash

from numpy.typing import NDArray

from recommender.blob import Blob
from recommender.errors import StoreCorrupt, StoreTooNew
from recommender.segment import NO_CODE, Segment


FORMAT: Final = 1
MAGIC: Final = b"EVERSHLF"
ALIGNMENT: Final = 64
_PREFIX: Final = 24
_FIELDS: Final = cast("tuple[Any, ...]", fields(Segment))
_ELEMENTS: Final = {
    "Bools": "bool",
    "Ints": "int32",
    "Longs": "int64",
    "Hashes": "uint64",
    "Floats": "float32",
    "Doubles": "float64",
}


def _dtypes() -> Iterator[tuple[str, str]]:
    for field in _FIELDS:
        if field.type == "Blob":
            yield f"{field.name}.data", "uint8"
            yield f"{field.name}.offsets", "int64"
        else:
            yield field.name, _ELEMENTS[field.type]


_DTYPES: Final = dict(_dtypes())


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


def checksum(first: bytes | memoryview) -> str:
    """
    Return the checksum of a file from its beginning; it stands for all of the file,
    since the header holds the checksums of the blocks.
    """
    return bytes(first[16:_PREFIX])[::-1].hex()


def from_buffer(buffer: memoryview) -> Segment:
    """
    Return the segment that *buffer* holds, without copying: arrays are views.

    That the arrays fit together, and none leads out of another, is made sure of here,
    that they are as they were written by `verify_blocks`; only a segment that passes
    both may be asked.

    Raises:
        StoreCorrupt: The header is damaged, the file is too short, or says what no
            segment says.
        StoreTooNew: Written in a later format.
    """
    start, blocks = _read_header(buffer)
    arrays = {
        block.name: np.frombuffer(
            buffer, block.dtype, block.length, start + block.offset
        )
        for block in blocks
    }
    segment = Segment(**{f.name: _field(f, arrays) for f in _FIELDS})
    _check_shapes(segment)
    _check_places(segment)
    return segment


def verify_blocks(buffer: memoryview) -> None:
    """
    Compare every block with its checksum.

    Raises:
        StoreCorrupt: Naming the block that differs.
        StoreTooNew: Written in a later format.
    """
    start, blocks = _read_header(buffer)
    for block in blocks:
        begin, end = start + block.offset, start + _end(block)
        if _checksum(buffer[begin:end]) != block.checksum:
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
    start = _PREFIX + size
    try:
        return start, _to_blocks(orjson.loads(header), len(buffer) - start)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"the header is not complete: {error!r}"
        raise StoreCorrupt(msg) from error


def _to_blocks(content: dict[str, Any], room: int) -> list[Block]:
    """
    Return the blocks that a header lists, all of which lie within *room* bytes.
    """
    if content["format"] > FORMAT:
        raise StoreTooNew
    if content["format"] < 1:
        msg = "the format is not a number from 1 on"
        raise ValueError(msg)
    blocks = [Block(*values) for values in content["blocks"]]
    if {block.name: block.dtype for block in blocks} != _DTYPES:
        msg = "other blocks than a segment's"
        raise ValueError(msg)
    for block in blocks:
        is_aligned = index(block.offset) % ALIGNMENT == 0
        if (
            not is_aligned
            or min(block.offset, index(block.length)) < 0
            or _end(block) > room
        ):
            msg = f"no room for the block {block.name}"
            raise ValueError(msg)
    return blocks


def _end(block: Block) -> int:
    return block.offset + block.length * np.dtype(block.dtype).itemsize


def _check_shapes(s: Segment) -> None:
    """
    Raise StoreCorrupt unless arrays over the same things have the same length, and
    runs end where what they run over ends.
    """
    rows, terms, pairs = len(s), len(s.dictionary), len(s.terms)
    by_row = (
        s.keys, s.key_hashes, s.key_rows, s.squares, s.visible, s.in_stock, s.price,
        s.created_s, s.brand_codes, s.displays,
    )  # fmt: skip
    runs = (
        (s.indptr, rows, pairs),
        (s.post_indptr, terms, pairs),
        (s.category_indptr, rows, len(s.category_codes)),
        *((blob.offsets, len(blob), len(blob.data)) for blob in _blobs(s)),
    )
    is_whole = (
        {len(column) for column in by_row} == {rows}
        and {len(column) for column in (s.tf, s.post_rows, s.post_tf)} == {pairs}
        and len(s.words) == terms
        and all(_is_run(starts, count, end) for starts, count, end in runs)
    )
    if not is_whole:
        msg = "the blocks do not fit together"
        raise StoreCorrupt(msg)


def _check_places(s: Segment) -> None:
    """
    Raise StoreCorrupt unless all that kernels go by leads to a place that there is:
    they do not look, and would read and write elsewhere.
    """
    rows, terms = len(s), len(s.dictionary)
    runs = (
        s.indptr,
        s.post_indptr,
        s.category_indptr,
        *(blob.offsets for blob in _blobs(s)),
    )
    places = (
        (s.terms, 0, terms),
        (s.post_rows, 0, rows),
        (s.key_rows, 0, rows),
        (s.category_codes, 0, len(s.category_values)),
        (s.brand_codes, NO_CODE, len(s.brand_values)),
    )
    is_sound = (
        all(bool((starts[:-1] <= starts[1:]).all()) for starts in runs)
        and all(_is_within(*place) for place in places)
        # a score of zero is that of a row that was not touched yet
        and all(_are_positive(tf) for tf in (s.tf, s.post_tf))
    )
    if not is_sound:
        msg = "the blocks lead out of one another"
        raise StoreCorrupt(msg)


def _blobs(s: Segment) -> tuple[Blob, ...]:
    return (
        s.keys, s.words, s.category_values, s.brand_values, s.displays, s.tombstones,
    )  # fmt: skip


def _is_within(values: NDArray[Any], least: float, end: float) -> bool:
    return not len(values) or bool(least <= values.min() and values.max() < end)


def _are_positive(values: NDArray[np.float32]) -> bool:
    return not len(values) or bool(values.min() > 0 and values.max() < np.inf)


def _is_run(starts: NDArray[np.int64], count: int, end: int) -> bool:
    return len(starts) == count + 1 > 0 and starts[0] == 0 and starts[-1] == end


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
