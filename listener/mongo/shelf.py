"""
Generations in GridFS: a pointer, and segments that it names, in a database of their own.

    evershelf.model.files, .chunks   segments, by name and checksum
    evershelf.model.pointer          one document: the manifest, and what its publisher
                                     said last; each time another than before
"""

from __future__ import annotations

import math

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any, BinaryIO, Final

from bson.errors import BSONError
from bson.objectid import ObjectId
from gridfs import GridFSBucket
from gridfs.errors import CorruptGridFile, NoFile
from pymongo import ReadPreference, WriteConcern
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

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
from listener.mongo.client import CODEC, Document, connected_once, database_name
from listener.mongo.errors import translate
from recommender import manifest as manifests
from recommender.errors import SettingsFault
from recommender.manifest import Manifest, SegmentRef
from recommender.masking import masked
from recommender.position import Position


BUCKET: Final = "evershelf"
POINTER: Final = "manifest"
PIECE: Final = 1 << 20  # bytes
AT_ONCE: Final = 100  # files that are removed by one command; meanwhile nothing is said
WRITE_MS: Final = 10_000  # for a majority to have it; what is slower is said as trouble
AWAIT_MS: Final = 500
UNNAMED: Final = "-"
NO_PLACES: Final = frozenset({"admin", "config", "local"})

DROPPED: Final = "its pointer was dropped"


@contextmanager
def open_shelf(
    uri: str,
    what: str,
    *,
    setting: str,
    other_than: str = "",
    clock: Clock | None = None,
) -> Iterator[Shelf]:
    """
    Yield the database that *uri* names.

    Args:
        uri: Where.
        what: `MODEL` or `ORDERS`.
        setting: The variable that says where.
        other_than: The shop's database, of the same name as which it may not be.
        clock: To measure silence with.

    Raises:
        SettingsFault: The address cannot be right.
    """
    with connected_once(uri, setting) as client:
        database = database_name(client, UNNAMED)
        if database in {UNNAMED, other_than} | NO_PLACES:
            fault = (
                f"{setting}: name a database that is for nothing but this, and not the "
                "shop's, such as mongodb://host:port/evershelf"
            )
            raise SettingsFault([fault])
        yield Shelf(masked(uri), client[database], what, clock)


