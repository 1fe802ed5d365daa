"""
What pages show of products, packed.

Alone, a JSON object of some hundred bytes hardly becomes smaller. With a dictionary,
trained on some of its neighbours, it does (zstd); and a few neighbours together become
much smaller still, for variants of a product lie side by side, while who asks for one
of them does not wait for many.
"""

from __future__ import annotations

import threading

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

import numpy as np
import zstandard

from recommender import kernels
from recommender.blob import Blob, Gathered, concatenate
from recommender.errors import StoreCorrupt
from recommender.kernels import Bytes, read_only


GROUP: Final = 4  # rows that are packed together; part of the file's format
PARTING: Final = b"\n"  # between them; JSON has it in its strings as two characters
LEAST_BYTES: Final = 1 << 18  # of all of them; fewer do not pay for a dictionary
LARGEST: Final = 1 << 22  # bytes of a group; some thousand are usual
DICTIONARY_BYTES: Final = 1 << 16
SAMPLES: Final = 2_048  # groups from which a dictionary is trained
LONGEST_SAMPLE: Final = 4_096  # bytes
# Lengths that COVER (zstd's) goes by; to let it look for them takes four times as long.
RUN: Final = 200  # bytes that go into the dictionary together
MATCH: Final = 8  # bytes that count as in common
LEVEL: Final = 3  # those above cost five times as much for a twentieth less
RECENT: Final = 1 << 22  # bytes that are kept unpacked; 8,000 products' or so
HELD: Final = 400  # bytes; what a group takes beside what its rows say
PIECE: Final = 512  # groups that are held as objects, or copied, at once
NO_DICTIONARY: Final = read_only(np.zeros(0, np.uint8))
UNKNOWN: Final = b"{}"  # stands for what cannot be unpacked; the sweep finds it


class Packing:
    """
    How bytes are packed by a dictionary, and unpacked, in any thread.
    """

    def __init__(self, dictionary: Bytes) -> None:
        """
        Raises:
            StoreCorrupt: It is no dictionary of zstd's.
        """
        self.dictionary = dictionary
        try:
            self._shared = zstandard.ZstdCompressionDict(
                dictionary.tobytes(), dict_type=zstandard.DICT_TYPE_FULLDICT
            )
            self._unpacker = zstandard.ZstdDecompressor(
                dict_data=self._shared, max_window_size=LARGEST
            )
        except zstandard.ZstdError as error:
            msg = f"what packs the displays is no dictionary: {error}"
            raise StoreCorrupt(msg) from error
        self._mutex = threading.Lock()  # held by the thread whose turn the unpacker is

    def pack(self, groups: Blob) -> Blob:
        """
        Return each of *groups* as a frame of zstd, which says how large it was; the
        interpreter is not held meanwhile.
        """
        packer = zstandard.ZstdCompressor(
            LEVEL, dict_data=self._shared, write_dict_id=False
        )
        spans = np.column_stack([groups.offsets[:-1], groups.lengths])
        frames = packer.multi_compress_to_buffer(
            zstandard.BufferWithSegments(
                memoryview(cast("Any", groups.data)), spans.tobytes()
            )
        )
        return Blob.of([frames[i].tobytes() for i in range(len(frames))])

    def unpack(self, frame: bytes) -> bytes:
        """
        Return what was packed.

        Raises:
            StoreCorrupt: It is no such frame, or one of more than `LARGEST` bytes.
        """
        try:
            if zstandard.frame_content_size(frame) > LARGEST:
                msg = "displays are larger than any can be"
                raise StoreCorrupt(msg)
            with self._mutex:
                return self._unpacker.decompress(frame)
        except zstandard.ZstdError as error:
            msg = f"displays cannot be unpacked: {error}"
            raise StoreCorrupt(msg) from error


@dataclass(slots=True, eq=False)
class Recent:
    """
    Rows of groups, by the group's place; any thread may add to them.

    Attributes:
        size: In bytes, at most `RECENT`; of threads that add at the same time one may
            not be counted.
    """

    groups: dict[int, list[bytes]] = field(default_factory=dict)
    size: int = 0

    def keep(self, place: int, rows: list[bytes]) -> None:
        """
        Keep *rows*; where there is no room for them, all others go first.
        """
        size = HELD + sum(map(len, rows))
        if size > RECENT:
            return
        if self.size + size > RECENT:
            self.groups.clear()
            self.size = 0
        self.groups[place] = rows
        self.size += size


