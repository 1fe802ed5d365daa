import dataclasses

import numpy as np
import orjson
import pytest
import xxhash

from hypothesis import given
from hypothesis import strategies as st

from recommender import segment as segments
from recommender import segment_file
from recommender.displays import Displays
from recommender.errors import RecommenderError, StoreCorrupt, StoreTooNew
from recommender.segment import build_segment
from tests.support.displays import make_shown
from tests.support.products import WEIGHTS, make_catalogue, make_product
from tests.support.segments import check_segment, segment_values


SEGMENT = build_segment(make_catalogue(5), WEIGHTS, [b'"gone"'])
CONTENT = b"".join(segment_file.to_chunks(SEGMENT))
HEADER_SIZE = int.from_bytes(CONTENT[8:16], "little")
HEADER = orjson.loads(CONTENT[24 : 24 + HEADER_SIZE])
BLOCKS = {block[0]: i for i, block in enumerate(HEADER["blocks"])}
NAME, DTYPE, LENGTH, OFFSET, CHECKSUM = range(5)


def read(content):
    return segment_file.verified(memoryview(content))


def with_header(header):
    """
    Return the file with another header, its checksum put right.
    """
    if not isinstance(header, bytes):
        header = orjson.dumps(header)
    header += b" " * (-(24 + len(header)) % 64)
    digest = xxhash.xxh3_64_digest(header)[::-1]
    size = len(header).to_bytes(8, "little")
    return segment_file.MAGIC + size + digest + header + CONTENT[24 + HEADER_SIZE :]


def with_block(name, **values):
    """
    Return the file with a block described in another way.
    """
    header = orjson.loads(orjson.dumps(HEADER))
    for field, value in values.items():
        place = {"dtype": DTYPE, "length": LENGTH, "offset": OFFSET}[field]
        header["blocks"][BLOCKS[name]][place] = value
    return with_header(header)


@pytest.mark.parametrize(
    "products", [[], [make_product("1")], make_catalogue(5), make_catalogue(200)]
)
@pytest.mark.parametrize("tombstones", [[], [b'"a"', b'"b"']])
def test_segment_comes_back(products, tombstones):
    """
    What was written is what is read.
    """
    segment = build_segment(products, WEIGHTS, tombstones)

    again = read(b"".join(segment_file.to_chunks(segment)))

    check_segment(again)
    assert segment_values(again) == segment_values(segment)
    assert list(again.tombstones) == tombstones
    assert again.hashed_keys().tolist() == segment.hashed_keys().tolist()


def test_arrays_are_views_aligned_and_frozen():
    """
    Nothing is copied, each array begins at a multiple of 64 bytes, none is writable.
    """
    for block in HEADER["blocks"]:
        assert (24 + HEADER_SIZE + block[OFFSET]) % segment_file.ALIGNMENT == 0
    segment = read(CONTENT)

    assert not segment.tf.flags.owndata
    assert not segment.tf.flags.writeable
    assert not segment.keys.data.flags.writeable


def test_checksum_stands_for_all_of_the_file():
    """
    Two files that differ anywhere have different checksums at their beginning.
    """
    other = b"".join(segment_file.to_chunks(build_segment(make_catalogue(6), WEIGHTS)))

    assert segment_file.checksum(CONTENT) == segment_file.checksum(memoryview(CONTENT))
    assert segment_file.checksum(CONTENT) != segment_file.checksum(other)
    assert len(segment_file.checksum(b"")) == 0


@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 7))
def test_flipped_bit_is_noticed(at, bit):
    """
    A bit that flips anywhere but in padding is corrupt.
    """
    content = bytearray(CONTENT)
    content[at] ^= 1 << bit

    if CONTENT[at] == 0 and is_padding(at):
        read(bytes(content))
    else:
        with pytest.raises(StoreCorrupt):
            read(bytes(content))


def is_padding(at):
    place = at - 24 - HEADER_SIZE
    sizes = {"bool": 1, "uint8": 1, "float16": 2, "int32": 4}
    return place >= 0 and not any(
        b[OFFSET] <= place < b[OFFSET] + b[LENGTH] * sizes.get(b[DTYPE], 8)
        for b in HEADER["blocks"]
    )


