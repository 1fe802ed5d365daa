"""
What a generation is made of, as one small JSON file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

import orjson
import xxhash

from pydantic import ConfigDict, TypeAdapter

from recommender.errors import StoreCorrupt, StoreTooNew
from recommender.position import ClusterTime


# Raised with whatever a reader must know: this file, the segments', and the version of
# `recommender.text`, since a search is read by the server's words.
FORMAT: Final = 2
LONGEST_FORMAT: Final = 9  # digits; more are damage, not a later format


class SegmentRef(NamedTuple):
    """
    A segment's file: its name within the store, its size in bytes, and the checksum
    that stands for what is in it.
    """

    name: str
    size: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """
    A published generation.

    Attributes:
        generation: Grows with each publication, also over crashes.
        segments: Oldest first.
        checkpoints: Opaque position by followed collection; everything up to it
            is in the segments.
        as_of: Every write acknowledged at or before this is in the segments.
        identity: Which collection this is a model of; opaque.
        fingerprint: Of the settings that shape the model; opaque.
        products: Living products.
        visible: Living products that a visitor may see.
        published_s: Unix time of the publication.
        next_generation: Numbers below this may have been used.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    generation: int
    segments: tuple[SegmentRef, ...]
    checkpoints: Mapping[str, str]
    as_of: ClusterTime
    identity: str
    fingerprint: str
    products: int
    visible: int
    published_s: float
    next_generation: int


_MANIFESTS: Final = TypeAdapter(Manifest)


def to_bytes(manifest: Manifest) -> bytes:
    """
    Return the manifest as JSON behind a line with its format and checksum.
    """
    body = orjson.dumps(manifest, default=list)
    return b"evershelf manifest %d %s\n%s\n" % (
        FORMAT,
        xxhash.xxh3_64_hexdigest(body).encode(),
        body,
    )


def from_bytes(content: bytes) -> Manifest:
    """
    Return the manifest that *content* holds.

    Raises:
        StoreCorrupt: It holds something else, or only a part.
        StoreTooNew: Written in a later format.
    """
    first, _, body = content.rstrip(b"\n").partition(b"\n")
    words = first.split()
    if len(words) != 4 or words[:2] != [b"evershelf", b"manifest"]:  # noqa: PLR2004
        msg = "the file does not begin as a manifest"
        raise StoreCorrupt(msg)
    if not words[2].isdigit() or len(words[2]) > LONGEST_FORMAT or int(words[2]) < 1:
        msg = "the manifest's format is not a number from 1 on"
        raise StoreCorrupt(msg)
    if int(words[2]) > FORMAT:
        raise StoreTooNew
    if xxhash.xxh3_64_hexdigest(body).encode() != words[3]:
        msg = "the manifest differs from its checksum"
        raise StoreCorrupt(msg)
    try:
        return _MANIFESTS.validate_json(body, strict=True)
    except ValueError as error:
        msg = f"the manifest is not complete: {error!r}"
        raise StoreCorrupt(msg) from error
