"""
Addresses as they may be shown: without what is secret in them.
"""

from __future__ import annotations

import re

from typing import Final


HIDDEN: Final = "***"
# All before the last "@": a password may hold anything when it was not escaped.
_USER: Final = re.compile(r"://(?P<user>[^:/@]*)(?P<password>:.*)?@", re.DOTALL)
_BETWEEN: Final = re.compile(r"[:/@?&=,]")


def masked(uri: str) -> str:
    """
    Return an address with its user's password hidden, and without its options.
    """
    found = _USER.search(uri)
    if found and found["password"]:
        uri = f"{uri[: found.start('password')]}:{HIDDEN}@{uri[found.end() :]}"
    return uri.partition("?")[0]


def without_secrets(text: str, uri: str) -> str:
    """
    Return what was said of an address with each piece of its password hidden.
    """
    found = _USER.search(uri)
    password = (found["password"] or "")[1:] if found else ""
    pieces = {password, *_BETWEEN.split(password)} - {""}
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, HIDDEN)
    return text
