"""
A feed of the collection: dirty ids become what the products are now.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Self

from listener.errors import ListenerError
from listener.feed import Batch, Mark
from listener.mongo.inbox import Chunk
from listener.mongo.reader import Reader
from recommender.mutation import Delete, Mutation, Upsert
from recommender.position import ClusterTime
from recommender.product import Product


# How often the primary is asked for the time. A stream that hangs says nothing, and one
# whose members are no majority goes on saying that there is nothing new.
ASK_EVERY_S: Final = 5.0
READ_IDS: Final = 2_000  # read again at once; bounds what is held as objects
READ_BYTES: Final = 4 << 20  # of their ids; a command holds 16 MB
# What follows a full reply is waited for, so that a burst is published as one.
FULL_S: Final = 0.05

Ids = Sequence[tuple[bytes, object]]
ReadAgain = Callable[[Iterable[object], ClusterTime], Iterable[Product]]


class MongoFeed:
    """
    See `listener.feed.Feed`.
    """

    def __init__(  # noqa: PLR0913 each is one thing it asks
        self,
        reader: Reader,
        *,
        read_again: ReadAgain,
        now: Callable[[], ClusterTime],
        clock: Callable[[], float],
        on_error: Callable[[ListenerError], None],
        on_exit: Callable[[], None],
    ) -> None:
        """
        Follow what *reader* reads.

        Args:
            read_again: Returns the products of ids that exist, at or after a time.
            now: Returns the database's time; raises when it does not answer.
            clock: Monotonic seconds.
            on_error: Told what ends the reader, before `take` raises it.
            on_exit: Called when the feed is left.
        """
        self._reader = reader
        self._on_error = on_error
        self._on_exit = on_exit
        self._read_again = read_again
        self._now = now
        self._clock = clock
        self._asked_at = clock()
        self._told = ClusterTime(0, 0)  # when asked
        self._parts: deque[Ids] = deque()  # of the chunk under way
        self._chunk: Chunk | None = None
        self._is_last = True
        self._is_full = False  # the chunk taken last

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._reader.stop()
        self._on_exit()

    def take(self, timeout_s: float) -> Batch | None:
        """
        Return the next batch, waiting for one if need be; None when none came.
        """
        if self._chunk is None:
            is_told = self._ask_when_due()
            least_s = FULL_S if self._is_full else 0.0
            self._chunk, self._is_last = self._take(max(timeout_s, least_s))
            self._is_full = self._chunk is not None and self._chunk.is_full
            if self._chunk is None:
                return _nothing_but(self._told) if is_told else None
            self._parts = _parts(self._chunk)
        return self._next(self._chunk)

    def _take(self, timeout_s: float) -> tuple[Chunk | None, bool]:
        try:
            return self._reader.inbox.take(timeout_s)
        except ListenerError as error:
            self._on_error(error)
            raise

    @property
    def waiting(self) -> int:
        """
        How many products were written that no batch has brought yet.
        """
        return self._reader.inbox.depth + sum(map(len, self._parts))

    def _ask_when_due(self) -> bool:
        """
        Ask the primary for the time, if that is due; return whether it was.
        """
        if self._clock() - self._asked_at < ASK_EVERY_S:
            return False
        self._told = self._now()
        self._asked_at = self._clock()
        return True

    def _next(self, chunk: Chunk) -> Batch:
        part = self._parts.popleft()
        mutations = self._mutations(part, chunk.newest)
        is_whole = not self._parts
        if is_whole:
            self._chunk = None
        return Batch(
            mutations=mutations,
            reached=Mark(chunk.checkpoint, chunk.as_of) if is_whole else None,
            read_time=max(chunk.read_time, self._told),
            events=chunk.events if is_whole else Counter(),
            written_s=chunk.written_s,
            is_last=is_whole and self._is_last and not chunk.is_full,
        )

    def _mutations(self, part: Ids, newest: ClusterTime) -> list[Mutation]:
        """
        Read again what is dirty; what is not there any more is deleted.
        """
        if not part:
            return []
        products = {
            product.key: product
            for product in self._read_again([id_ for _, id_ in part], newest)
        }
        gone = [Delete(key) for key, _ in part if key not in products]
        return [*gone, *map(Upsert, products.values())]


def _parts(chunk: Chunk) -> deque[Ids]:
    """
    Return a chunk's ids in pieces of which each can be asked for at once; at least one.
    """
    parts: deque[list[tuple[bytes, object]]] = deque([[]])
    size = 0
    for key, id_ in chunk.ids.items():
        size += len(key)
        if parts[-1] and (len(parts[-1]) == READ_IDS or size > READ_BYTES):
            parts.append([])
            size = len(key)
        parts[-1].append((key, id_))
    return deque[Ids](parts)


def _nothing_but(read_time: ClusterTime) -> Batch:
    """
    Return a batch that tells only that the database answers.
    """
    return Batch(
        mutations=(),
        reached=None,
        read_time=read_time,
        events=Counter(),
        written_s=None,
        is_last=True,
    )
