"""
Generations in GridFS: a pointer, and segments that it names, in a database of their own.

    evershelf.files, evershelf.chunks   segments, by name and checksum
    evershelf.pointer                   one document: the manifest
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Final

from bson.objectid import ObjectId
from gridfs import GridFSBucket
from gridfs.errors import CorruptGridFile, NoFile
from pymongo import ReadPreference, WriteConcern
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

from listener.copies.place import Gone, PlaceFault
from listener.mongo.client import Document
from listener.mongo.errors import translate
from recommender import manifest as manifests
from recommender.errors import RecommenderError, StoreCorrupt, StoreTooNew
from recommender.manifest import Manifest, SegmentRef


BUCKET: Final = "evershelf"
POINTER: Final = "manifest"
PIECE: Final = 1 << 20  # bytes
WRITE_MS: Final = 10_000  # for a majority to have it; what is slower is said as trouble
# A follower may have read the pointer just before it moved, and copy for a while.
GRACE_S: Final = 600.0

EMPTY: Final = "nothing is published there yet"
OVERTAKEN: Final = "another listener has published there meanwhile"
BEHIND: Final = "what is published there is later than this"


class Shelf:
    """
    See `Place`; one listener at a time may also publish there.
    """

    def __init__(self, name: str, database: Database[Document]) -> None:
        """
        Use a database that nothing but generations need be in.

        Args:
            name: What logs call it; without any password.
            database: Where; it is written only by `publish` and `collect_garbage`.
        """
        self.name = name
        sure = database.with_options(
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority", wtimeout=WRITE_MS),
        )
        self._pointer = sure[f"{BUCKET}.pointer"]
        self._files = sure[f"{BUCKET}.files"]
        self._chunks = sure[f"{BUCKET}.chunks"]
        self._bucket = GridFSBucket(sure, BUCKET)
        self._unnamed_since: dict[ObjectId, float] = {}

    def read_manifest(self) -> bytes:
        """
        Return what was published last.

        Raises:
            PlaceFault: Nothing was, or the database is away.
        """
        with _faults():
            return _content(self._pointer.find_one({"_id": POINTER}))

    def read_segment(self, ref: SegmentRef) -> Iterator[bytes]:
        """
        Yield a segment's file.
        """
        with _faults(), self._bucket.open_download_stream_by_name(_key(ref)) as file:
            while piece := file.read(PIECE):
                yield piece

    def publish(
        self, manifest: Manifest, open_segment: Callable[[str], BinaryIO]
    ) -> int:
        """
        Make *manifest* what followers read; return how many segments had to travel.

        The pointer moves when all that it names is there, and only from what it was
        when this began.

        Args:
            manifest: A generation whose files are at hand.
            open_segment: Opens a segment's file by its name.

        Raises:
            PlaceFault: Another has published meanwhile, or something later is there,
                or the database is away; the pointer is as it was, unless the answer
                to its move was lost.
            OSError: A segment's file cannot be read.
        """
        with _faults():
            seen = self._pointer.find_one({"_id": POINTER})
            if seen is not None and _is_later(seen, manifest):
                raise PlaceFault(BEHIND)
            sent = [ref for ref in manifest.segments if self._send(ref, open_segment)]
            self._swap(seen, manifests.to_bytes(manifest))
            return len(sent)

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
            manifest = _to_manifest(self.read_manifest())
            keys = [_key(ref) for ref in manifest.segments]
            named = set(self._files.distinct("_id", {"filename": {"$in": keys}}))
            self._unnamed_since = {
                file: self._unnamed_since.get(file, now_s) for file in present - named
            }
            expired = [
                file
                for file, since in self._unnamed_since.items()
                if now_s - since >= GRACE_S
            ]
            for file in expired:
                # a killed publisher leaves chunks alone, which go all the same
                with suppress(NoFile):
                    self._bucket.delete(file)
            return len(expired)

    def _send(self, ref: SegmentRef, open_segment: Callable[[str], BinaryIO]) -> bool:
        """
        Return whether a segment had to travel.
        """
        key = _key(ref)
        if self._files.find_one({"filename": key, "length": ref.size}) is not None:
            return False
        with open_segment(ref.name) as file:
            self._bucket.upload_from_stream(key, file)
        return True

    def _swap(self, seen: Document | None, content: bytes) -> None:
        pointer = {"_id": POINTER, "content": content, "version": ObjectId()}
        if seen is None:
            try:
                self._pointer.insert_one(pointer)
            except DuplicateKeyError as error:
                raise PlaceFault(OVERTAKEN) from error
            return
        before = {"_id": POINTER, "version": seen.get("version")}
        if not self._pointer.replace_one(before, pointer).matched_count:
            raise PlaceFault(OVERTAKEN)


def _key(ref: SegmentRef) -> str:
    """
    Return what a segment is called there: a listener that lost its store may use a name
    again.
    """
    return f"{ref.name} {ref.checksum}"


def _content(pointer: Document | None) -> bytes:
    if pointer is None:
        raise PlaceFault(EMPTY)
    content: Any = pointer.get("content")
    if not isinstance(content, bytes):
        msg = "its pointer holds no manifest"
        raise PlaceFault(msg)
    return content


def _to_manifest(content: bytes) -> Manifest:
    try:
        return manifests.from_bytes(content)
    except RecommenderError as error:
        raise PlaceFault(str(error)) from error


def _is_later(pointer: Document, manifest: Manifest) -> bool:
    """
    Return whether what is there is further in the same collection; damage is not.

    Raises:
        PlaceFault: It was written by a later Evershelf.
    """
    try:
        there = manifests.from_bytes(_content(pointer))
    except StoreTooNew as error:
        raise PlaceFault(str(error)) from error
    except (PlaceFault, StoreCorrupt):
        return False
    return there.identity == manifest.identity and there.as_of > manifest.as_of


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (NoFile, CorruptGridFile) as error:  # removed before, or while, it was read
        raise Gone(str(error)) from error
    except PyMongoError as error:
        raise PlaceFault(str(translate(error))) from error
