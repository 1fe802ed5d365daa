"""
Prices, stocks and ratings, however a document writes them.
"""

from __future__ import annotations

import math
import re

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bson import Decimal128

from listener.values.usable import Unusable, all_usable, first_usable, wrong_type


LONGEST_NUMBER: Final = 64  # characters; longer is prose
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

_FIGURE = re.compile(r"-?[0-9][0-9.,'\u2019\s]*")
_MULTIPLES: Final = frozenset({"k", "m", "mio", "mn", "%"})
_NOT_A_LETTER = re.compile(r"[^a-z]+")
_GROUP: Final = 3  # digits between marks that part thousands


@dataclass(frozen=True, slots=True)
class Stock:
    """
    Attributes:
        available: Whether there is any.
        count: How many, None when the document tells only whether.
    """

    available: bool
    count: float | None = None


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
        case None:
            return None
        case str():
            return _finite(_parse(value)) if value.strip() else None
        case list():
            return first_usable(value, to_number, notes)
        case Mapping() if any(at in value for at in AMOUNTS):
            amounts = (value.get(at) for at in AMOUNTS)
            return first_usable(amounts, to_number, notes)
        case int() | float() if not isinstance(value, bool):
            return _finite(float(value))
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
    return number and abs(number)  # -0.0 is 0.0


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
    return None if count is None else Stock(available=count > 0, count=count)


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
        raise Unusable(reason="not a number: string")
    try:
        return float(text)
    except ValueError:
        pass
    figures = _FIGURE.findall(text)
    if len(figures) != 1 or not all(map(_is_currency, text.split(figures[0]))):
        raise Unusable(reason="not a number: string")
    return _parse_figure("".join(figures[0].split()).rstrip(".,'\u2019"))


def _is_currency(affix: str) -> bool:
    name = affix.strip(" \t\xa0.,:-\u2013")
    return (
        len(name) <= LONGEST_AFFIX
        and name.lower() not in _MULTIPLES
        and not any(map(str.isdigit, name))
    )


def _parse_figure(figure: str) -> float:
    figure = figure.replace("'", "").replace("\u2019", "")
    whole, mark, rest = _part(figure)
    if mark in whole:  # more than once, so it parts thousands
        return _join(figure.replace(mark, ""), "")
    if mark == "," and len(rest) == _GROUP and "." not in whole:
        return _join(whole + rest, "")
    return _join(whole.replace("." if mark == "," else ",", ""), rest)


def _part(figure: str) -> tuple[str, str, str]:
    if "," in figure and figure.rfind(",") > figure.rfind("."):
        return figure.rpartition(",")
    if "." in figure:
        return figure.rpartition(".")
    return figure, " ", ""


def _join(whole: str, decimals: str) -> float:
    try:
        return float(f"{whole}.{decimals}")
    except ValueError:
        raise Unusable(reason="not a number: string") from None


def _to_stock_of_words(text: str, notes: list[str]) -> Stock:
    words = _NOT_A_LETTER.sub("", text.rpartition("/")[2].lower())
    if words in IN_STOCK:
        return Stock(available=True)
    if words in OUT_OF_STOCK:
        return Stock(available=False)
    count = to_number(text, notes) or 0.0
    return Stock(available=count > 0, count=count)


def _to_stock_of_all(values: list[object], notes: list[str]) -> Stock | None:
    stocks = all_usable(values, to_stock, notes)
    if not stocks:
        return None
    counts = [stock.count for stock in stocks if stock.count is not None]
    total = sum(counts) if len(counts) == len(stocks) else None
    return Stock(available=any(stock.available for stock in stocks), count=total)
