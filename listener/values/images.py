"""
Where a product's picture is, if a page may show what is there.
"""

from __future__ import annotations

import re

from collections.abc import Mapping
from typing import Final

from listener.values.usable import Unusable, first_usable, wrong_type


LONGEST_URL: Final = 2_000  # characters; browsers and proxies refuse not much more
LONGEST_INLINE: Final = 8_000  # of a picture within its address: answers carry ten
SOURCES: Final = ("url", "src", "secure_url", "path")  # where an object says it

_IGNORED = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")  # by browsers too
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_SAFE = re.compile(r"https?://|data:image/", re.IGNORECASE)


def to_image(value: object, notes: list[str]) -> str | None:
    """
    Return the address of an image: of http, https or within the site, or the image
    itself as `data:image/`; None when it is blank.

    Of a list the first usable element counts, of an object its address.

    Raises:
        Unusable: It is no such address, or too long for an answer.
    """
    match value:
        case str():
            return _to_address(value) or None
        case list():
            return first_usable(value, to_image, notes)
        case Mapping() if any(at in value for at in SOURCES):
            return first_usable((value.get(at) for at in SOURCES), to_image, notes)
        case None:
            return None
    raise wrong_type(value, "an image")


def plain_image(value: object) -> str | None:
    """
    The shortcut of `to_image`.
    """
    if (
        type(value) is str
        and value.startswith(("https://", "http://", "/"))
        and len(value) <= LONGEST_URL
        and value.isprintable()
        and value[-1] != " "
    ):
        return value
    return None


def _to_address(text: str) -> str:
    address = _IGNORED.sub("", text[: LONGEST_INLINE + 1]).strip()
    is_inline = address[:5].lower() == "data:"
    if len(address) > (LONGEST_INLINE if is_inline else LONGEST_URL):
        raise Unusable(reason="image too long")
    if _SCHEME.match(address) and not _SAFE.match(address):
        raise Unusable(reason="not an image: scheme")
    return address
