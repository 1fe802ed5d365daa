"""
How well the values at a path are of the kind that a role asks for, from 0 to 1.
"""

from __future__ import annotations

import re

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, Final

from listener.values.texts import is_reference
from listener.values.times import to_datetime


FEW: Final = 10  # values; of fewer it says nothing that they differ
LONGEST_TITLE: Final = 200  # characters
WORDS_OF_TEXT: Final = 8  # a description has more on the average
BEST_STARS: Final = 5.0
BEST_MARK: Final = 10.0
BEST_PERCENT: Final = 100.0
FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2100

_ADDRESS = re.compile(r"https?://|//|gs://|s3://", re.IGNORECASE)
_PICTURE = re.compile(
    r"data:image/|\.(?:jpe?g|png|webp|gif|avif|svg|bmp|tiff?)\b", re.IGNORECASE
)
_MACHINE = re.compile(r"[{\[<]|https?://|/|data:")  # JSON, an address, a place
_LETTER = re.compile(r"[^\W\d_]")
_CODE = re.compile(r"(?=.*[\d_-])\S+")  # a slug, a number of an article

Quality = Callable[[Sequence[Any]], float]


def _of_name(values: Sequence[str]) -> float:
    titles = [value for value in values if is_title(value)]
    codes = sum(bool(_CODE.fullmatch(value)) for value in titles) / len(values)
    variety = 1.0 if len(values) < FEW else min(1.0, 2 * _variety(values))
    return len(titles) / len(values) * variety * (1 - 0.6 * codes)


def _of_description(values: Sequence[str]) -> float:
    texts = [value for value in values if not _MACHINE.match(value)]
    if not texts:
        return 0.0
    words = fmean(max(value.count(" ") + 1, len(value) / 8) for value in texts)
    variety = 1.0 if len(values) < FEW else min(1.0, 0.3 + _variety(values))
    return len(texts) / len(values) * min(1.0, 0.3 + words / WORDS_OF_TEXT) * variety


def _of_category(values: Sequence[tuple[str, ...]]) -> float:
    labels = [value for value in values if all(map(is_title, value))]
    share = len(labels) / len(values)
    if len(values) < FEW:
        return share
    tells = 1.0 if len(set(values)) > 1 else 0.5  # the type of all is "simple"
    return share * tells * min(1.0, 1.5 - _variety(values))


def _of_brand(values: Sequence[str]) -> float:
    labels = [value for value in values if is_title(value)]
    share = len(labels) / len(values)
    return share if len(values) < FEW else share * min(1.0, 1.7 - _variety(values))


def _of_price(values: Sequence[float]) -> float:
    return sum(value > 0 for value in values) / len(values)


def _of_created(values: Sequence[float]) -> float:
    times = map(to_datetime, values)
    known = [at for at in times if at and FIRST_YEAR <= at.year < LAST_YEAR]
    return len(known) / len(values)


def _of_image(values: Sequence[str]) -> float:
    return fmean(map(_of_address, values))


def _of_rating(values: Sequence[float]) -> float:
    best = max(values)
    limits = ((BEST_STARS, 1.0), (BEST_MARK, 0.9), (BEST_PERCENT, 0.7))
    return next((quality for limit, quality in limits if best <= limit), 0.0)


def _of_tags(values: Sequence[str]) -> float:
    return fmean(
        0.2 if _MACHINE.match(value) else 1.0 if "," in value else 0.8
        for value in values
    )


def _of_attributes(values: Sequence[str]) -> float:
    return fmean(0.2 if _MACHINE.match(value) else 1.0 for value in values)


def _of_parent(values: Sequence[Any]) -> float:
    return 1.0 if _variety([repr(value) for value in values]) < 1 else 0.5


def _of_any(_values: Sequence[Any]) -> float:
    return 1.0


def is_title(text: str) -> bool:
    """
    Return whether *text* may name something to people.
    """
    return (
        len(text) <= LONGEST_TITLE
        and _LETTER.search(text) is not None
        and not _MACHINE.match(text)
        and not is_reference(text)
    )


def _of_address(text: str) -> float:
    if _PICTURE.search(text):
        return 1.0
    return 0.7 if _ADDRESS.match(text) else 0.3  # it may be one of a page


def _variety(values: Sequence[object]) -> float:
    return len(set(values)) / len(values)


QUALITIES: Final[Mapping[str, Quality]] = {
    "name": _of_name,
    "description": _of_description,
    "category": _of_category,
    "brand": _of_brand,
    "price": _of_price,
    "stock": _of_any,
    "created": _of_created,
    "image": _of_image,
    "rating": _of_rating,
    "tags": _of_tags,
    "attributes": _of_attributes,
    "parent": _of_parent,
    "popularity": _of_any,
}