@given(st.integers(0, len(CONTENT) - 64))
def test_file_cut_short_is_corrupt(length):
    """
    A file that ends early is corrupt, wherever it ends.
    """
    with pytest.raises(StoreCorrupt):
        read(CONTENT[:length])


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_end_in_our_error(content, has_magic):
    """
    No content ends in an error that a caller does not expect.
    """
    content = segment_file.MAGIC * has_magic + content
    with pytest.raises(RecommenderError):
        segment_file.from_buffer(memoryview(content))
    with pytest.raises(RecommenderError):
        read(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.lists(
        st.tuples(st.integers(0, len(BLOCKS) - 1), st.integers(0, 4), JSON),
        min_size=1,
        max_size=3,
    )
)
def test_any_header_ends_in_our_error_or_in_arrays_that_fit(changes):
    """
    A header that tells other things of its blocks, its checksum right, leads neither
    to an unexpected error nor to arrays outside of the file.
    """
    header = orjson.loads(orjson.dumps(HEADER))
    for block, place, value in changes:
        header["blocks"][block][place] = value
    content = with_header(header)

    try:
        segment = segment_file.from_buffer(memoryview(content))
    except RecommenderError:
        return
    # at most where a block lies was changed: lengths and types must fit each other
    assert len(segment) == len(SEGMENT)
    assert len(segment.terms) == len(SEGMENT.terms)


@given(JSON | st.fixed_dictionaries({"format": JSON, "blocks": JSON}))
def test_any_json_ends_in_our_error(header):
    """
    A header that is other JSON, its checksum right, is no header.
    """
    with pytest.raises(RecommenderError):
        segment_file.from_buffer(memoryview(with_header(header)))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"not json",
        b"\xff",
        {},
        {"format": 1},
        {"format": 1, "blocks": 5},
        {"format": 1, "blocks": []},
        {"format": 1, "blocks": [["keys.data"]]},
        {"format": "1", "blocks": []},
        {"format": 0, "blocks": HEADER["blocks"]},
        {"format": -1, "blocks": HEADER["blocks"]},
        {"format": 1, "blocks": HEADER["blocks"][1:]},
        {"format": 1, "blocks": [*HEADER["blocks"], ["x", "int32", 0, 0, ""]]},
    ],
    ids=repr,
)
def test_header_that_lacks_something_is_corrupt(header):
    """
    A header without its keys, or with other blocks than a segment's, is corrupt.
    """
    with pytest.raises(StoreCorrupt, match="not complete"):
        read(with_header(header))


@pytest.mark.parametrize(
    "values",
    [
        {"offset": -64},
        {"offset": 1 << 62},
        {"offset": 8},
        {"offset": 64.0},
        {"offset": "0"},
        {"length": -1},
        {"length": 1 << 62},
        {"length": 2.5},
        {"length": None},
        {"dtype": "int64"},
        {"dtype": "object"},
        {"dtype": "uint32"},
        {"dtype": ["int32"]},
    ],
    ids=str,
)
def test_block_out_of_place_is_corrupt(values):
    """
    Negative, huge, unaligned and mistyped places of blocks are corrupt.
    """
    with pytest.raises(StoreCorrupt, match="not complete"):
        segment_file.from_buffer(memoryview(with_block("terms", **values)))


# of which no length but the checksum tells whether it is whole
DICTIONARY = "displays.dictionary"


@pytest.mark.parametrize("name", [name for name in BLOCKS if name != DICTIONARY])
def test_block_of_another_length_is_corrupt(name):
    """
    Arrays over the same things have the same length, and runs end with what they run
    over, whichever array is a little shorter.
    """
    length = HEADER["blocks"][BLOCKS[name]][LENGTH]

    with pytest.raises(StoreCorrupt, match="do not fit together"):
        segment_file.from_buffer(memoryview(with_block(name, length=length - 1)))


