"""
From what a document calls text to plain text.
"""

from __future__ import annotations

import html
import math
import re

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Final

from bson import Decimal128

from listener.values.usable import (
    CUT,
    REFERENCE,
    Unusable,
    all_usable,
    first_usable,
    wrong_type,
)


LONGEST_TEXT: Final = 20_000  # some 3,000 words: more no longer says what a thing is
LONGEST_MARKUP: Final = 100_000  # looked at for it; bounds what one document costs
LONGEST_NAME: Final = 500  # a longer name is a description in the wrong place
LONGEST_LABEL: Final = 100  # of a tag, a brand, a step of a category path
MOST_TAGS: Final = 100  # beyond this, tags are no longer chosen
KNOWN_LABELS: Final = 8_192  # a shop has few, each of which many products have
LABELS: Final = ("name", "title", "label", "slug")  # where an object says its name

OBJECT_ID_DIGITS: Final = 24

_OBJECT_ID = re.compile(r"[0-9a-f]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_HIDDEN = re.compile(r"<(?:!--|(script|style)\b)", re.IGNORECASE)
_ENDS: Final = {
    None: re.compile("-->"),
    "script": re.compile(r"</script[^<>]*>", re.IGNORECASE),
    "style": re.compile(r"</style[^<>]*>", re.IGNORECASE),
}
# Neither looks beyond the next "<", so hostile markup costs no more than its length.
_TAG = re.compile(
    r"""</?([a-z][a-z0-9]*)(?:[^<>"']|"[^"<]*"|'[^'<]*')*+>"""
    r"""|</?([a-z][a-z0-9]*)[^<>]*>|<[!?/][^<>]*>""",
    re.IGNORECASE,
)
_HUGE_ENTITY = re.compile(r"&#x?[0-9a-f]{9,};?", re.IGNORECASE)  # no such character
_INLINE: Final = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "big",
        "code",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "mark",
        "s",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "tt",
        "u",
        "var",
        "wbr",
    ]
)  # all other tags part words


def to_plain(text: str) -> str:
    """
    Return *text* without markup and control characters, its spaces single.

    Tags go and entities become their characters; the contents of scripts, styles and
    comments go too, to the end of the text when they are not closed.
    """
    if "<" in text:
        text = _TAG.sub(_to_space, _without_hidden(text))
    if "&" in text:
        text = html.unescape(_HUGE_ENTITY.sub(" ", text))
    text = " ".join(text.split())
    if text.isprintable():
        return text
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def cut_at_word(text: str, limit: int) -> str:
    """
    Return at most *limit* characters of *text*, whole words if it has any.
    """
    if len(text) <= limit:
        return text
    head, space, _ = text[: limit + 1].rpartition(" ")
    return head if space else text[:limit]


def to_text(value: object, notes: list[str], limit: int = LONGEST_TEXT) -> str | None:
    """
    Return the plain text of *value*, None when it is blank.

    A number is its digits; of a list the first usable element counts. What is longer
    than *limit* characters is cut at a word, and noted.

    Raises:
        Unusable: It is no text.
    """
    if isinstance(value, list):
        return first_usable(value, partial(to_text, limit=limit), notes)
    raw = _to_string(value)
    text = to_plain(raw[:LONGEST_MARKUP])
    if len(text) > limit or len(raw) > LONGEST_MARKUP:
        text = cut_at_word(text, limit)
        notes.append(CUT)
    return text or None


def plain_text(value: object, limit: int = LONGEST_TEXT) -> str | None:
    """
    The shortcut of `to_text`.
    """
    if (
        type(value) is str
        and 0 < len(value) <= limit
        and value[0] != " "
        and value[-1] != " "
        and "<" not in value
        and "&" not in value
        and "  " not in value
        and value.isprintable()
    ):
        return value
    return None


def plain_name(value: object) -> str | None:
    """
    The shortcut of `to_name`.
    """
    return plain_text(value, LONGEST_NAME)


def plain_label(value: object) -> str | None:
    """
    The shortcut of `to_label`.
    """
    if type(value) is not str or len(value) > LONGEST_LABEL:
        return None
    return known_label(value)


@lru_cache(KNOWN_LABELS)
def known_label(text: str) -> str | None:
    """
    Return what `plain_label` does, of a text that is no longer than a label may be.
    """
    return None if is_reference(text) else plain_text(text)


def plain_tags(value: object) -> str | None:
    """
    The shortcut of `to_tags`.
    """
    if type(value) is not list or len(value) > MOST_TAGS:
        return None
    labels = [
        label
        for label in value
        if type(label) is str
        and len(label) <= LONGEST_LABEL
        and known_label(label) is not None
    ]
    return ", ".join(labels) if len(labels) == len(value) > 0 else None


def to_name(value: object, notes: list[str]) -> str | None:
    """
    Return *value* as `to_text` does, cut at `LONGEST_NAME`.
    """
    return to_text(value, notes, LONGEST_NAME)


def to_label(value: object, notes: list[str]) -> str | None:
    """
    Return the text of *value*, or the name that it has when it is an object, cut at
    `LONGEST_LABEL`. Of a list the first usable element counts.

    Raises:
        Unusable: It is neither a text nor an object with a name, or it is the hex of
            an ObjectId.
    """
    match value:
        case str():
            pass
        case list():
            return first_usable(value, to_label, notes)
        case Mapping():
            value = next((value[at] for at in LABELS if value.get(at)), value)
    text = to_text(value, notes, LONGEST_LABEL)
    if is_reference(text):
        raise Unusable(REFERENCE)
    return text


def is_reference(value: object) -> bool:
    """
    Return whether *value* is the hex of an ObjectId.
    """
    return (
        isinstance(value, str)
        and len(value) == OBJECT_ID_DIGITS
        and _OBJECT_ID.fullmatch(value) is not None
    )


def to_tags(value: object, notes: list[str]) -> str | None:
    """
    Return tags as one text, from a list of strings or of objects with a name, or from
    a string with commas. Only the first `MOST_TAGS` of a list count.

    Raises:
        Unusable: None of them is a tag.
    """
    if not isinstance(value, list):
        return to_text(value, notes)
    if len(value) > MOST_TAGS:
        notes.append(CUT)
    return ", ".join(all_usable(value[:MOST_TAGS], to_label, notes)) or None


def _without_hidden(text: str) -> str:
    shown: list[str] = []
    at = 0
    while opening := _HIDDEN.search(text, at):
        shown.append(text[at : opening.start()])
        ending = _ENDS[opening[1] and opening[1].lower()].search(text, opening.end())
        if ending is None:
            return " ".join(shown)
        at = ending.end()
    return " ".join((*shown, text[at:]))


def _to_space(tag: re.Match[str]) -> str:
    name = tag[1] or tag[2]
    return "" if name and name.lower() in _INLINE else " "


def _to_string(value: object) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case int() if not isinstance(value, bool):
            return str(value)
        case float() if math.isfinite(value):
            return str(int(value)) if value.is_integer() else str(value)
        case Decimal128():
            return str(value)
    raise wrong_type(value, "text")