class Shelf:
    """
    See `LivePlace` and `Outlet`. One thread publishes, one follows.

    One listener at a time publishes there: another waits until it has stopped, or has
    said nothing for `LEASE_S`.
    """

    def __init__(
        self,
        name: str,
        database: Database[Document],
        what: str = MODEL,
        clock: Clock | None = None,
    ) -> None:
        """
        Use a database that nothing but generations need be in.

        Args:
            name: What logs call it; without any password.
            database: Where; it is written only by `publish`, `say` and
                `collect_garbage`.
            what: Of which model.
            clock: To measure silence with, beside the database's.
        """
        self.name = name
        self._clock = clock or Clock()
        bucket = f"{BUCKET}.{what}"
        sure = database.with_options(
            codec_options=CODEC,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority", wtimeout=WRITE_MS),
        )
        self._pointer = sure[f"{bucket}.pointer"]
        self._files = sure[f"{bucket}.files"]
        self._chunks = sure[f"{bucket}.chunks"]
        self._bucket = GridFSBucket(sure, bucket)
        self._publisher = ObjectId()
        self._version: ObjectId | None = None  # of the pointer that is ours
        # When the publisher spoke last, by the database's clock, and since when we know.
        self._heard: Any = None
        self._heard_at = self._clock.monotonic()
        self._unfinished: set[ObjectId] = set()  # files that may have chunks alone
        self._unnamed_since: dict[ObjectId, float] = {}

    def read_manifest(self) -> bytes:
        """
        Return what was published last.

        Raises:
            PlaceFault: Nothing was, or the database is away.
        """
        with _faults():
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
            PlaceFault: What its publisher said makes no sense, or the database is away.
        """
        with _faults():
            pointer = self._look()
        if pointer is None:
            return None
        manifest = manifests.from_bytes(_content(pointer))
        age_s = self._age_s(pointer)
        return Told(manifest, to_position(pointer.get("position")), age_s)

    def read_segment(self, ref: SegmentRef) -> Iterator[bytes]:
        """
        Yield a segment's file.

        Raises:
            Gone: There is none any more.
            PlaceFault: The database is away.
        """
        with _faults(), self._bucket.open_download_stream_by_name(to_key(ref)) as file:
            while piece := file.read(PIECE):
                yield piece

    @contextmanager
    def watching(self) -> Iterator[Callable[[], None]]:
        """
        Yield what returns when the pointer has moved, or after half a second.

        Raises:
            PlaceFault: The database is away, or does not let it be watched.
        """
        pipeline = [{"$project": {"_id": 1}}]
        with (
            _faults(),
            self._pointer.watch(pipeline, max_await_time_ms=AWAIT_MS) as stream,
        ):

            def wait() -> None:
                with _faults():
                    stream.try_next()
                if not stream.alive:
                    raise PlaceFault(DROPPED)

            yield wait

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
            pulse: Called again and again meanwhile; what it raises ends it.

        Raises:
            NotYet: Another listener publishes there, or is ahead; all is as it was.
            PlaceFault: The database is away; the pointer is as it was, unless the
                answer to its move was lost.
            OSError: A segment's file cannot be read.
        """
        with _faults():
            seen = self._look()
            if seen is not None:
                self._yield_to(seen, manifest)
            self._remove_unfinished()
            missing = self._missing(manifest)
            with ExitStack() as stack:
                # all at once: what is open stays, though the store may remove it
                files = [
                    (ref, stack.enter_context(open_segment(ref.name)))
                    for ref in missing
                ]
                for ref, file in files:
                    self._send(ref, _Pulsing(file, pulse))
            self._swap(seen or {}, manifest, position)
            return len(missing)

    def say(self, position: Position) -> None:
        """
        Tell followers what the listener does, of the generation that it published last.

        Raises:
            NotYet: Another has published since.
            PlaceFault: The database is away.
        """
        if self._version is None:
            raise NotYet(EMPTY)
        with _faults():
            done = self._pointer.update_one(
                {"_id": POINTER, "version": self._version},
                _now(position=to_fields(position)),
            )
        if not done.matched_count:
            raise NotYet(OVERTAKEN)

    def collect_garbage(self, now_s: float) -> int:
        """
        Remove segments that the pointer has not named for `GRACE_S`; return how many.

        Args:
            now_s: The time, on the same clock at each call.

        Raises:
            PlaceFault: The pointer cannot be read, or the database is away.
        """
        with _faults():
            # these first: what a publication adds after that is not looked at
            present: set[ObjectId] = set(self._chunks.distinct("files_id"))
            manifest = to_manifest(self.read_manifest())
            keys = [to_key(ref) for ref in manifest.segments]
            named = set(self._files.distinct("_id", {"filename": {"$in": keys}}))
            self._unnamed_since = {
                file: self._unnamed_since.get(file, now_s) for file in present - named
            }
            expired = [
                file
                for file, since in self._unnamed_since.items()
                if now_s - since >= GRACE_S
            ]
            for start in range(0, len(expired), AT_ONCE):
                some = expired[start : start + AT_ONCE]
                self._files.delete_many({"_id": {"$in": some}})
                # a killed publisher leaves chunks alone, which go all the same
                self._chunks.delete_many({"files_id": {"$in": some}})
            return len(expired)

    def _look(self) -> Document | None:
        """
        Return the pointer, with the database's own time as `now`.
        """
        found = self._pointer.aggregate(
            [{"$match": {"_id": POINTER}}, {"$set": {"now": "$$NOW"}}]
        )
        return next(iter(found), None)

    def _age_s(self, pointer: Document) -> float:
        """
        Return how long ago its publisher spoke, by the database's clock, or for how long
        nothing else was seen here: that clock may be set back, or be another member's.
        Infinite when it is not known.
        """
        written: Any = pointer.get("written")
        now = self._clock.monotonic()
        if written != self._heard:
            self._heard, self._heard_at = written, now
        if not isinstance(written, datetime):
            return math.inf
        age_s: float = (pointer["now"] - written).total_seconds()
        return max(age_s, now - self._heard_at)

    def _yield_to(self, pointer: Document, manifest: Manifest) -> None:
        """
        Raise NotYet while another listener publishes there, or when it was further.
        """
        position = pointer.get("position")
        is_mine = pointer.get("publisher") == self._publisher
        is_free = is_given_up(position) or self._age_s(pointer) >= LEASE_S
        if not (is_mine or is_free):
            raise NotYet(TAKEN)
        content = pointer.get("content")
        if isinstance(content, bytes) and is_later(content, position, manifest):
            raise NotYet(BEHIND)

    def _missing(self, manifest: Manifest) -> list[SegmentRef]:
        keys = [to_key(ref) for ref in manifest.segments]
        found = self._files.find(
            {"filename": {"$in": keys}}, {"filename": 1, "length": 1}
        )
        there = {(file["filename"], file["length"]) for file in found}
        return [
            ref for ref in manifest.segments if (to_key(ref), ref.size) not in there
        ]

    def _send(self, ref: SegmentRef, file: _Pulsing) -> None:
        file_id = ObjectId()
        self._unfinished.add(file_id)
        self._bucket.upload_from_stream_with_id(file_id, to_key(ref), file)
        self._unfinished.discard(file_id)

    def _remove_unfinished(self) -> None:
        """
        Remove what uploads have left that failed: one that fails again and again would
        fill the disk, since garbage is collected by who succeeds.
        """
        if not self._unfinished:
            return
        # one whose last answer was lost is whole, and may be named by another by now
        whole = self._files.distinct("_id", {"_id": {"$in": [*self._unfinished]}})
        left = self._unfinished.difference(whole)
        self._chunks.delete_many({"files_id": {"$in": [*left]}})
        self._unfinished.clear()

    def _swap(self, seen: Document, manifest: Manifest, position: Position) -> None:
        before: Document = {"_id": POINTER, "version": seen.get("version")}
        # `say`, called by the pulse, leaves the version as it is; but another that was
        # silent, and has spoken meanwhile, keeps its place
        if seen.get("publisher") != self._publisher:
            before["written"] = seen.get("written")
            self._unnamed_since.clear()  # it has named others meanwhile
        version = ObjectId()
        try:
            self._pointer.update_one(
                before,
                _now(
                    content=manifests.to_bytes(manifest),
                    position=to_fields(position),
                    publisher=self._publisher,
                    version=version,
                ),
                upsert=True,
            )
        except DuplicateKeyError as error:
            raise NotYet(OVERTAKEN) from error
        self._version = version


class _Pulsing:
    """
    A file that calls something each time that it is read.
    """

    def __init__(self, file: BinaryIO, pulse: Callable[[], None]) -> None:
        self._file = file
        self._pulse = pulse

    def read(self, size: int) -> bytes:
        """
        Return the next bytes, no more than *size*.
        """
        self._pulse()
        return self._file.read(size)


def _now(**values: Any) -> Document:
    """
    Return what writes *values*, and when, by the database's clock.
    """
    return {"$set": values, "$currentDate": {"written": True}}


def _content(pointer: Document) -> bytes:
    content: Any = pointer.get("content")
    if not isinstance(content, bytes):
        raise PlaceFault(NO_MANIFEST)
    return content


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (NoFile, CorruptGridFile) as error:  # removed before, or while, it was read
        raise Gone(str(error)) from error
    except (PyMongoError, BSONError) as error:
        raise PlaceFault(str(translate(error))) from error