@pytest.mark.parametrize(
    ("name", "into"),
    [
        ("terms", SEGMENT.dictionary),
        ("post_rows", SEGMENT.contents),
        ("key_rows", SEGMENT.contents),
        ("category_codes", SEGMENT.category_values),
        ("brand_codes", SEGMENT.brand_values),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_place_just_beyond_the_end_is_corrupt(name, into):
    """
    The first place that there is not is none.
    """
    places = getattr(SEGMENT, name).copy()
    places[-1] = len(into)
    segment = dataclasses.replace(SEGMENT, **{name: places})

    with pytest.raises(StoreCorrupt, match="lead out"):
        read(b"".join(segment_file.to_chunks(segment)))


def test_packed_displays_come_back():
    """
    What pages show is packed in the file, by a dictionary that is in it, too.
    """
    segment = build_segment(make_shown(2_500), WEIGHTS)
    packed = dataclasses.replace(segment, displays=segment.displays.packed())
    content = b"".join(segment_file.to_chunks(packed))

    again = read(content)

    assert again.displays.packing is not None
    assert not again.displays.dictionary.flags.owndata
    assert segment_values(again) == segment_values(segment)
    assert packed.nbytes < len(content) < packed.nbytes + 8_192


@pytest.mark.parametrize("dictionary", [b"x", b"no dictionary of zstd's"])
def test_dictionary_that_is_none_is_corrupt(dictionary):
    """
    It is noticed when the file is opened, not when something is to be shown.
    """
    displays = build_segment(make_shown(2_500), WEIGHTS).displays.packed()
    displays.packing.dictionary = np.frombuffer(dictionary, np.uint8)
    two = displays.strings.take(np.arange(2))
    displays = Displays(len(SEGMENT), two, displays.packing)
    short = dataclasses.replace(SEGMENT, displays=displays)

    with pytest.raises(StoreCorrupt, match="displays"):
        read(b"".join(segment_file.to_chunks(short)))


def in_first_format(monkeypatch, change):
    """
    Return the segment's file as the first format has it, its weights changed.
    """

    def to_arrays(segment):
        for name, array in segments.to_arrays(segment):
            if name in {"tf", "post_tf"}:
                yield name, change(array.astype(np.float32))
            elif name != DICTIONARY:
                yield name, array

    with monkeypatch.context() as patch:
        patch.setattr(segment_file, "FORMAT", 1)
        patch.setattr(segment_file, "to_arrays", to_arrays)
        return b"".join(segment_file.to_chunks(SEGMENT))


def test_first_format_is_rounded(monkeypatch):
    """
    Weights of the first format are read as half precision has them, and what follows
    from them follows from these; all else is as it was.
    """
    segment = read(in_first_format(monkeypatch, lambda tf: tf * np.float32(1.1)))

    check_segment(segment)
    singles = SEGMENT.tf.astype(np.float32) * np.float32(1.1)
    assert segment.tf.tolist() == singles.astype(np.float16).tolist()
    for row, square in enumerate(segment.squares):
        tf = segment.tf[segment.indptr[row] : segment.indptr[row + 1]]
        assert square == pytest.approx((tf.astype(np.float64) ** 2).sum(), rel=1e-14)
    again = dataclasses.replace(
        segment, tf=SEGMENT.tf, post_tf=SEGMENT.post_tf, squares=SEGMENT.squares
    )
    assert segment_values(again) == segment_values(SEGMENT)
    assert not any(array.flags.writeable for _, array in segments.to_arrays(segment))


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, 1e-9, -1e30], ids=str)
def test_first_format_holds_weights_only(monkeypatch, weight):
    """
    What is no weight, or none that half precision has, is corrupt.
    """
    content = in_first_format(
        monkeypatch, lambda tf: np.append(tf[:-1], tf.dtype.type(weight))
    )

    with pytest.raises(StoreCorrupt, match="lead out"):
        read(content)


def test_later_format_is_too_new():
    """
    What a later version wrote is not corrupt, but not for us.
    """
    with pytest.raises(StoreTooNew):
        read(with_header({"format": segment_file.FORMAT + 1}))
