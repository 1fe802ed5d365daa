"""
The thread that reads the stream, and nothing else, so that it never falls behind.
"""

from __future__ import annotations

import threading
import time

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pymongo import ReadPreference
from pymongo.change_stream import ChangeStream
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from listener.errors import ListenerError, PositionLost, Unreachable
from listener.keys import to_key
from listener.mongo.client import AWAIT_S, Document, LastReply
from listener.mongo.errors import translated
from listener.mongo.events import Dirty, Ended, Irrelevant, to_notice
from listener.mongo.inbox import Chunk, Inbox
from listener.mongo.tokens import (
    Place,
    Token,
    just_before,
    to_checkpoint,
    to_cluster_time,
    to_timestamp,
    token_time,
)
from recommender.position import ClusterTime


Stream = ChangeStream[Document]
# What else is dirty when the documents of some ids are, at or after a time: by key.
ToDirty = Callable[[Iterable[object], ClusterTime], Mapping[bytes, object]]

REPLY_EVENTS: Final = 1_000  # a full reply may break off within a transaction
REPLY_BYTES: Final = 1 << 20  # of ids; with as many, a reply may break off by its size
BEFORE: Final = ClusterTime(0, 0)
# Who applies them needs the interpreter, of which this thread would not let go before it
# has asked for more.
GIVE_WAY_S: Final = 0.0002
PARTING_S: Final = 1.0  # a reader that waits for a dead server is left behind


class Followed(NamedTuple):
    """
    What is followed, and the tap on the replies of its client.
    """

    collection: Collection[Document]
    replies: LastReply
    is_sharded: bool
    pipeline: Sequence[Mapping[str, Any]]


class Reader:
    """
    Follows the stream from a token on, into an inbox.
    """

    def __init__(
        self,
        followed: Followed,
        session: ClientSession,
        place: Place | None,
        dirty: ToDirty | None = None,
    ) -> None:
        """
        Follow from after *place*; from the moment of the start when there is none.

        Args:
            dirty: Tells what stands in for the documents that were written; without,
                they are what is dirty themselves.
        """
        self.inbox = Inbox()
        self._followed = followed
        self._dirty = dirty
        self._session = session
        self._token = place.token if place else None
        self._written = place.written if place else None
        self._opened_at = self._token
        self._asked_at = BEFORE
        self._opened = 0  # cursors, with the stream's own
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="stream-reader", daemon=True
        )

    def start(self) -> None:
        """
        Begin to read.
        """
        self._thread.start()

    def stop(self) -> None:
        """
        Stop reading; waits for the reply under way, but not for long.
        """
        self._is_stopping.set()
        self._thread.join(PARTING_S)

    def _run(self) -> None:
        try:
            if self._written is not None:
                self._check_history(self._written)
            with translated(), self._session, self._open() as stream:
                self._opened = self._followed.replies.opened
                if self._followed.replies.size == 0:
                    self._opened_at = self._token or stream.resume_token
                    self.inbox.put(self._chunk(stream, [], 0))
                while not self._is_stopping.is_set():
                    chunk = self._next_chunk(stream)
                    self.inbox.put(chunk)
                    if chunk.ids:
                        time.sleep(GIVE_WAY_S)
        except ListenerError as error:
            self.inbox.fail(error)
        except Exception as error:  # noqa: BLE001 the other thread must hear of it
            self.inbox.fail(_unforeseen(error))

    def _check_history(self, written: ClusterTime) -> None:
        """
        See to it that the last write that was told of is in the database's history.

        When an older copy of the database was put back, a token from after the copy
        leads on without an error, and the writes after the copy were never made.

        Raises:
            PositionLost: It is not.
        """
        # The primary, once it has come so far: others may not know of the write yet.
        collection = self._followed.collection.with_options(
            read_preference=ReadPreference.PRIMARY
        )
        try:
            with translated(), collection.database.client.start_session() as session:
                session.advance_operation_time(to_timestamp(written))
                with collection.watch(
                    self._followed.pipeline,
                    start_at_operation_time=to_timestamp(written),
                    session=session,
                    batch_size=1,
                    max_await_time_ms=int(AWAIT_S * 1000),
                ) as stream:
                    event = stream.try_next()
        except PositionLost:
            return  # it has left the oplog, and nothing can be said
        if event is None or to_cluster_time(event["clusterTime"]) != written:
            reason = "history_changed"
            raise PositionLost(reason)

    def _open(self) -> Stream:
        with translated(is_resuming=self._token is not None):
            return self._followed.collection.watch(
                self._followed.pipeline,
                start_after=self._token,
                session=self._session,
                batch_size=REPLY_EVENTS,
                max_await_time_ms=int(AWAIT_S * 1000),
            )

    def _next_chunk(self, stream: Stream) -> Chunk:
        """
        Return what one reply brought, often nothing.

        Raises:
            PositionLost: It brought the end of the collection.
            Unreachable: The stream broke off, and the driver has opened it again: maybe
                of another database, which it does not look at.
        """
        event = stream.try_next()
        if self._followed.replies.opened != self._opened:
            msg = "the stream broke off"
            raise Unreachable(msg)
        left = size = self._followed.replies.size
        dirty: list[Dirty] = []
        while event is not None:
            match to_notice(event):
                case Dirty() as notice:
                    dirty.append(notice)
                case Ended(reason):
                    raise PositionLost(reason)
                case Irrelevant():
                    pass
            left -= 1
            event = stream.try_next() if left > 0 else None
        return self._chunk(stream, dirty, size)

    def _chunk(self, stream: Stream, dirty: Sequence[Dirty], size: int) -> Chunk:
        token = stream.resume_token
        if not stream.alive or token is None:
            reason = "stream_invalidated"
            raise PositionLost(reason)
        told = self._followed.replies.time
        read_time = to_cluster_time(told) if told else token_time(token)
        ids: Mapping[bytes, object]
        ids = {to_key(notice.id): notice.id for notice in dirty}
        is_full = size >= REPLY_EVENTS or sum(map(len, ids)) >= REPLY_BYTES
        as_of = self._as_of(token, is_full=is_full)
        self._asked_at = read_time
        written = [notice.written_s for notice in dirty if notice.written_s is not None]
        newest = max((notice.time for notice in dirty), default=token_time(token))
        if dirty:
            self._written = dirty[-1].time
            ids = self._dirty(ids.values(), newest) if self._dirty else ids
        return Chunk(
            ids=ids,
            events=Counter(notice.kind for notice in dirty),
            newest=newest,
            written_s=min(written, default=None),
            checkpoint=to_checkpoint(Place(token, self._written)),
            as_of=as_of,
            read_time=read_time,
            is_full=is_full,
        )

    def _as_of(self, token: Token, *, is_full: bool) -> ClusterTime:
        """
        Return up to when everything is known.

        A reply with room left ended because there was nothing more to say. A full one
        may have broken off between events of one time, as those of a transaction are,
        and a router merges what shards say, of whom one may have more of that time.
        A stream opens at the moment after the newest write, which the next one may
        take; nothing is known of it before the token moves, or the database, when it
        was asked, was there already.
        """
        until = token_time(token)
        is_known = token != self._opened_at or self._asked_at >= until
        is_whole = is_known and not is_full and not self._followed.is_sharded
        return until if is_whole else just_before(until)


def _unforeseen(error: Exception) -> ListenerError:
    problem = PositionLost("reader_failed", f"{type(error).__name__}: {error}")
    problem.__cause__ = error
    return problem
