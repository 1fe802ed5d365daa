"""
What may be shown of addresses, and of any text, without what is secret in them.
"""

from __future__ import annotations

import json
import re

from collections.abc import Iterable, Iterator, Mapping
from typing import Final


HIDDEN: Final = "***"
SHORTEST: Final = 4  # characters; what is shorter is in many innocent words
# All before the last "@": a password may hold anything when it was not escaped, and a
# user may be an address of mail.
_USER: Final = re.compile(r"://(?P<user>[^:/]*)(?P<password>:.*)?@", re.DOTALL)
_BETWEEN: Final = re.compile(r"[:/@?&=,]")
# The same within a text, where an address ends at the next blank.
_IN_TEXT: Final = re.compile(r"(?P<before>://[^\s:/]*):\S*@")
# The same in an address's options.
_OPTION: Final = re.compile(
    r"(?:[?&;]\w*password=|\baws_session_token:)([^&;,]+)", re.IGNORECASE
)
# Where keys stand in addresses and headers of requests.
_KEY: Final = re.compile(
    r"(?P<before>[?&]key=|\bbearer\s+|\bx-api-key\W{1,4})[^\s&\"',#]+", re.IGNORECASE
)


def masked(uri: str) -> str:
    """
    Return an address with its user's password hidden, and without its options.
    """
    found = _USER.search(uri)
    if found and found["password"]:
        uri = f"{uri[: found.start('password')]}:{HIDDEN}@{uri[found.end() :]}"
    return uri.partition("?")[0]


def to_passwords(uri: str) -> Iterator[str]:
    """
    Yield the passwords in an address, as they are written there: its user's, if there
    is one, and those of its options.
    """
    found = _USER.search(uri)
    if found and found["password"]:
        yield found["password"][1:]
    yield from _OPTION.findall(uri)


def without_secrets(text: str, uri: str) -> str:
    """
    Return what was said of an address with each piece of its passwords hidden.
    """
    passwords = set(to_passwords(uri))
    pieces = passwords.union(*map(_BETWEEN.split, passwords)) - {""}
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, HIDDEN)
    return text


class Secrets:
    """
    What must not be shown by a process, whoever says it.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        """
        Know the *values* of at least `SHORTEST` characters.
        """
        forms = {form for value in values for form in _forms(value)}
        known = sorted((f for f in forms if len(f) >= SHORTEST), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def without(self, text: str) -> str:
        """
        Return a text with them hidden, and with passwords in any address and keys of
        any request.
        """
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        if "://" in text:
            text = _IN_TEXT.sub(rf"\g<before>:{HIDDEN}@", text)
        lower = text.lower()
        if "key" in lower or "bearer" in lower:  # the search costs more
            text = _KEY.sub(rf"\g<before>{HIDDEN}", text)
        return text

    def without_any(self, value: object) -> object:
        """
        Return the same of whatever a log line may hold; what is neither number nor text
        nor made of such becomes text.
        """
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.without(value)
        if isinstance(value, Mapping):
            return {
                self.without(key) if isinstance(key, str) else key: self.without_any(of)
                for key, of in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.without_any(one) for one in value]
        return self.without(str(value))


def _forms(value: str) -> Iterator[str]:
    """
    Yield how a value may be written: as it is, and as Python and JSON quote it.
    """
    yield value
    yield repr(value)[1:-1]
    yield repr(f'"{value}')[2:-1]  # beside quotes of both kinds
    yield json.dumps(value)[1:-1]
