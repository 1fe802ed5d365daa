"""
What a pointer says, wherever it is kept: a manifest, and its publisher's position.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from listener.copies.place import PlaceFault
from recommender import manifest as manifests
from recommender.errors import RecommenderError, StoreCorrupt, StoreTooNew
from recommender.manifest import Manifest, SegmentRef
from recommender.position import ClusterTime, Position, State, to_reason


# A follower may have read the pointer just before it moved, and copy for a while.
GRACE_S: Final = 600.0
# Who publishes speaks each second. Another takes its place when it has been killed.
LEASE_S: Final = 5.0

MODEL: Final = "model"
ORDERS: Final = "orders"

EMPTY: Final = "nothing is published there yet"
OVERTAKEN: Final = "another listener has published there meanwhile"
TAKEN: Final = "another listener publishes there"
BEHIND: Final = "what is published there is later than this"
DAMAGED: Final = "its pointer does not say what its publisher does"
NO_MANIFEST: Final = "its pointer holds no manifest"


def to_key(ref: SegmentRef) -> str:
    """
    Return what a segment is called there: a listener that lost its store may use a name
    again.
    """
    return f"{ref.name} {ref.checksum}"


def to_manifest(content: bytes) -> Manifest:
    """
    Return the manifest that a pointer holds.

    Raises:
        PlaceFault: It holds none that can be read.
    """
    try:
        return manifests.from_bytes(content)
    except RecommenderError as error:
        raise PlaceFault(str(error)) from error


def is_later(content: bytes, position: Any, manifest: Manifest) -> bool:
    """
    Return whether what a pointer holds, or was said to be good for since, is further in
    the same collection than *manifest*: hosts have told so. Damage is not.

    Args:
        content: The manifest there.
        position: What its publisher said; anything.
        manifest: The one that would take its place.

    Raises:
        PlaceFault: It was written by a later Evershelf.
    """
    try:
        there = manifests.from_bytes(content)
    except StoreTooNew as error:
        raise PlaceFault(str(error)) from error
    except StoreCorrupt:
        return False
    as_of = max(there.as_of, _said_as_of(position))
    return there.identity == manifest.identity and as_of > manifest.as_of


def _said_as_of(position: Any) -> ClusterTime:
    try:
        return to_position(position).as_of
    except PlaceFault:
        return ClusterTime(0, 0)


def to_fields(position: Position) -> dict[str, Any]:
    """
    Return a position as a pointer keeps it, in JSON's types.
    """
    return {
        "state": position.state.value,
        "reason": position.reason,
        "generation": position.generation,
        "as_of": list(position.as_of),
        "read_time": list(position.read_time),
        "written_at_s": position.written_at_s,
    }


def to_position(fields: Any) -> Position:
    """
    Return the position that a pointer keeps.

    Raises:
        PlaceFault: It is none.
    """
    try:
        return Position(
            state=State(fields["state"]),
            reason=to_reason(fields["reason"]),
            generation=int(fields["generation"]),
            as_of=ClusterTime(*map(int, fields["as_of"])),
            read_time=ClusterTime(*map(int, fields["read_time"])),
            written_at_s=float(fields["written_at_s"]),
        )
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise PlaceFault(DAMAGED) from error


def is_given_up(fields: Any) -> bool:
    """
    Return whether the publisher has stopped in order.
    """
    return isinstance(fields, Mapping) and fields.get("state") == State.STOPPING
