"""
What a generation is made of, as one small JSON file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Final, NamedTuple

import orjson
import xxhash

from pydantic import ConfigDict, TypeAdapter
from pydantic_core import CoreConfig, SchemaValidator

from recommender.errors import StoreCorrupt, StoreTooNew
from recommender.position import ClusterTime


# Raised with whatever a reader must know: this file, the segments', and the version of
# `recommender.text`, since a search is read by the server's words.
FORMAT: Final = 3
FIRST_TEXT_VERSION: Final = 2  # where a manifest names none
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
        text_version: Of the `recommender.text` whose words are in the segments.
        written_s: Unix time, by the database's clock, of the oldest write that this
            generation is the first to hold; None where nobody knows.
    """

    # What a later version adds without another format is what no reader has to know.
    __pydantic_config__: ClassVar = ConfigDict(extra="ignore")

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
    text_version: int = FIRST_TEXT_VERSION
    written_s: float | None = None


# Names and checksums are new in each generation: remembered, they would only fill memory.
_MANIFESTS: Final = SchemaValidator(
    TypeAdapter(Manifest).core_schema, CoreConfig(cache_strings="keys")
)
_NAMES: Final = tuple(field.name for field in fields(Manifest))


def to_bytes(manifest: Manifest) -> bytes:
    """
    Return the manifest as JSON behind a line with its format and checksum.
    """
    content = {name: getattr(manifest, name) for name in _NAMES}
    if manifest.text_version == FIRST_TEXT_VERSION:
        del content["text_version"]
    if manifest.written_s is None:
        del content["written_s"]
    body = orjson.dumps(content, default=list)
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
        manifest: Manifest = _MANIFESTS.validate_json(body, strict=True)
    except ValueError as error:
        msg = f"the manifest is not complete: {error!r}"
        raise StoreCorrupt(msg) from error
    return manifest
