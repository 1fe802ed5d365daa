import gc
import tracemalloc

import pytest
import xxhash

from hypothesis import given
from hypothesis import strategies as st

from recommender import manifest as manifests
from recommender.errors import RecommenderError, StoreCorrupt, StoreTooNew
from recommender.manifest import SegmentRef
from recommender.position import ClusterTime
from tests.support.products import make_manifest


WHOLE = make_manifest(
    generation=7,
    segments=(
        SegmentRef("3-0.seg", 640, "0" * 16),
        SegmentRef("7-0.seg", 64, "f" * 16),
    ),
    checkpoints={"products": "token", "orders": "é"},
    as_of=ClusterTime(5, 6),
    products=9,
    visible=8,
)


def signed(body, number=manifests.FORMAT):
    digest = xxhash.xxh3_64_hexdigest(body).encode()
    return b"evershelf manifest %d %s\n%s\n" % (number, digest, body)


def test_manifest_comes_back():
    """
    What was written is what is read, types included.
    """
    manifest = manifests.from_bytes(manifests.to_bytes(WHOLE))

    assert manifest == WHOLE
    assert isinstance(manifest.segments[0], SegmentRef)
    assert isinstance(manifest.as_of, ClusterTime)


@pytest.mark.parametrize("length", range(0, len(manifests.to_bytes(WHOLE)) - 1, 7))
def test_part_of_a_manifest_is_corrupt(length):
    """
    A file cut short anywhere is corrupt.
    """
    with pytest.raises(StoreCorrupt):
        manifests.from_bytes(manifests.to_bytes(WHOLE)[:length])


@given(st.integers(0, len(manifests.to_bytes(WHOLE)) - 2), st.integers(1, 255))
def test_changed_byte_is_corrupt(at, change):
    """
    A byte that differs, anywhere, is noticed.
    """
    content = bytearray(manifests.to_bytes(WHOLE))
    content[at] ^= change

    try:
        manifest = manifests.from_bytes(bytes(content))
    except (StoreCorrupt, StoreTooNew):
        return
    assert manifest == WHOLE  # a blank for another blank, in the first line


@given(st.binary() | st.binary().map(lambda rest: b"evershelf manifest " + rest))
def test_any_bytes_end_in_our_error(content):
    """
    No content ends in an error that a caller does not expect.
    """
    with pytest.raises(RecommenderError):
        manifests.from_bytes(content)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"segments": [], "as_of": [1, 2]}',
        b'{"segments": 5, "as_of": [1, 2]}',
        b'{"segments": [["a"]], "as_of": [1, 2]}',
        b'{"segments": [], "as_of": [1, 2, 3]}',
        manifests.to_bytes(WHOLE).split(b"\n")[1][:-1] + b', "written_s": "noon"}',
    ],
)
def test_signed_nonsense_is_corrupt(body):
    """
    A right checksum over something else than a manifest does not make it one.
    """
    with pytest.raises(StoreCorrupt, match="not complete"):
        manifests.from_bytes(signed(body))


def test_later_format_is_too_new():
    """
    What a later version wrote is not corrupt, but not for us.
    """
    with pytest.raises(StoreTooNew):
        manifests.from_bytes(signed(b"{}", manifests.FORMAT + 1))


@pytest.mark.parametrize(
    "number", [b"x", b"-1", b"0", b"00", b"9" * 5000, "\u00b2".encode()]
)
def test_format_that_is_no_number_is_corrupt(number):
    """
    Damage in the format's number is damage.
    """
    with pytest.raises(StoreCorrupt, match="not a number"):
        manifests.from_bytes(b"evershelf manifest " + number + b" 0\n{}\n")


def test_first_words_are_not_named():
    """
    A manifest of the words that the first format knew only is one that its readers take.
    """
    first = make_manifest(text_version=manifests.FIRST_TEXT_VERSION)

    assert b"text_version" not in manifests.to_bytes(first)


def test_later_words_are_named():
    """
    Another version of the words comes back as it was written.
    """
    later = make_manifest(text_version=manifests.FIRST_TEXT_VERSION + 1)

    assert manifests.from_bytes(manifests.to_bytes(later)) == later


def test_unknown_write_is_not_named():
    """
    A manifest without the time of a write is one of those that there were before.
    """
    assert b"written_s" not in manifests.to_bytes(make_manifest(written_s=None))


def test_time_of_a_write_comes_back():
    """
    It is told to the millisecond that the database gives.
    """
    manifest = make_manifest(written_s=1_700_000_000.123)

    assert manifests.from_bytes(manifests.to_bytes(manifest)) == manifest


def test_what_a_later_version_adds_is_read_over():
    """
    In the same format nothing is added that a reader would have to know.
    """
    body = manifests.to_bytes(WHOLE).split(b"\n")[1][:-1] + b', "more": [1]}'

    assert manifests.from_bytes(signed(body)) == WHOLE


def read_anew(numbers):
    """
    Read one manifest for each number, with names and checksums of its own.
    """
    for number in numbers:
        ref = SegmentRef(f"{number}-0.seg", 64, f"{number:016x}")
        manifest = make_manifest(
            segments=(ref,), checkpoints={"all": f"token {number}"}
        )
        manifests.from_bytes(manifests.to_bytes(manifest))
    gc.collect()


def test_texts_of_what_was_read_are_not_remembered():
    """
    A process that reads a generation after the other keeps no part of those before.
    """
    read_anew(range(100))
    tracemalloc.start()
    try:
        read_anew(range(1_000, 2_000))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 20_000  # all their texts are nine times as much
