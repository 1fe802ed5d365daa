"""
What has arrived and was not yet taken: chunks of dirty ids, in order.
"""

from __future__ import annotations

import threading

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from listener.errors import ListenerError
from recommender.position import ClusterTime


# A chunk is read again, applied and published as one.
CHUNK_IDS: Final = 2_000
# Beyond this many chunks, as during a long scan, repeated ids are folded together.
MOST_CHUNKS: Final = 128


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    Dirty ids, and how far one is once all of them are dealt with.

    Attributes:
        ids: By key.
        events: How many events they stand for, by kind.
        newest: Time of the newest of those events; of the stream's opening without.
        written_s: Unix time of the oldest of them, by the database's clock, if known.
        checkpoint: Leads on after them.
        as_of: Every write up to here is in this chunk or in one before it.
        read_time: The database's time of the answer.
        is_full: Whether the answer had no room for more, which then follows at once.
    """

    ids: Mapping[bytes, object]
    events: Counter[str]
    newest: ClusterTime
    written_s: float | None
    checkpoint: str
    as_of: ClusterTime
    read_time: ClusterTime
    is_full: bool


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """
    Return one chunk that stands for neighbours, oldest first; at least one.
    """
    if len(chunks) == 1:
        return chunks[0]
    ids: dict[bytes, object] = {}
    for chunk in chunks:
        ids |= chunk.ids
    written = [chunk.written_s for chunk in chunks if chunk.written_s is not None]
    last = chunks[-1]
    return Chunk(
        ids=ids,
        events=sum((chunk.events for chunk in chunks), Counter()),
        newest=max(chunk.newest for chunk in chunks),
        written_s=min(written, default=None),
        checkpoint=last.checkpoint,
        as_of=max(chunk.as_of for chunk in chunks),
        read_time=last.read_time,
        is_full=last.is_full,
    )


class Inbox:
    """
    Between the thread that reads the stream and the one that applies.

    The reader never waits, so that a long scan cannot make the stream fall behind.
    """

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()
        self._error: ListenerError | None = None
        self._changed = threading.Condition()

    def put(self, chunk: Chunk) -> None:
        """
        Add *chunk* behind the others.
        """
        with self._changed:
            if self._chunks and self._is_small(self._chunks[-1], chunk):
                self._chunks[-1] = joined((self._chunks[-1], chunk))
            else:
                self._chunks.append(chunk)
            if len(self._chunks) > MOST_CHUNKS:
                self._chunks = deque((joined(self._chunks),))
            self._changed.notify()

    @property
    def depth(self) -> int:
        """
        How many ids wait.
        """
        with self._changed:
            return sum(len(chunk.ids) for chunk in self._chunks)

    def fail(self, error: ListenerError) -> None:
        """
        Say that nothing more will come, and why.
        """
        with self._changed:
            self._error = error
            self._changed.notify()

    def take(self, timeout_s: float) -> tuple[Chunk | None, bool]:
        """
        Return the oldest chunk, waiting for one if need be, and whether it was the
        last one waiting; None when nothing came.

        Raises:
            ListenerError: Nothing is left, and nothing more will come.
        """
        with self._changed:
            self._changed.wait_for(self._is_ready, timeout_s)
            if self._chunks:
                return self._chunks.popleft(), not self._chunks
            if self._error is not None:
                raise self._error
            return None, True

    def _is_ready(self) -> bool:
        return bool(self._chunks) or self._error is not None

    @staticmethod
    def _is_small(last: Chunk, chunk: Chunk) -> bool:
        return not chunk.ids or len(last.ids) + len(chunk.ids) <= CHUNK_IDS
