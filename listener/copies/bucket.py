"""
Generations in a bucket of S3, or of anything that speaks as it does.

    model/segments/…    segments, by name and checksum
    model/pointer.json  the manifest, and what its publisher said last; each time another
                        than before
"""

from __future__ import annotations

import math
import time

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO, Final
from uuid import uuid4

import obstore
import orjson

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    PreconditionError,
)
from obstore.store import ObjectStore, S3Store

from listener.clock import Clock
from listener.copies.place import Gone, NotYet, PlaceFault, Told
from listener.copies.pointer import (
    BEHIND,
    EMPTY,
    GRACE_S,
    LEASE_S,
    MODEL,
    NO_MANIFEST,
    OVERTAKEN,
    TAKEN,
    is_given_up,
    is_later,
    to_fields,
    to_key,
    to_manifest,
    to_position,
)
from recommender import manifest as manifests
from recommender.errors import SettingsFault
from recommender.manifest import Manifest, SegmentRef
from recommender.masking import masked
from recommender.position import Position
from recommender.store import LARGEST_POINTER


POLL_S: Final = 0.5
PIECE: Final = 5 << 20  # bytes of one request; the least that a part may have
AT_ONCE: Final = 2  # parts that are sent, which share the line and the time
ANSWER_S: Final = 10  # for one request, to its last byte
CONNECT_S: Final = 5
RETRY_S: Final = 5.0  # the pusher and the follower try again by themselves, and say so
LONGEST_TEXT: Final = 500  # of an error, which may be a page of XML


def open_bucket(uri: str, what: str, *, setting: str, clock: Clock) -> Bucket:
    """
    Return the bucket, and the folder in it, that *uri* names. Where it is and who asks
    is what the usual variables say, such as `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`.

    Args:
        uri: Such as "s3://bucket/folder".
        what: `MODEL` or `ORDERS`.
        setting: The variable that says where.
        clock: To measure silence with.

    Raises:
        SettingsFault: The address, or such a variable, cannot be right.
    """
    try:
        store = S3Store.from_url(
            uri,
            client_options={
                "allow_http": True,
                "timeout": timedelta(seconds=ANSWER_S),
                "connect_timeout": timedelta(seconds=CONNECT_S),
            },
            retry_config={
                "max_retries": 1,
                "retry_timeout": timedelta(seconds=RETRY_S),
            },
        )
    except (BaseError, ValueError) as error:
        said = _first_line(error)
        fault = f"{setting}: {said}: write s3://bucket/folder"
        raise SettingsFault([fault]) from None
    return Bucket(masked(uri), store, what, clock)


@dataclass(frozen=True, slots=True)
class _Pointer:
    """
    What was read of it.

    Attributes:
        tag: Another one each time that it is written.
        content: The manifest; None when it is none.
        position: What the publisher said; anything.
        publisher: Who that is.
        seen_at: When it was read for the first time; monotonic.
        before_s: How old it was then, by the clocks of this host and of the bucket, but
            no older than the look before.
    """

    tag: str
    content: bytes | None
    position: Any
    publisher: Any
    seen_at: float
    before_s: float


