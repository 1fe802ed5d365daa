"""
What a page shows of a product, as ready JSON.
"""

from __future__ import annotations

import base64
import itertools
import re

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from bson import DatetimeMS, Decimal128, ObjectId, Timestamp

from listener.fields import Values
from listener.values.texts import cut_at_word
from listener.values.times import to_datetime
from listener.values.usable import too_large
from recommender.json_bytes import to_json_bytes


LONGEST_SUMMARY: Final = 300  # characters of a description, and an ellipsis
LARGEST_EXTRA: Final = 8_000  # bytes of a field shown as it is: answers carry ten
LARGEST_COUNT: Final = 1 << 53  # a double beyond it counts no pieces any more
MOST_NODES: Final = 1_000  # values in it; bounds the work before its size is known

_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC
_HALF_PAIRS = re.compile(r"[\ud800-\udfff]")


def to_display(values: Values, extras: Mapping[str, Any]) -> bytes:
    """
    Return the JSON object of what is known, and of *extras* under other names.
    """
    (
        name, description, _, _, category, brand, price, stock, created_s, image,
        rating,
    ) = values  # fmt: skip
    shown: dict[str, Any] = {
        "name": name,
        "description": description and _to_summary(description),
        "category": category,
        "brand": brand,
        "price": price,
        "in_stock": stock and stock.available,
        "stock": stock and _to_count(stock.pieces),
        "rating": rating,
        "image": image,
        "created_at": None if created_s is None else to_datetime(created_s),
    }
    if extras:
        shown = {**extras, **shown}
    if None in shown.values():
        shown = {name: value for name, value in shown.items() if value is not None}
    return to_json_bytes(shown, _OPTIONS)


def to_extra(value: object, _notes: list[str]) -> Any:
    """
    Return *value* as plain JSON has it: an ObjectId as its hex, a date in ISO form, a
    decimal as a number if that is exact, NaN and what JSON has no word for as null.

    Raises:
        Unusable: It is too large for an answer.
    """
    plain = _to_json(value, itertools.count(1))
    if len(orjson.dumps(plain, option=_OPTIONS)) > LARGEST_EXTRA:
        raise too_large()
    return plain


def plain_extra(value: object) -> str | int | float | None:
    """
    The shortcut of `to_extra`.
    """
    if type(value) is str:
        is_short = len(value) <= LONGEST_SUMMARY and value.isprintable()
        return value if is_short else None
    is_number = type(value) is bool or type(value) is int or type(value) is float
    return value if is_number else None  # type: ignore[return-value]


def _to_count(count: float | None) -> float | None:
    if count is None or not count.is_integer() or abs(count) > LARGEST_COUNT:
        return count
    return int(count)


def _to_summary(text: str) -> str:
    if len(text) <= LONGEST_SUMMARY:
        return text
    return f"{cut_at_word(text, LONGEST_SUMMARY)}…"


def _to_json(value: object, nodes: Iterator[int]) -> Any:
    if next(nodes) > MOST_NODES:
        raise too_large()
    match value:
        case str():
            if len(value) > LARGEST_EXTRA:
                raise too_large()
            return _without_half_pairs(value)
        case Mapping():
            return {
                _without_half_pairs(str(name)): _to_json(item, nodes)
                for name, item in value.items()
            }
        case list() | tuple():
            return [_to_json(item, nodes) for item in value]
    return _to_json_scalar(value)


def _to_json_scalar(value: object) -> Any:
    match value:
        case bool() | int() | float() | datetime():
            return value
        case ObjectId() | UUID():
            return str(value)
        case Decimal128():
            return _to_json_number(value)
        case bytes():
            return base64.b64encode(value).decode()
    return _to_json_time(value)


def _to_json_time(value: object) -> datetime | None:
    match value:
        case DatetimeMS():
            return to_datetime(int(value) / 1000)
        case Timestamp():
            return to_datetime(value.time)
    return None


def _to_json_number(value: Decimal128) -> float | str | None:
    exact = value.to_decimal()
    if not exact.is_finite():
        return None
    return float(exact) if str(exact) == str(float(exact)) else str(value)


def _without_half_pairs(text: str) -> str:
    return text if text.isascii() else _HALF_PAIRS.sub("\ufffd", text)
