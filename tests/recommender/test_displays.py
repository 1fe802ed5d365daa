"""
What pages show of products, packed with their neighbours.
"""

import contextlib
import random
import tracemalloc

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zstandard

from hypothesis import given
from hypothesis import strategies as st

from recommender import displays as module
from recommender.blob import Blob
from recommender.displays import (
    LARGEST,
    LEAST_BYTES,
    NO_DICTIONARY,
    PARTING,
    UNKNOWN,
    Displays,
    Packing,
)
from recommender.errors import StoreCorrupt
from tests.support.displays import make_objects


MAGIC = zstandard.MAGIC_NUMBER.to_bytes(4, "little")


def noise(size, seed):
    """
    Return bytes that nothing packs, and that could be packed.
    """
    return random.Random(seed).randbytes(size).replace(PARTING, b" ")


def make_plain(objects):
    return Displays.plain(Blob.of(objects))


def strings_of(displays):
    return [displays[row] for row in range(len(displays))]


OBJECTS = make_objects(3_000)
PACKED = make_plain(OBJECTS).packed()
PACKING = PACKED.packing


def test_packed_says_what_it_was():
    """
    Each is what it was, of less than half of the size, the dictionary counted.
    """
    size = len(PACKED.strings.data) + len(PACKED.dictionary)

    assert strings_of(PACKED) == OBJECTS
    assert list(PACKED.unpacked()) == OBJECTS
    assert PACKED.is_whole
    assert len(PACKED) == len(OBJECTS)
    assert size < sum(map(len, OBJECTS)) / 2
    assert PACKED.packed() is PACKED


def test_arrays_say_the_same():
    """
    The arrays alone, as a file has them, are enough to unpack by.
    """
    again = Displays.of(len(OBJECTS), PACKED.strings, PACKED.dictionary)
    plain = Displays.of(9, Blob.of(OBJECTS[:9]), NO_DICTIONARY)

    assert strings_of(again) == OBJECTS
    assert strings_of(plain) == OBJECTS[:9]
    assert len(plain.dictionary) == 0


def test_packing_draws_no_number():
    """
    The same objects are packed to the same bytes.
    """
    again = make_plain(OBJECTS).packed()

    assert again.dictionary.tobytes() == PACKED.dictionary.tobytes()
    assert again.strings.data.tobytes() == PACKED.strings.data.tobytes()


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [b""] * 100_000,
        [b"{}"] * 100_000,
        OBJECTS[:100],
        [noise(400, n) for n in range(2_000)],
        [b'{"name":"' + noise(400, n) for n in range(2_000)],
        [noise(LEAST_BYTES, 0)],
    ],
    ids=["none", "empty", "same", "few", "chance", "hardly", "one"],
)
def test_what_is_not_worth_it_stays_or_is_smaller(objects):
    """
    Of what is little, or has nothing in common, nothing is packed, or it is smaller.
    """
    plain = make_plain(objects)

    packed = plain.packed()

    assert strings_of(packed) == objects
    if packed is not plain:
        assert len(packed.strings.data) < len(plain.strings.data)
    assert (packed is plain) or len(objects) == 100_000


@pytest.mark.parametrize(
    "odd", [b"x" * 2_000, b"tea\npot", b""], ids=["long", "parted", "empty"]
)
def test_one_that_could_not_be_unpacked_leaves_all_as_they_are(monkeypatch, odd):
    """
    What would be larger than what is unpacked, not be told from its neighbours, or is
    no object, is not packed.
    """
    monkeypatch.setattr(module, "LARGEST", 4 * 2_000)
    plain = make_plain([*OBJECTS, odd])

    assert plain.packed() is plain
    assert make_plain(OBJECTS).packed().packing is not None


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 2_998])
def test_any_number_of_rows(monkeypatch, size):
    """
    The last group may have fewer rows, and its rows are those.
    """
    monkeypatch.setattr(module, "PIECE", 7)
    strings = Blob.of(OBJECTS[:size])
    packed = PACKING.pack(module._grouped(strings))
    displays = Displays.of(size, packed, PACKED.dictionary)

    assert displays.is_whole
    assert len(displays) == size
    assert strings_of(displays) == OBJECTS[:size]
    assert list(displays.unpacked()) == OBJECTS[:size]
    assert not Displays.of(size + 4, displays.strings, PACKED.dictionary).is_whole
    assert not Displays.of(size + 1, strings, NO_DICTIONARY).is_whole