class Bucket:
    """
    See `LivePlace` and `Outlet`. One thread publishes, one follows.

    One listener at a time publishes there: another waits until it has stopped, or has
    said nothing for `LEASE_S`.
    """

    def __init__(
        self,
        name: str,
        store: ObjectStore,
        what: str = MODEL,
        clock: Clock | None = None,
    ) -> None:
        """
        Use the folder *what* of a bucket.

        Args:
            name: What logs call it; without any key.
            store: The bucket.
            what: Of which model.
            clock: To measure silence with.
        """
        self.name = name
        self._store = store
        self._clock = clock or Clock()
        self._pointer = f"{what}/pointer.json"
        self._segments = f"{what}/segments"
        self._publisher = uuid4().hex
        self._tag: str | None = None  # of the pointer, if it is ours
        self._manifest: Manifest | None = None  # that we published
        self._seen: _Pointer | None = None
        self._looked_at = -math.inf  # when the pointer was asked for, and answered
        self._unnamed_since: dict[str, float] = {}
        # who is asked for more of a file may not ask the bucket for anything
        self._beside = ThreadPoolExecutor(1, "pulse")

    def read_manifest(self) -> bytes:
        """
        Return what was published last.

        Raises:
            PlaceFault: Nothing was, or the bucket is away.
        """
        pointer = self._look()
        if pointer is None:
            raise PlaceFault(EMPTY)
        return _content(pointer)

    def read_newest(self) -> Told | None:
        """
        Return what is there; None when nothing is yet.

        Raises:
            StoreCorrupt: The manifest is none.
            StoreTooNew: It was written by a later Evershelf.
            PlaceFault: What its publisher said makes no sense, or the bucket is away.
        """
        pointer = self._look()
        if pointer is None:
            return None
        manifest = manifests.from_bytes(_content(pointer))
        age_s = self._silence_s(pointer) + pointer.before_s
        return Told(manifest, to_position(pointer.position), age_s)

    def read_segment(self, ref: SegmentRef) -> Iterator[bytes]:
        """
        Yield a segment's file.

        Raises:
            Gone: There is none any more.
            PlaceFault: The bucket is away.
        """
        path = self._path(ref)
        with _faults():
            for start in range(0, ref.size, PIECE):
                end = min(start + PIECE, ref.size)
                yield bytes(obstore.get_range(self._store, path, start=start, end=end))

    @contextmanager
    def watching(self) -> Iterator[Callable[[], None]]:
        """
        Yield what returns after half a second: a bucket does not call.
        """
        yield lambda: time.sleep(POLL_S)

    def publish(
        self,
        manifest: Manifest,
        position: Position,
        open_segment: Callable[[str], BinaryIO],
        pulse: Callable[[], None] = lambda: None,
    ) -> int:
        """
        Make *manifest* what followers read; return how many segments had to travel.

        The pointer moves when all that it names is there, and only from what it was
        when this began.

        Args:
            manifest: A generation whose files are at hand.
            position: What the listener does; of that generation.
            open_segment: Opens a segment's file by its name.
            pulse: Called again and again meanwhile, maybe in another thread; what it
                raises ends it.

        Raises:
            NotYet: Another listener publishes there, or is ahead; all is as it was.
            PlaceFault: The bucket is away; the pointer is as it was, unless the answer
                to its move was lost.
            OSError: A segment's file cannot be read.
        """
        seen = self._look()
        if seen is not None:
            self._yield_to(seen, manifest)
        if seen is None or seen.tag != self._tag:
            # it may even be our own, when the answer to its move was lost; but what
            # `say` would write then is the one before
            self._tag = None
            self._unnamed_since.clear()  # who published meanwhile has named others
        there = self._list()
        missing = [
            ref for ref in manifest.segments if there.get(self._path(ref)) != ref.size
        ]
        with ExitStack() as stack:
            # all at once: what is open stays, though the store may remove it
            files = [
                (ref, stack.enter_context(open_segment(ref.name))) for ref in missing
            ]
            for ref, file in files:
                self._send(ref, file, pulse)
        before = self._tag or (None if seen is None else seen.tag)
        self._write(manifest, position, before)
        return len(missing)

    def say(self, position: Position) -> None:
        """
        Tell followers what the listener does, of the generation that it published last.

        Raises:
            NotYet: Another has published since.
            PlaceFault: The bucket is away.
        """
        if self._tag is None or self._manifest is None:
            raise NotYet(OVERTAKEN)
        self._write(self._manifest, position, self._tag)

    def collect_garbage(self, now_s: float) -> int:
        """
        Remove segments that the pointer has not named for `GRACE_S`; return how many.

        Args:
            now_s: The time, on the same clock at each call.

        Raises:
            PlaceFault: The pointer cannot be read, or the bucket is away.
        """
        # these first: what a publication adds after that is not looked at
        present = self._list()
        named = map(self._path, to_manifest(self.read_manifest()).segments)
        unnamed = present.keys() - set(named)
        self._unnamed_since = {
            path: self._unnamed_since.get(path, now_s) for path in unnamed
        }
        expired = [
            path
            for path, since in self._unnamed_since.items()
            if now_s - since >= GRACE_S
        ]
        with _faults():
            if expired:
                obstore.delete(self._store, expired)
        return len(expired)

    def _look(self) -> _Pointer | None:
        """
        Return the pointer, which does not travel again while it is the same.
        """
        try:
            self._seen = self._get(self._seen)
        except Gone:
            self._seen = None
        self._looked_at = self._clock.monotonic()
        return self._seen

    def _get(self, seen: _Pointer | None) -> _Pointer:
        options: Any = {"if_none_match": seen.tag} if seen else {}
        try:
            with _faults():
                found = obstore.get(self._store, self._pointer, options=options)
                is_one = found.meta["size"] <= LARGEST_POINTER
                content = bytes(found.bytes()) if is_one else b""
        except NotModifiedError:
            if seen is None:
                raise
            return seen
        now = self._clock.monotonic()
        # that old by the clocks of both; but our last look has seen another, or none
        age_s = self._clock.wall() - found.meta["last_modified"].timestamp()
        before_s = min(max(0.0, age_s), now - self._looked_at)
        return _to_pointer(found.meta["e_tag"] or "", content, now, before_s)

    def _silence_s(self, pointer: _Pointer) -> float:
        return self._clock.monotonic() - pointer.seen_at

    def _yield_to(self, pointer: _Pointer, manifest: Manifest) -> None:
        """
        Raise NotYet while another listener publishes there, or when it was further.
        """
        is_mine = pointer.publisher == self._publisher
        is_silent = self._silence_s(pointer) >= LEASE_S
        if not (is_mine or is_silent or is_given_up(pointer.position)):
            raise NotYet(TAKEN)
        content, position = pointer.content, pointer.position
        if content is not None and is_later(content, position, manifest):
            raise NotYet(BEHIND)

    def _path(self, ref: SegmentRef) -> str:
        return f"{self._segments}/{to_key(ref)}"

    def _list(self) -> dict[str, int]:
        """
        Return the segments that are there, with their sizes in bytes.
        """
        with _faults():
            return {
                found["path"]: found["size"]
                for some in obstore.list(self._store, self._segments)
                for found in some
            }

    def _send(self, ref: SegmentRef, file: BinaryIO, pulse: Callable[[], None]) -> None:
        def pieces() -> Iterator[bytes]:
            while piece := file.read(PIECE):
                self._beside.submit(pulse).result()
                yield piece

        pulse()
        content = file.read() if ref.size <= PIECE else pieces()
        with _faults():
            obstore.put(self._store, self._path(ref), content, max_concurrency=AT_ONCE)

    def _write(
        self, manifest: Manifest, position: Position, before: str | None
    ) -> None:
        """
        Write the pointer, if it is still the one with the tag *before*.
        """
        content = orjson.dumps(
            {
                "manifest": manifests.to_bytes(manifest).decode(),
                "position": to_fields(position),
                "publisher": self._publisher,
                "version": uuid4().hex,
            }
        )
        try:
            with _faults():
                done = obstore.put(
                    self._store,
                    self._pointer,
                    content,
                    mode="create" if before is None else {"e_tag": before},
                )
        except (AlreadyExistsError, PreconditionError) as error:
            self._tag = None
            raise NotYet(OVERTAKEN) from error
        self._tag, self._manifest = done["e_tag"], manifest


def _to_pointer(tag: str, content: bytes, seen_at: float, before_s: float) -> _Pointer:
    try:
        values = orjson.loads(content)
        manifest = str(values["manifest"]).encode()
        position, publisher = values.get("position"), values.get("publisher")
    except (AttributeError, LookupError, TypeError, ValueError):
        return _Pointer(tag, None, None, None, seen_at, before_s)
    return _Pointer(tag, manifest, position, publisher, seen_at, before_s)


def _content(pointer: _Pointer) -> bytes:
    if pointer.content is None:
        raise PlaceFault(NO_MANIFEST)
    return pointer.content


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (AlreadyExistsError, NotModifiedError, PreconditionError):
        raise
    except FileNotFoundError as error:
        raise Gone(_first_line(error)) from error
    except BaseError as error:
        raise PlaceFault(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:LONGEST_TEXT]
