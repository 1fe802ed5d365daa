"""
From a place into a store: only the segments that the store lacks travel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from listener.copies.place import Gone, Place, PlaceFault
from recommender import manifest as manifests
from recommender.generation import Generation
from recommender.manifest import Manifest, SegmentRef
from recommender.store import Store


# A merge removes what it replaces after a minute; while a large copy travels there may
# be several.
ROUNDS: Final = 5


def fetch(
    store: Store,
    place: Place,
    *,
    accept: Callable[[Manifest], None],
    check: Callable[[], None],
    known: Generation | None = None,
) -> Generation:
    """
    Make the generation that *place* has the store's own; return it.

    Every file is compared with its checksums before it is kept. What has come of a try
    that fails stays, and need not come again.

    Args:
        store: Where to.
        place: Where from.
        accept: Raises PlaceFault when a generation is of no use here.
        check: Called again and again meanwhile; what it raises ends the copy.
        known: What the store is known to have, and need not be looked at.

    Raises:
        PlaceFault: The place does not have it, or is away.
        StoreCorrupt: Something is not what its checksum says.
        StoreTooNew: Written by a later Evershelf.
        OSError: It cannot be written.
    """
    here = set(known.manifest.segments) if known else set()
    for _ in range(ROUNDS):
        manifest = manifests.from_bytes(place.read_manifest())
        accept(manifest)
        try:
            for ref in manifest.segments:
                check()  # also where nothing travels: a large file is read for long
                if ref not in here and store.lacks(ref):
                    store.receive(ref, _checked(place, ref, check))
        except Gone:
            continue
        return store.adopt(manifest, known)
    msg = "its segments are replaced more quickly than they can be copied"
    raise PlaceFault(msg)


def _checked(
    place: Place, ref: SegmentRef, check: Callable[[], None]
) -> Iterator[bytes]:
    for piece in place.read_segment(ref):
        check()
        yield piece
