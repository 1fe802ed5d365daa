"""
The folder through which models pass from the listener to the servers.

    current.json   what servers read; renamed into place at each publication
    durable.json   what a crash falls back to; fsynced with all that it names
    position.json  what the listener is doing
    segments/      immutable files, named after the generation that wrote them; and
                   spare.new, which is to be the next
    lock           held by the one listener that writes
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import re
import stat
import threading
import time

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self
from weakref import WeakKeyDictionary

import orjson

from recommender import manifest as manifests
from recommender import segment_file
from recommender.errors import (
    StoreCorrupt,
    StoreEmpty,
    StoreLocked,
    StoreTooNew,
    StoreUnusable,
)
from recommender.generation import Generation
from recommender.manifest import Manifest, SegmentRef
from recommender.position import ClusterTime, Position, State, to_reason
from recommender.segment import Segment
from recommender.text import TEXT_VERSION


CURRENT: Final = "current.json"
DURABLE: Final = "durable.json"
POSITION: Final = "position.json"
SEGMENTS: Final = "segments"
LOCK: Final = "lock"
SPARE: Final = "spare.new"  # among the segments; the next one, until it has its name

# A reader may have read a pointer just before it moved; it opens its files at once.
GRACE_S: Final = 60.0
# Who asks whether the store is held has the lock for some microseconds.
REMEDY: Final = "mend its permissions, or set another EVERSHELF_DATA_DIR"
LOCK_TRIES: Final = 10
LOCK_PAUSE_S: Final = 0.005
# Numbers that a crash may cost; the durable pointer is renewed before they run out.
RESERVED: Final = 10_000
# Below this a file is read; above, it is mapped, and several processes share it.
MAPPED_BYTES: Final = 1 << 20
LARGEST_POINTER: Final = 16 << 20  # bytes; a manifest has a few kilobytes

_NUMBER: Final = re.compile(r"([0-9]{1,18})-[0-9]+\.seg")


class StoreReader:
    """
    Reads what a listener publishes; never writes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read_manifest(self) -> Manifest:
        """
        Return the current manifest, or the durable one when that is damaged.

        Raises:
            StoreEmpty: Neither exists.
            StoreCorrupt: Neither can be used.
            StoreTooNew: Written by a later Evershelf.
        """
        try:
            return self.read_pointer(CURRENT)
        except StoreEmpty:
            return self.read_pointer(DURABLE)
        except StoreCorrupt as damage:
            try:
                return self.read_pointer(DURABLE)
            except StoreEmpty:
                raise damage from None

    def read_pointer(self, name: str) -> Manifest:
        """
        Return the manifest that a pointer, `CURRENT` or `DURABLE`, holds.

        Raises:
            StoreEmpty: There is no such file.
            StoreCorrupt: It cannot be used.
            StoreTooNew: Written by a later Evershelf.
        """
        try:
            content = _read_small(self.folder / name)
        except FileNotFoundError as error:
            raise StoreEmpty from error
        except OSError as error:
            msg = f"{name} cannot be read: {error}"
            raise StoreCorrupt(msg) from error
        with _naming(name):
            return manifests.from_bytes(content)

    def load(self, manifest: Manifest, known: Generation | None = None) -> Generation:
        """
        Return *manifest* with its segments; those that *known* has are not read again.

        Segments that are read are compared with their checksums, all of them: a
        damaged index could lead a kernel out of its arrays.

        Raises:
            StoreCorrupt: A segment is missing or damaged.
            StoreTooNew: Written by a later Evershelf.
        """
        have = (
            dict(zip(known.manifest.segments, known.segments, strict=True))
            if known
            else {}
        )
        return Generation(
            manifest,
            tuple(
                have[ref] if ref in have else self._open(ref)
                for ref in manifest.segments
            ),
        )

    def read_position(self) -> Position | None:
        """
        Return what the listener last said; None when it never did, or unreadably.
        """
        try:
            values = orjson.loads(_read_small(self.folder / POSITION))
            return Position(
                state=State(values["state"]),
                reason=to_reason(values["reason"]),
                generation=int(values["generation"]),
                as_of=_to_time(values["as_of"]),
                read_time=_to_time(values["read_time"]),
                written_at_s=float(values["written_at_s"]),
            )
        except (OSError, ArithmeticError, LookupError, TypeError, ValueError):
            return None

    def is_held(self) -> bool:
        """
        Return whether a listener holds the store now.

        To find out it takes the lock for a moment, beside others who ask.
        """
        try:
            with (self.folder / LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def find_segment(self, name: str) -> Path:
        """
        Return where a segment's file is.

        Raises:
            StoreEmpty: There is none of that name.
        """
        path = self.folder / SEGMENTS / name
        try:
            is_there = bool(_NUMBER.fullmatch(name)) and stat.S_ISREG(
                path.lstat().st_mode
            )
        except OSError:  # also of a name that no file can have
            is_there = False
        if not is_there:
            msg = f"no segment is called {name!r}"
            raise StoreEmpty(msg)
        return path

    def verify(self, ref: SegmentRef, path: Path) -> None:
        """
        Compare a file, wherever it is, with what *ref* says of it.

        Raises:
            StoreCorrupt: It is missing, damaged, or another one.
            StoreTooNew: Written by a later Evershelf.
        """
        self._open(ref, path)

    def map(self, ref: SegmentRef) -> Segment:
        """
        Return a segment that this process has written, as its file has it.

        Raises:
            StoreCorrupt: The file is missing, or another.
        """
        buffer = self._buffer(ref, self.folder / SEGMENTS / ref.name)
        with _naming(ref.name):
            return segment_file.from_buffer(buffer)

    def _open(self, ref: SegmentRef, path: Path | None = None) -> Segment:
        buffer = self._buffer(ref, path or self.folder / SEGMENTS / ref.name)
        if segment_file.checksum(buffer) != ref.checksum:
            msg = f"{ref.name} is another file than was published"
            raise StoreCorrupt(msg)
        with _naming(ref.name):
            return segment_file.verified(buffer)

    def _buffer(self, ref: SegmentRef, path: Path) -> memoryview:
        if not _NUMBER.fullmatch(ref.name):
            msg = f"{ref.name!r} is no name of a segment"
            raise StoreCorrupt(msg)
        try:
            with _open_regular(path) as file:
                size = os.fstat(file.fileno()).st_size
                if size != ref.size:
                    msg = f"{ref.name} has {size} bytes instead of {ref.size}"
                    raise StoreCorrupt(msg)
                if size < MAPPED_BYTES:
                    return memoryview(file.read())
                return memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
        except OSError as error:
            msg = f"{ref.name} cannot be read: {error}"
            raise StoreCorrupt(msg) from error


@contextlib.contextmanager
def _naming(name: str) -> Iterator[None]:
    """
    Say of which file it is that something is damaged.
    """
    try:
        yield
    except StoreCorrupt as error:
        msg = f"{name} is damaged: {error}"
        raise StoreCorrupt(msg) from error


def _open_regular(path: Path) -> BinaryIO:
    """
    Open a file, no pipe that nobody writes to and no link to elsewhere.

    Raises:
        OSError: It is something else, or cannot be opened.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.EINVAL, "it is no file")
    return path.open("rb")


def _at_most(size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Yield the chunks as long as all of them together are no larger than *size*.

    Raises:
        StoreCorrupt: They are.
    """
    for chunk in chunks:
        size -= len(chunk)
        if size < 0:
            msg = "there is more of it than its manifest says"
            raise StoreCorrupt(msg)
        yield chunk


def _read_small(path: Path) -> bytes:
    with _open_regular(path) as file:
        content = file.read(LARGEST_POINTER + 1)
    if len(content) > LARGEST_POINTER:
        raise OSError(errno.EFBIG, "it is larger than a manifest can be")
    return content


def _to_ref(name: str, chunks: Sequence[bytes | memoryview]) -> SegmentRef:
    return SegmentRef(name, sum(map(len, chunks)), segment_file.checksum(chunks[0]))


def _to_time(parts: Iterable[Any]) -> ClusterTime:
    seconds, increment = map(int, parts)
    if not 0 <= seconds < 1 << 32:
        msg = f"{seconds} s is no cluster time"
        raise ValueError(msg)
    return ClusterTime(seconds, increment)


def _take(lock: int) -> None:
    """
    Lock a file; wait for those who only ask whether it is, but not for a holder.
    """
    for left in reversed(range(LOCK_TRIES)):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not left:
                raise
            time.sleep(LOCK_PAUSE_S)
        else:
            return


class Store:
    """
    The writer's side. One process at a time holds it; within it, one thread, but
    for `make_durable` and `keep`, which may run beside the rest.
    """

    def __init__(self, folder: Path, lock: int) -> None:
        self._folder = folder
        self._lock: int | None = lock
        self._reader = StoreReader(folder)
        self._refs: dict[Segment, SegmentRef] = {}
        self._kept = WeakKeyDictionary[Segment, SegmentRef]()  # and maybe published
        self._writing: set[str] = set()  # files on their way to be kept
        self._current: Manifest | None = None
        self._durable: Manifest | None = None
        self._settling: Manifest | None = None  # on its way to be durable
        self._is_prepared = False
        self._next = 0  # no number from here on was ever used; 0: not known yet
        self._unnamed_since: dict[str, float] = {}
        self._mutex = threading.Lock()  # held for a moment, by who reads several
        self._pen = threading.Lock()  # held as long as the durable pointer is written
        self._counting = threading.Lock()  # held by who takes a number

    @classmethod
    def open(cls, folder: Path) -> Self:
        """
        Create the folder if need be, private to the user, and take its lock.

        Raises:
            StoreLocked: Another process holds it.
            StoreUnusable: It cannot be made, or written.
        """
        try:
            (folder / SEGMENTS).mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            msg = f"the store cannot be opened: {error}; {REMEDY}"
            raise StoreUnusable(msg) from error
        try:
            _take(lock)
        except BlockingIOError as error:
            os.close(lock)
            msg = f"another listener holds {folder / LOCK}: stop it, or set another folder"
            raise StoreLocked(msg) from error
        except OSError:
            os.close(lock)
            raise
        return cls(folder, lock)

    def close(self) -> None:
        """
        Let go of the lock; twice is as good as once.
        """
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def current(self) -> Manifest | None:
        """
        The newest manifest that this process has loaded or published.
        """
        return self._current

    @property
    def durable(self) -> Manifest | None:
        """
        What a crash of the host falls back to, as far as this process knows.
        """
        return self._durable

    def load(self) -> Generation:
        """
        Return the durable generation; while there is none yet, the published one, which
        is whole unless the host crashed.

        Raises:
            StoreEmpty: There is neither.
            StoreCorrupt: It cannot be used.
            StoreTooNew: Written by a later Evershelf.
        """
        try:
            manifest = self._reader.read_pointer(DURABLE)
            durable: Manifest | None = manifest
        except StoreEmpty:
            manifest, durable = self._reader.read_pointer(CURRENT), None
        generation = self._reader.load(manifest)
        self._next = self._first_number()
        self._refs = dict(zip(generation.segments, manifest.segments, strict=True))
        self._current, self._durable = manifest, durable
        return generation

    def publish(  # noqa: PLR0913 a manifest says as much
        self,
        segments: Sequence[Segment],
        *,
        checkpoints: Mapping[str, str],
        as_of: ClusterTime,
        identity: str,
        fingerprint: str,
        products: int,
        visible: int,
        written_s: float | None,
        now_s: float,
    ) -> Manifest:
        """
        Make *segments*, oldest first, what servers read; return their manifest.

        Files that are new are written first, so that the rename is all or nothing.
        After an OSError the generation before is still the current one.
        """
        number = self._take_number()
        refs: dict[Segment, SegmentRef] = {}
        try:
            for serial, segment in enumerate(segments):
                refs[segment] = self._ref_of(segment) or self._write_segment(
                    f"{number}-{serial}.seg", segment
                )
            manifest = Manifest(
                generation=number,
                segments=tuple(refs.values()),
                checkpoints=dict(checkpoints),
                as_of=as_of,
                identity=identity,
                fingerprint=fingerprint,
                products=products,
                visible=visible,
                published_s=now_s,
                next_generation=self._next,
                text_version=TEXT_VERSION,
                written_s=written_s,
            )
            self._replace(CURRENT, manifests.to_bytes(manifest))
        except OSError:
            # not kept for the next try: garbage collection would not know of them
            for segment, ref in refs.items():
                if self._ref_of(segment) is None:
                    self._discard(self._folder / SEGMENTS / ref.name)
            raise
        self._refs = refs
        self._current = manifest
        return manifest

    @property
    def is_prepared(self) -> bool:
        """
        Whether `prepare` would do nothing.
        """
        return self._is_prepared

    def prepare(self) -> None:
        """
        Make the files that the next publication fills, while there is time for that: on
        some disks it takes a hundred times as long as to fill them.
        """
        if self._is_prepared:
            return
        self._is_prepared = True
        with contextlib.suppress(OSError):  # they are made when they are needed
            for path in (self._folder / SEGMENTS / SPARE, self._beside(CURRENT)):
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))

    def keep(self, segment: Segment) -> Segment:
        """
        Return *segment* as its file has it, if it is large: its memory is the file's
        then, which servers share, what pages show is packed, and publishing it writes
        nothing more. As it is, if it is small, or the file cannot be written.

        Any thread may call this. It takes as long as the disk takes, and to pack some
        microseconds a row.
        """
        if segment.nbytes < MAPPED_BYTES:
            return segment
        packed = replace(segment, displays=segment.displays.packed())
        chunks = segment_file.to_chunks(packed)
        try:
            name = f"{self._take_number()}-0.seg"
        except OSError:  # no more can be reserved: the disk is full, or fails
            return segment
        with self._mutex:
            self._writing.add(name)
        try:
            ref = self._write_chunks(name, chunks)
            kept = self._reader.map(ref)
            with self._mutex:
                self._kept[kept] = ref
        except (OSError, StoreCorrupt):
            return segment
        else:
            return kept
        finally:
            with self._mutex:
                self._writing.discard(name)

    def advance(
        self, checkpoints: Mapping[str, str], as_of: ClusterTime
    ) -> Manifest | None:
        """
        Note that the current generation is good up to here, too; return its manifest.

        Nothing is written before `make_durable`; what servers read names an earlier
        time, until the position file tells them.
        """
        if self._current is not None:
            self._current = replace(
                self._current, checkpoints=dict(checkpoints), as_of=as_of
            )
        return self._current

    def make_durable(self, *, final: bool = False) -> Manifest | None:
        """
        Make the current generation survive a crash of the host; return it.

        Any thread may call this. It takes as long as the disk takes.

        Args:
            final: Whether nothing more will be published, so that no numbers need
                be reserved.
        """
        with self._pen:
            with self._mutex:
                manifest = self._settling = self._current
                number = self._next
            try:
                if manifest is not None:
                    reserved = 0 if final else RESERVED
                    self._write_durable(manifest, number + reserved)
            finally:
                self._settling = None
            return manifest

    def lacks(self, ref: SegmentRef) -> bool:
        """
        Return whether a segment's file is not here, or not whole.
        """
        try:
            self._reader.verify(ref, self._folder / SEGMENTS / ref.name)
        except StoreCorrupt:
            return True
        return False

    def receive(self, ref: SegmentRef, chunks: Iterable[bytes]) -> None:
        """
        Write a segment's file as it comes from another store; no pointer may name it.

        Raises:
            StoreCorrupt: What came is not what *ref* says; nothing is left of it.
            StoreTooNew: Written by a later Evershelf.
        """
        if not _NUMBER.fullmatch(ref.name):
            msg = f"{ref.name!r} is no name of a segment"
            raise StoreCorrupt(msg)
        path = self._folder / SEGMENTS / ref.name
        arriving = path.with_name(f"{ref.name}.new")
        try:
            self._write(arriving, _at_most(ref.size, chunks))
            self._reader.verify(ref, arriving)
            arriving.replace(path)
        except BaseException:  # also when the process is asked to stop
            self._discard(arriving)
            raise

    def adopt(self, manifest: Manifest, known: Generation | None = None) -> Generation:
        """
        Make another store's generation, whose segments are here, this store's: what
        servers read, and what a crash falls back to; return it.

        Args:
            known: One whose segments are here for sure, and are not read again.

        Raises:
            StoreCorrupt: A segment is missing or damaged; nothing has changed.
        """
        generation = self._reader.load(manifest, known)
        # servers first: who comes back after a crash in between has the durable one of
        # before, and adopts this one again; otherwise servers would stay behind it
        self._replace(CURRENT, manifests.to_bytes(manifest))
        with self._pen:
            self._write_durable(manifest, manifest.next_generation)
        self._next = self._first_number()
        self._refs = dict(zip(generation.segments, manifest.segments, strict=True))
        self._current = manifest
        return generation

    def open_segment(self, name: str) -> BinaryIO:
        """
        Open a segment's file to be read; it can be, even when it is removed meanwhile.

        Raises:
            OSError: It is not there, or cannot be opened.
        """
        return _open_regular(self._folder / SEGMENTS / name)

    def write_position(self, position: Position) -> None:
        """
        Say what the listener is doing.
        """
        self._replace(POSITION, orjson.dumps(position, default=list))

    def collect_garbage(self, now_s: float) -> int:
        """
        Remove segments that no pointer has named for `GRACE_S`; return how many.

        Args:
            now_s: The time, on the same clock at each call.

        Raises:
            OSError: Some of them cannot be removed; all others are.
        """
        try:
            named = self._named()
        except (StoreCorrupt, StoreTooNew):
            return 0  # a pointer that cannot be read may name anything
        found = {entry.name for entry in os.scandir(self._folder / SEGMENTS)}
        unnamed = found - named - ({SPARE} if self._is_prepared else set())
        self._unnamed_since = {
            name: self._unnamed_since.get(name, now_s) for name in unnamed
        }
        expired = [
            name
            for name, since in self._unnamed_since.items()
            if now_s - since >= GRACE_S
        ]
        failure: OSError | None = None
        for name in expired:
            try:
                (self._folder / SEGMENTS / name).unlink(missing_ok=True)
            except OSError as error:
                failure = error
        if failure is not None:
            raise failure
        return len(expired)

    def _named(self) -> set[str]:
        """
        Return the files that a pointer names, or is about to name.
        """
        with self._mutex:
            naming = [self._current, self._durable, self._settling]
            kept = {*self._writing, *(ref.name for ref in self._kept.values())}
        for name in (CURRENT, DURABLE):  # of another process, before the first publish
            with contextlib.suppress(StoreEmpty):
                naming.append(self._reader.read_pointer(name))
        named = {
            ref.name for manifest in naming if manifest for ref in manifest.segments
        }
        return named | kept

    def _ref_of(self, segment: Segment) -> SegmentRef | None:
        """
        Return the file that holds *segment*, if one does.
        """
        return self._refs.get(segment) or self._kept.get(segment)

    def _take_number(self) -> int:
        """
        Return a number never used, and not again even if it comes to nothing.
        """
        with self._counting:
            number = self._next or self._first_number()
            if self._durable and number >= self._durable.next_generation:
                self._reserve(number)
            self._next = number + 1
            return number

    def _reserve(self, number: int) -> None:
        """
        Let the durable pointer say that *number*, and some more, may be used.
        """
        with self._pen:
            if self._durable and number >= self._durable.next_generation:
                self._write_durable(self._durable, number + RESERVED)

    def _first_number(self) -> int:
        """
        Return a number above all that the files here bear witness of.
        """
        found = []
        for name in (CURRENT, DURABLE):
            with contextlib.suppress(StoreEmpty, StoreCorrupt):
                found.append(self._reader.read_pointer(name).next_generation)
        names = [entry.name for entry in os.scandir(self._folder / SEGMENTS)]
        written = [int(match[1]) for name in names if (match := _NUMBER.match(name))]
        unseen = 1 if found else RESERVED  # publications may have written no segment
        return max([1, *found, *(number + unseen for number in written)])

    def _write_durable(self, manifest: Manifest, next_generation: int) -> None:
        known = self._durable.segments if self._durable else ()
        for ref in manifest.segments:
            if ref not in known:
                self._sync(self._folder / SEGMENTS / ref.name)
        self._sync(self._folder / SEGMENTS)
        # Whoever falls back to it, or copies it, is not the first to hold its writes.
        durable = replace(manifest, next_generation=next_generation, written_s=None)
        self._replace(DURABLE, manifests.to_bytes(durable), synced=True)
        self._durable = durable

    def _write_segment(self, name: str, segment: Segment) -> SegmentRef:
        chunks = segment_file.to_chunks(segment)
        self._is_prepared = False
        spare, path = (self._folder / SEGMENTS / each for each in (SPARE, name))
        self._write(spare, chunks)
        try:
            spare.replace(path)
        except OSError:
            self._discard(spare)
            raise
        return _to_ref(name, chunks)

    def _write_chunks(
        self, name: str, chunks: Sequence[bytes | memoryview]
    ) -> SegmentRef:
        self._write(self._folder / SEGMENTS / name, chunks)
        return _to_ref(name, chunks)

    def _beside(self, name: str) -> Path:
        return self._folder / f"{name}.new"

    def _replace(self, name: str, content: bytes, *, synced: bool = False) -> None:
        beside = self._beside(name)
        if name == CURRENT:
            self._is_prepared = False
        self._write(beside, [content])
        try:
            if synced:
                self._sync(beside)
            beside.replace(self._folder / name)
        except OSError:
            self._discard(beside)
            raise
        if synced:
            self._sync(self._folder)

    def _write(self, path: Path, chunks: Iterable[bytes | memoryview]) -> None:
        """
        Write a file that no pointer names; leave none behind that is not whole.
        """
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(chunks)
        except OSError:
            self._discard(path)
            raise

    def _discard(self, path: Path) -> None:
        with contextlib.suppress(OSError):  # a full or failing disk has failed before
            path.unlink()

    def _sync(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
