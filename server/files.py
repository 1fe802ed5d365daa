"""
Files that are part of the program, ready to be sent.
"""

from __future__ import annotations

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
    One file.

    Attributes:
        body: What is in it.
        content_type: What that is.
        tag: Changes with it.
    """

    body: bytes
    content_type: str
    tag: str

    def to_response(
        self, request: web.Request, headers: Mapping[str, str]
    ) -> web.Response:
        """
        Return the answer to *request*: the file, or 304 when the caller has it.
        """
        shared = {
            hdrs.CACHE_CONTROL: REVALIDATE,
            hdrs.ETAG: f'W/"{self.tag}"',  # the same however it is compressed
            **headers,
        }
        known = request.if_none_match or ()
        if any(etag.value in {self.tag, "*"} for etag in known):
            return web.Response(status=304, headers=shared)
        return web.Response(
            body=self.body, headers={hdrs.CONTENT_TYPE: self.content_type, **shared}
        )


def load_files(folder: str) -> dict[str, File]:
    """
    Return the files in a folder of this package, by name.
    """
    return dict(_load(folder))


def _load(folder: str) -> Iterator[tuple[str, File]]:
    for entry in (resources.files("server") / folder).iterdir():
        content_type = TYPES.get(PurePath(entry.name).suffix)
        if content_type is not None:
            body = entry.read_bytes()
            tag = xxhash.xxh3_64_hexdigest(body)
            yield entry.name, File(body, content_type, tag)