def bomb(size):
    """
    Return a frame that claims to hold *size* bytes, and holds none.
    """
    return MAGIC + b"\xe0" + size.to_bytes(8, "little") + b"\x01\x00\x00"


def of_zeros(size):
    """
    Return a sound frame of *size* zeros, some thousand times smaller.
    """
    return frame_of(bytes(size))


def frame_of(content):
    """
    Return the frame of one group.
    """
    packer = zstandard.ZstdCompressor(dict_data=PACKING._shared, write_dict_id=False)
    return packer.compress(content)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"{}",
        MAGIC,
        bomb(LARGEST + 1),
        bomb(1 << 40),
        bomb((1 << 64) - 3),
        of_zeros(LARGEST + 1),
        next(iter(PACKED.strings))[:-1],
        zstandard.ZstdCompressor(write_content_size=False).compress(b"tea"),
    ],
    ids=["none", "json", "magic", "large", "tera", "most", "zeros", "cut", "silent"],
)
def test_hostile_frame_is_corrupt(frame):
    """
    What is no frame, or one that would become larger than any group, is not unpacked,
    and takes no memory; in the place of displays it is empty objects.
    """
    tracemalloc.start()
    try:
        with pytest.raises(StoreCorrupt, match="displays"):
            PACKING.unpack(frame)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    sound = frame_of(PARTING.join([b"[]"] * 4))
    displays = Displays(7, Blob.of([sound, frame]), PACKING)

    assert most < LARGEST // 16
    assert strings_of(displays) == [b"[]"] * 4 + [UNKNOWN] * 3
    assert list(displays.unpacked()) == strings_of(displays)


@pytest.mark.parametrize("rows", [0, 3, 5])
def test_group_of_another_size_is_unknown(rows):
    """
    A group that has more rows than it should have, or fewer, says nothing of any.
    """
    frame = frame_of(PARTING.join([b"[]"] * rows))
    displays = Displays(4, Blob.of([frame]), PACKING)

    assert strings_of(displays) == [UNKNOWN] * 4


def test_largest_is_unpacked():
    """
    The bound itself is no bomb.
    """
    assert PACKING.unpack(of_zeros(LARGEST)) == bytes(LARGEST)


@given(st.integers(0, len(OBJECTS) // 4 - 1), st.data())
def test_changed_bits_end_in_our_error_or_in_some_bytes(place, data):
    """
    Bits that fell over end neither in another error nor in more than may be unpacked.
    """
    frame = bytearray(PACKED.strings[place])
    for bit in data.draw(st.lists(st.integers(0, len(frame) * 8 - 1), max_size=4)):
        frame[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(StoreCorrupt):
        assert len(PACKING.unpack(bytes(frame))) <= LARGEST


@pytest.mark.parametrize(
    "dictionary",
    [b"x", b"no dictionary of zstd's", PACKED.dictionary.tobytes()[:200]],
    ids=["short", "text", "cut"],
)
def test_what_is_no_dictionary_is_corrupt(dictionary):
    """
    Something else in the dictionary's place is noticed, at once or at the first display.
    """
    with pytest.raises(StoreCorrupt):
        Packing(np.frombuffer(dictionary, np.uint8)).unpack(PACKED.strings[0])


def test_what_is_kept_unpacked_is_bounded(monkeypatch):
    """
    Groups that were asked for are kept, never more bytes of them than there is room
    for, and say what they said.
    """
    room = sum(map(len, OBJECTS[:8])) + 2 * module.HELD
    monkeypatch.setattr(module, "RECENT", room)
    large = [b'"%b"' % (b"x" * len(b"".join(OBJECTS[:8])))]
    groups = [PARTING.join(OBJECTS[n : n + 4]) for n in (0, 4, 8)]
    groups.append(PARTING.join(large * 4))
    displays = Displays(16, PACKING.pack(Blob.of(groups)), PACKING)

    kept = []
    for row in (0, 1, 4, 12, 8, 0, 12):
        assert displays[row] == [*OBJECTS[:12], *large * 4][row]
        kept.append(sorted(displays.recent.groups))
        assert displays.recent.size <= module.RECENT

    assert kept == [[0], [0], [0, 1], [0, 1], [2], [0, 2], [0, 2]]


def test_any_thread_may_unpack():
    """
    Threads that unpack at the same time get what each asked for.
    """
    rows = [random.Random(n).randrange(len(OBJECTS)) for n in range(4_000)]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(PACKED.__getitem__, rows))

    assert got == [OBJECTS[row] for row in rows]
