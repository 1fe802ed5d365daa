"""
The model in the store: whether it is whole, and one of these settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from listener.doctor.finding import Finding, fail, ok, warn
from recommender.errors import StoreCorrupt, StoreEmpty, StoreTooNew
from recommender.manifest import Manifest
from recommender.store import CURRENT, DURABLE, StoreReader


POINTERS: Final = (CURRENT, DURABLE)
REBUILT: Final = (
    "check the disk; then start the listener again, which rebuilds what it cannot use"
)


def look_at_model(reader: StoreReader, collection: str, fingerprint: str) -> Finding:
    """
    Find out whether each segment of both pointers is what its checksum says.

    Args:
        reader: Of the store.
        collection: That is to be followed.
        fingerprint: Of the settings that shape the model.
    """
    try:
        faults = list(_faults(reader))
    except StoreTooNew as error:
        return fail(str(error), error.remedy)
    if faults:
        return fail("; ".join(faults), REBUILT)
    try:
        manifest = reader.read_manifest()
    except StoreEmpty:
        return ok(f"none in {reader.folder} yet: the first start builds it")
    found = (
        f"generation {manifest.generation} of {manifest.products:,} products, "
        "every segment as its checksum says"
    )
    if collection not in manifest.checkpoints:
        return warn(
            f"{found}; it is of another collection",
            "nothing, if that is meant: it is rebuilt aside at the next start",
        )
    if manifest.fingerprint != fingerprint:
        return warn(
            f"{found}; the settings that shape it have changed since",
            "nothing, if that is meant: it is rebuilt aside at the next start",
        )
    return ok(found)


def checkpoint(reader: StoreReader, collection: str) -> str | None:
    """
    Return from where the listener would go on; None: from the beginning.
    """
    try:
        return reader.read_pointer(DURABLE).checkpoints.get(collection)
    except (StoreEmpty, StoreCorrupt):
        return None


def model_bytes(reader: StoreReader) -> int | None:
    """
    Return how much room the model takes; None without one.
    """
    try:
        return _size(reader.read_manifest())
    except (StoreEmpty, StoreCorrupt):
        return None


def _faults(reader: StoreReader) -> Iterator[str]:
    for name in POINTERS:
        try:
            reader.load(reader.read_pointer(name))
        except StoreEmpty:
            pass
        except StoreCorrupt as error:
            if not _is_moved_on(reader, name):
                yield f"{name}: {error}"


def _is_moved_on(reader: StoreReader, name: str) -> bool:
    """
    Return whether what the pointer names now can be loaded: a file may be removed
    while an older pointer to it is followed.
    """
    try:
        reader.load(reader.read_pointer(name))
    except (StoreCorrupt, StoreEmpty):
        return False
    return True


def _size(manifest: Manifest) -> int:
    return sum(ref.size for ref in manifest.segments)