@dataclass(frozen=True, slots=True, eq=False)
class Displays:
    """
    A frozen sequence of R JSON objects. Those that are packed and damaged are
    `UNKNOWN`.

    Attributes:
        rows: R.
        strings: Each as it is, (R,); or `GROUP` neighbours each, packed.
        packing: How they are packed; None when they are not.
        recent: Groups that were asked for, unpacked.
    """

    rows: int
    strings: Blob
    packing: Packing | None = None
    recent: Recent = field(default_factory=Recent, repr=False)

    @classmethod
    def plain(cls, strings: Blob) -> Displays:
        """
        Return *strings* as they are.
        """
        return cls(len(strings), strings)

    @classmethod
    def of(cls, rows: int, strings: Blob, dictionary: Bytes) -> Displays:
        """
        Return what arrays hold; an empty dictionary packs nothing.

        Raises:
            StoreCorrupt: It is no dictionary of zstd's.
        """
        return cls(rows, strings, Packing(dictionary) if len(dictionary) else None)

    @property
    def dictionary(self) -> Bytes:
        """
        What they are packed by; empty when they are not.
        """
        return self.packing.dictionary if self.packing else NO_DICTIONARY

    @property
    def is_whole(self) -> bool:
        """
        Whether there are as many strings as so many rows have.
        """
        each = GROUP if self.packing else 1
        return len(self.strings) == -(-self.rows // each)

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, row: int | np.integer) -> bytes:
        if self.packing is None:
            return self.strings[row]
        place, within = divmod(int(row), GROUP)
        rows = self.recent.groups.get(place)
        if rows is None:  # most that are asked for are asked for again
            rows = self._unpacked(place, self.strings[place], self.packing)
            self.recent.keep(place, rows)
        return rows[within]

    def unpacked(self) -> Blob:
        """
        Return each as it is.
        """
        if self.packing is None:
            return self.strings
        pieces = []
        for begin, piece in _pieces(self.strings, PIECE):
            rows: list[bytes] = []
            for place, frame in enumerate(piece, begin):
                rows += self._unpacked(place, frame, self.packing)
            pieces.append(Blob.of(rows))
        return concatenate(pieces)

    def packed(self) -> Displays:
        """
        Return the same, packed; as they are, if that makes them no smaller, or they
        could not be unpacked again.
        """
        return self if self.packing else pack(self.strings) or self

    def _unpacked(self, place: int, frame: bytes, packing: Packing) -> list[bytes]:
        """
        Return the rows of the group at *place*.
        """
        count = min(GROUP, self.rows - place * GROUP)
        try:
            rows = packing.unpack(frame).split(PARTING)
        except StoreCorrupt:
            rows = []
        return rows if len(rows) == count else [UNKNOWN] * count


def pack(strings: Blob | Gathered) -> Displays | None:
    """
    Return *strings*, packed; None if that makes them no smaller, or they could not be
    unpacked again. No more than some of them are copied at a time.
    """
    lengths = strings.lengths
    size = int(lengths.sum())
    if size < LEAST_BYTES:
        return None
    if lengths.max() >= LARGEST // GROUP or not lengths.all():  # zstd packs no nothing
        return None
    dictionary = _train(strings)
    if dictionary is None:
        return None
    packing = Packing(dictionary)
    frames = []
    for _, piece in _pieces(strings, PIECE * GROUP):
        if (piece.data == ord(PARTING)).any():
            return None  # they could not be told apart again
        frames.append(packing.pack(_grouped(piece)))
    packed = concatenate(frames)
    if len(packed.data) + len(dictionary) >= size:
        return None
    return Displays(len(strings), packed, packing)


def _pieces(strings: Blob | Gathered, size: int) -> Iterator[tuple[int, Blob]]:
    """
    Yield *size* strings at a time, and where they begin.
    """
    for begin in range(0, len(strings), size):
        end = min(begin + size, len(strings))
        yield begin, strings.take(np.arange(begin, end))


def _grouped(strings: Blob) -> Blob:
    """
    Return neighbours as one.
    """
    rows = np.arange(len(strings))
    # a mark behind each row before, but for the last of its group
    starts = strings.offsets[:-1] + rows - rows // GROUP
    offsets = np.append(starts[::GROUP], starts[-1] + strings.lengths[-1])
    data = np.full(offsets[-1], ord(PARTING), np.uint8)
    kernels.copy_runs(strings.data, strings.offsets, rows, starts, data)
    return Blob(data, offsets)


def _train(strings: Blob | Gathered) -> Bytes | None:
    """
    Return a dictionary for *strings*; None when they have too little in common.
    """
    groups = -(-len(strings) // GROUP)
    firsts = GROUP * np.arange(0, groups, -(-groups // SAMPLES))
    rows = (firsts[:, None] + np.arange(GROUP)).ravel()
    some = strings.take(rows[rows < len(strings)])
    try:
        trained = zstandard.train_dictionary(
            DICTIONARY_BYTES,
            [group[:LONGEST_SAMPLE] for group in _grouped(some)],
            k=RUN,
            d=MATCH,
        )
    except zstandard.ZstdError:
        return None
    return read_only(np.frombuffer(trained.as_bytes(), np.uint8))
