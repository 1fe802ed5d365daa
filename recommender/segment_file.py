"""
A segment as a file: a header, then aligned arrays, each with its checksum.

    8 bytes   magic
    8 bytes   length of the header, little-endian
    8 bytes   XXH3 of the header, little-endian
    header    JSON: format, and name, dtype, length, offset and XXH3 of each block
    blocks    each begins at a multiple of 64 bytes

Files of the first format have weights in single precision, and no dictionary for what
pages show. Weights are rounded when such a file is read, which is until a listener of
today's code has trained anew: to it, they are another model's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from operator import index
from typing import Any, Final, NamedTuple, cast

import numpy as np
import orjson
import xxhash

from numpy.typing import NDArray

from recommender.blob import Blob
from recommender.displays import NO_DICTIONARY, Displays
from recommender.errors import StoreCorrupt, StoreTooNew
from recommender.segment import NO_CODE, Segment, frozen, square_sums, to_arrays
from recommender.tally import to_halves


FORMAT: Final = 2
FIRST: Final = 1
MAGIC: Final = b"EVERSHLF"
ALIGNMENT: Final = 64
_PREFIX: Final = 24
_FIELDS: Final = cast("tuple[Any, ...]", fields(Segment))
_ELEMENTS: Final = {
    "Bools": "bool",
    "Ints": "int32",
    "Longs": "int64",
    "Hashes": "uint64",
    "Halves": "float16",
    "Doubles": "float64",
}


def _dtypes() -> Iterator[tuple[str, str]]:
    for field in _FIELDS:
        if field.type in {"Blob", "Displays"}:
            yield f"{field.name}.data", "uint8"
            yield f"{field.name}.offsets", "int64"
        else:
            yield field.name, _ELEMENTS[field.type]
        if field.type == "Displays":
            yield f"{field.name}.dictionary", "uint8"


_DTYPES: Final = dict(_dtypes())
_DICTIONARY: Final = "displays.dictionary"
_WEIGHTS: Final = ("tf", "post_tf")
_FIRST_DTYPES: Final = {
    name: "float32" if name in _WEIGHTS else dtype
    for name, dtype in _DTYPES.items()
    if name != _DICTIONARY
}
_INFINITY: Final = 0x7C00  # in half precision; bits below it, but 0, are above 0
# By what numpy tells without a look-up: each file names and measures thirty arrays.
_NUMBERS: Final = {*_DTYPES.values(), *_FIRST_DTYPES.values()}
_NAMES: Final = {np.dtype(name).str: name for name in _NUMBERS}
_SIZES: Final = {name: np.dtype(name).itemsize for name in _NUMBERS}


class Block(NamedTuple):
    """
    Where an array lies in the file.
    """

    name: str
    dtype: str
    length: int
    offset: int
    checksum: str


class _Header(NamedTuple):
    """
    What a file says of itself: its format, where its blocks begin, and which they are.
    """

    format: int
    start: int
    blocks: list[Block]


def to_chunks(segment: Segment) -> list[bytes | memoryview]:
    """
    Return the file's content in pieces, to be written one after the other.
    """
    blocks = []
    chunks: list[bytes | memoryview] = []
    offset = 0
    for name, array in to_arrays(segment):
        piece, dtype = _bytes(array), _NAMES[array.dtype.str]
        padding = bytes(_padding(len(piece)))
        blocks.append(Block(name, dtype, len(array), offset, _checksum(piece)))
        chunks += [piece, padding]
        offset += len(piece) + len(padding)
    header = orjson.dumps({"format": FORMAT, "blocks": blocks}, default=list)
    header += b" " * _padding(_PREFIX + len(header))
    prefix = (
        MAGIC
        + len(header).to_bytes(8, "little")
        + xxhash.xxh3_64_digest(header)[::-1]
        + header
    )
    return [prefix, *chunks]


def checksum(first: bytes | memoryview) -> str:
    """
    Return the checksum of a file from its beginning; it stands for all of the file,
    since the header holds the checksums of the blocks.
    """
    return bytes(first[16:_PREFIX])[::-1].hex()


def from_buffer(buffer: memoryview) -> Segment:
    """
    Return the segment that *buffer* holds, without copying: arrays are views, but for
    the weights of the first format.

    That the arrays fit together, and none leads out of another, is made sure of here,
    that they are as they were written by `verified`: only what this process has written
    itself may do without.

    Raises:
        StoreCorrupt: The header is damaged, the file is too short, or says what no
            segment says.
        StoreTooNew: Written in a later format.
    """
    return _to_segment(buffer, _read_header(buffer))


def verified(buffer: memoryview) -> Segment:
    """
    Return what `from_buffer` does, once every block has been compared with its checksum.

    Raises:
        StoreCorrupt: As `from_buffer`, or naming the block that differs.
        StoreTooNew: Written in a later format.
    """
    header = _read_header(buffer)
    for block in header.blocks:
        begin, end = header.start + block.offset, header.start + _end(block)
        if _checksum(buffer[begin:end]) != block.checksum:
            msg = f"the block {block.name} differs from its checksum"
            raise StoreCorrupt(msg)
    return _to_segment(buffer, header)


def _to_segment(buffer: memoryview, header: _Header) -> Segment:
    arrays = {
        block.name: np.frombuffer(
            buffer, block.dtype, block.length, header.start + block.offset
        )
        for block in header.blocks
    }
    if header.format == FIRST:
        arrays |= {name: to_halves(arrays[name]) for name in _WEIGHTS}
        arrays[_DICTIONARY] = NO_DICTIONARY
    segment = Segment(**{f.name: _field(f, arrays) for f in _FIELDS})
    _check_shapes(segment)
    _check_places(segment)
    _check_displays(segment.displays)
    if header.format == FIRST:
        squares = square_sums(segment.indptr, segment.tf)
        return frozen(replace(segment, squares=squares))
    return segment


def _read_header(buffer: memoryview) -> _Header:
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
        content = orjson.loads(header)
        blocks = _to_blocks(content, len(buffer) - start)
        return _Header(content["format"], start, blocks)
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
    dtypes = _FIRST_DTYPES if content["format"] == FIRST else _DTYPES
    if {block.name: block.dtype for block in blocks} != dtypes:
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
    return block.offset + block.length * _SIZES[block.dtype]


def _check_shapes(s: Segment) -> None:
    """
    Raise StoreCorrupt unless arrays over the same things have the same length, and
    runs end where what they run over ends.
    """
    rows, terms, pairs = len(s), len(s.dictionary), len(s.terms)
    by_row = (
        s.keys, s.key_hashes, s.key_rows, s.squares, s.visible, s.in_stock, s.price,
        s.created_s, s.brand_codes,
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
        and s.displays.is_whole
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
        and all(
            _is_within(tf.view(np.uint16), 1, _INFINITY) for tf in (s.tf, s.post_tf)
        )
    )
    if not is_sound:
        msg = "the blocks lead out of one another"
        raise StoreCorrupt(msg)


def _check_displays(displays: Displays) -> None:
    """
    Raise StoreCorrupt unless the dictionary unpacks the first group.
    """
    if displays.packing and len(displays):
        displays.packing.unpack(displays.strings[0])


def _blobs(s: Segment) -> tuple[Blob, ...]:
    return (
        s.keys, s.words, s.category_values, s.brand_values, s.displays.strings,
        s.tombstones,
    )  # fmt: skip


def _is_within(values: NDArray[Any], least: float, end: float) -> bool:
    return not len(values) or bool(least <= values.min() and values.max() < end)


def _is_run(starts: NDArray[np.int64], count: int, end: int) -> bool:
    return len(starts) == count + 1 > 0 and starts[0] == 0 and starts[-1] == end


def _field(field: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    match field.type:
        case "Blob":
            return _blob(field.name, arrays)
        case "Displays":
            return Displays.of(
                len(arrays["contents"]),
                _blob(field.name, arrays),
                arrays[_DICTIONARY],
            )
    return arrays[field.name]


def _blob(name: str, arrays: dict[str, NDArray[Any]]) -> Blob:
    return Blob(arrays[f"{name}.data"], arrays[f"{name}.offsets"])


def _bytes(array: NDArray[Any]) -> memoryview:
    return memoryview(cast("Any", np.ascontiguousarray(array).view(np.uint8)))


def _checksum(piece: memoryview) -> str:
    return xxhash.xxh3_64_hexdigest(cast("Any", piece))


def _padding(size: int) -> int:
    return -size % ALIGNMENT
