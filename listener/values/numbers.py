"""
Prices, stocks and ratings, however a document writes them.
"""

from __future__ import annotations

import math
import re

from collections.abc import Mapping
from typing import Final, NamedTuple

from bson import Decimal128

from listener.values.usable import Unusable, all_usable, first_usable, wrong_type


LONGEST_NUMBER: Final = 64  # characters, also of the words for stock; longer is prose
LARGEST_PLAIN: Final = 1e15  # exact as a float, whatever type it comes in
LONGEST_AFFIX: Final = 4  # of a price: the name of a currency, at most
# Where an object says its number; the last ones are JSON exports stored as they were.
AMOUNTS: Final = (
    "amount",
    "value",
    "rate",
    "average",
    "$numberDecimal",
    "$numberDouble",
    "$numberInt",
    "$numberLong",
)
IN_STOCK: Final = frozenset(
    [
        "instock",
        "available",
        "yes",
        "true",
        "y",
        "limitedavailability",
        "lowstock",
        "preorder",
        "presale",
        "backorder",
        "onbackorder",
        "onlineonly",
        "instoreonly",
        "unlimited",
    ]
)
OUT_OF_STOCK: Final = frozenset(
    [
        "outofstock",
        "unavailable",
        "notavailable",
        "notinstock",
        "no",
        "false",
        "n",
        "soldout",
        "discontinued",
        "empty",
    ]
)

_MARKS: Final = ".,'\u2019 \t\xa0\u202f"  # that part thousands, or decimals
_MARK = re.compile(f"[{_MARKS}]")
_FIGURE = re.compile(f"-?[0-9][0-9{_MARKS}]*")
_MULTIPLES: Final = frozenset({"k", "m", "mio", "mn", "%"})
_NOT_A_LETTER = re.compile(r"[^a-z]+")
_GROUP: Final = 3  # digits between marks that part thousands


class Stock(NamedTuple):
    """
    How much there is of a product.

    Attributes:
        available: Whether there is any.
        pieces: How many, None when the document tells only whether.
    """

    available: bool
    pieces: float | None = None


def to_number(value: object, notes: list[str]) -> float | None:
    """
    Return a finite number, None for a blank string.

    Numbers in strings may have a currency and marks that part thousands or decimals:
    a lone comma before three digits parts thousands, a lone point always decimals.
    Of a list the first usable element counts, of an object its amount.

    Raises:
        Unusable: It is no number.
    """
    match value:
        case int() | float() if not isinstance(value, bool):
            return _finite(float(value))
        case None:
            return None
        case str():
            return _finite(_parse(value)) if value.strip() else None
        case list():
            return first_usable(value, to_number, notes)
        case Mapping() if any(at in value for at in AMOUNTS):
            amounts = (value.get(at) for at in AMOUNTS)
            return first_usable(amounts, to_number, notes)
        case Decimal128():
            return _finite(_to_float(value))
    raise wrong_type(value, "a number")


def to_amount(value: object, notes: list[str]) -> float | None:
    """
    Return *value* as `to_number` does.

    Raises:
        Unusable: It is no number, or a negative one.
    """
    number = to_number(value, notes)
    if number is not None and number < 0:
        raise Unusable(reason="negative")
    return None if number is None else number + 0.0  # of -0.0 it makes 0.0


def plain_amount(value: object) -> float | None:
    """
    The shortcut of `to_amount`.
    """
    if type(value) is float or type(value) is int:
        return value + 0.0 if 0 <= value < LARGEST_PLAIN else None
    return None


def plain_stock(value: object) -> Stock | None:
    """
    The shortcut of `to_stock`.
    """
    if type(value) is float or type(value) is int:
        return Stock(value > 0, value + 0.0) if 0 <= value < LARGEST_PLAIN else None
    return Stock(value) if type(value) is bool else None


def to_stock(value: object, notes: list[str]) -> Stock | None:
    """
    Return what *value* says of stock: a number, a truth or the usual words.

    Of a list, as of variants, any that is available counts.

    Raises:
        Unusable: It says nothing of stock.
    """
    match value:
        case bool():
            return Stock(available=value)
        case str() if value.strip():
            return _to_stock_of_words(value, notes)
        case list():
            return _to_stock_of_all(value, notes)
    count = to_number(value, notes)
    return None if count is None else Stock(available=count > 0, pieces=count)


def _finite(number: float) -> float:
    if math.isfinite(number):
        return number
    raise Unusable(reason="not finite")


def _to_float(value: Decimal128) -> float:
    exact = value.to_decimal()
    return math.nan if exact.is_nan() else float(exact)


def _parse(text: str) -> float:
    text = text.strip()
    if len(text) > LONGEST_NUMBER:
        raise _no_number()
    try:
        return float(text)
    except ValueError:
        pass
    figures = _FIGURE.findall(text)
    if len(figures) != 1 or not all(map(_is_currency, text.split(figures[0]))):
        raise _no_number()
    return _parse_figure(figures[0].rstrip(_MARKS))


def _is_currency(affix: str) -> bool:
    name = affix.strip(" \t\xa0.,:-\u2013")
    return (
        len(name) <= LONGEST_AFFIX
        and name.lower() not in _MULTIPLES
        and not any(map(str.isdigit, name))
    )


def _parse_figure(figure: str) -> float:
    whole, mark, rest = _part(figure)
    groups = _MARK.split(whole)
    if mark in whole or (mark == "," and len(rest) == _GROUP and whole != "0"):
        groups, rest = [*groups, rest], ""
    if len(groups) > 1 and not _are_groups(groups):
        raise _no_number()
    return float(f"{''.join(groups)}.{rest}")


def _part(figure: str) -> tuple[str, str, str]:
    """
    Return what is before and after the last point or comma, and that.
    """
    at = max(figure.rfind("."), figure.rfind(","))
    if at < 0:
        return figure, "\0", ""
    return figure[:at], figure[at], figure[at + 1 :]


def _are_groups(groups: list[str]) -> bool:
    first, *others = groups  # in India all but the last are of two digits
    return (
        0 < len(first.lstrip("-")) <= _GROUP
        and all(len(group) in {_GROUP - 1, _GROUP} for group in others)
        and len(groups[-1]) == _GROUP
    )


def _no_number() -> Unusable:
    return Unusable("not a number: string")


def _to_stock_of_words(text: str, notes: list[str]) -> Stock:
    text = text.strip()
    if len(text) > LONGEST_NUMBER:
        raise _no_number()
    words = _NOT_A_LETTER.sub("", text.rpartition("/")[2].lower())
    if words in IN_STOCK:
        return Stock(available=True)
    if words in OUT_OF_STOCK:
        return Stock(available=False)
    count = to_number(text, notes) or 0.0
    return Stock(available=count > 0, pieces=count)


def _to_stock_of_all(values: list[object], notes: list[str]) -> Stock | None:
    stocks = all_usable(values, to_stock, notes)
    if not stocks:
        return None
    counts = [stock.pieces for stock in stocks if stock.pieces is not None]
    total = sum(counts) if len(counts) == len(stocks) else None
    return Stock(available=any(stock.available for stock in stocks), pieces=total)
