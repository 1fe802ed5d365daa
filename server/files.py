"""
Files that are part of the program, ready to be sent.
"""

from __future__ import annotations

import gzip

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePath
from typing import Final

import xxhash

from aiohttp import hdrs, web


# What the interpreter's own table says depends on the machine.
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",  # browsers take video for it otherwise
}
REVALIDATE: Final = "no-cache"  # caches keep it and ask each time, for an empty answer


@dataclass(frozen=True, slots=True)
class File:
    """
    One file, as it is and compressed.
    """

    plain: bytes
    gzipped: bytes
    content_type: str

    @property
    def tag(self) -> str:
        """
        What its ETag says; the two forms have one each.
        """
        return xxhash.xxh3_64_hexdigest(self.plain)

    def to_response(
        self, request: web.Request, headers: Mapping[str, str]
    ) -> web.Response:
        """
        Return the answer to *request*: the file, or 304 when the caller has it.
        """
        is_gzipped = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
        tag = f"{self.tag}-gz" if is_gzipped else self.tag
        shared = {
            hdrs.CACHE_CONTROL: REVALIDATE,
            hdrs.ETAG: f'"{tag}"',
            hdrs.VARY: hdrs.ACCEPT_ENCODING,
            **headers,
        }
        known = request.if_none_match or ()
        if any(etag.value in {tag, "*"} for etag in known):
            return web.Response(status=304, headers=shared)
        kind = {hdrs.CONTENT_TYPE: self.content_type}
        if is_gzipped:
            coding = {hdrs.CONTENT_ENCODING: "gzip"}
            return web.Response(body=self.gzipped, headers=shared | kind | coding)
        return web.Response(body=self.plain, headers=shared | kind)


def load_files(folder: str) -> dict[str, File]:
    """
    Return the files in a folder of this package, by name.
    """
    return dict(_load(folder))


def _load(folder: str) -> Iterator[tuple[str, File]]:
    for entry in (resources.files("server") / folder).iterdir():
        content_type = TYPES.get(PurePath(entry.name).suffix)
        if content_type is not None:
            plain = entry.read_bytes()
            yield entry.name, File(plain, gzip.compress(plain, mtime=0), content_type)
