"""
From the store's folder to what is served.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from recommender.errors import RecommenderError, StoreCorrupt, StoreEmpty, StoreTooNew
from recommender.generation import Generation
from recommender.manifest import Manifest
from recommender.position import ClusterTime, Position
from recommender.snapshot import Snapshot
from recommender.store import CURRENT, DURABLE, POSITION, StoreReader
from server.watch import ALL


NOTHING_YET: Final = ClusterTime(0, 0)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Served:
    """
    What answers are made from; replaced as a whole.

    Attributes:
        snapshot: The newest generation that could be loaded; None before the first.
        position: What the listener last said; None when it never did.
        fault: Why the newest generation is not served; empty when it is, or when
            none was ever published.
        proven: Up to when the snapshot is known to be good.
    """

    snapshot: Snapshot | None = None
    position: Position | None = None
    fault: str = ""
    proven: ClusterTime = NOTHING_YET


class _Newest(NamedTuple):
    snapshot: Snapshot | None
    fault: str


def read_next(reader: StoreReader, served: Served, moved: Set[str] = ALL) -> Served:
    """
    Return what to serve from now on: *served* itself when nothing has changed.

    The generation that `current.json` names is loaded aside, using what is already
    loaded. It is obeyed whatever its number: numbers grow within a store, so a lower
    one, or the same with another content, means that the store was made anew. When
    it cannot be loaded, whatever the cause, the generation before stays; `durable.json`
    is asked only for a higher number than that.

    Args:
        moved: Pointers that may be others than *served* is of.
    """
    # The position comes first: what it promises of a generation holds for later ones.
    position = reader.read_position() if POSITION in moved else served.position
    newest = _newest(reader, served.snapshot)
    proven = served.proven if newest.snapshot is served.snapshot else NOTHING_YET
    following = Served(newest.snapshot, position, newest.fault, proven)
    if newest.snapshot is not None:
        following = replace(following, proven=to_as_of(newest.snapshot, following))
    return served if following == served else following


def to_as_of(snapshot: Snapshot, served: Served) -> ClusterTime:
    """
    Return the time up to which everything is in *snapshot*: its manifest's, or the
    latest to which the listener has found nothing more to publish. It stays good when a
    newer generation turns out to be unreadable.
    """
    known = max(snapshot.manifest.as_of, served.proven)
    position = served.position
    if position is None or served.fault or position.generation > snapshot.generation:
        return known
    return max(known, position.as_of)


def _newest(reader: StoreReader, served: Snapshot | None) -> _Newest:
    try:
        return _Newest(_follow(reader, CURRENT, served), "")
    except Exception as error:  # noqa: BLE001 damage may show as anything
        cause = error
    try:
        durable = reader.read_pointer(DURABLE)
        if served is None or durable.generation > served.generation:
            served = _load(reader, durable, served)
    except StoreEmpty:
        if served is None and isinstance(cause, StoreEmpty):
            return _Newest(None, "")
    except Exception as error:  # noqa: BLE001 as above
        return _Newest(served, f"{_to_fault(cause)}; {_to_fault(error)}")
    return _Newest(served, _to_fault(cause))


def _follow(reader: StoreReader, name: str, served: Snapshot | None) -> Snapshot:
    manifest = reader.read_pointer(name)
    try:
        return _load(reader, manifest, served)
    except StoreCorrupt:
        # Its files may have been removed because the pointer has moved on.
        newer = reader.read_pointer(name)
        if newer == manifest:
            raise
        return _load(reader, newer, served)


def _load(reader: StoreReader, manifest: Manifest, served: Snapshot | None) -> Snapshot:
    if served is not None and manifest == served.manifest:
        return served
    return Snapshot.derive(reader.load(manifest, _to_generation(served)), served)


def _to_generation(snapshot: Snapshot | None) -> Generation | None:
    if snapshot is None:
        return None
    segments = tuple(view.segment for view in snapshot.views)
    return Generation(snapshot.manifest, segments)


def _to_fault(error: Exception) -> str:
    if isinstance(error, StoreTooNew):
        return f"{error} {error.remedy.capitalize()}."
    return str(error) if isinstance(error, RecommenderError) else repr(error)
