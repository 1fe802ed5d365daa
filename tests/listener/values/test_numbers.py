"""
Prices, stocks and ratings, however a document writes them.
"""

import math

import pytest

from bson import Decimal128, Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from listener.values.numbers import (
    LONGEST_NUMBER,
    Stock,
    to_amount,
    to_number,
    to_stock,
)
from listener.values.usable import Unusable
from tests.support.documents import any_value


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5.0),
        (Int64(5), 5.0),
        (5.25, 5.25),
        (Decimal128("12.50"), 12.5),
        ("21.99", 21.99),
        (" 21.99 ", 21.99),
        ("1e3", 1000.0),
        ("1,299.00", 1299.0),
        ("1.299,00 €", 1299.0),
        ("€ 12,50", 12.5),
        ("$1,299", 1299.0),
        ("1.299", 1.299),
        ("0,125", 0.125),
        ("12,345", 12345.0),
        ("1.234.567", 1234567.0),
        ("1,234,567.8", 1234567.8),
        ("1,23,456.00", 123456.0),
        ("1'299.00", 1299.0),
        ("1 299 kr", 1299.0),
        ("1\xa0299,00\xa0€", 1299.0),
        ("Rs.500", 500.0),
        ("Rs. 500", 500.0),
        ("500.-", 500.0),
        ("12,–", 12.0),  # noqa: RUF001 as shops write it
        ("12.50 EUR", 12.5),
        ("EUR12", 12.0),
        ("US$ 5", 5.0),
        ("-3", -3.0),
        ([None, "", "7"], 7.0),
        ({"amount": 5, "currency": "EUR"}, 5.0),
        ({"rate": 3.9, "count": 120}, 3.9),
        ({"$numberDecimal": "12.50"}, 12.5),
        ("", None),
        ("  ", None),
        (None, None),
        ([], None),
        ({"value": None}, None),
    ],
    ids=str,
)
def test_numbers(value, number):
    """
    Numbers of all types, and in strings with a currency and with marks between digits.
    """
    assert to_number(value, []) == number


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("free", "not a number: string"),
        ("10 - 20", "not a number: string"),
        ("10 20", "not a number: string"),
        ("5 for 3", "not a number: string"),
        ("12k", "not a number: string"),
        ("12%", "not a number: string"),
        ("1.2.3", "not a number: string"),
        ("1,2,3.4", "not a number: string"),
        ("12..5", "not a number: string"),
        ("$", "not a number: string"),
        ("1" * (LONGEST_NUMBER + 1), "not a number: string"),
        ("nan", "not finite"),
        ("inf", "not finite"),
        (math.nan, "not finite"),
        (-math.inf, "not finite"),
        (Decimal128("NaN"), "not finite"),
        (Decimal128("sNaN"), "not finite"),
        (Decimal128("1E+400"), "not finite"),
        (True, "not a number: bool"),
        ({"net": 5}, "not a number: object"),
        (b"5", "not a number: binData"),
        (ObjectId("65a000000000000000000002"), "reference"),
        (["free", True], "not a number: string"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_number(value, reason):
    """
    What is not plainly one number is refused rather than guessed.
    """
    with pytest.raises(Unusable, match=reason):
        to_number(value, [])


@given(st.floats(0, 1e12).map(lambda price: round(price, 2)))
def test_prices_read_back_as_they_were_written(price):
    """
    A price with two decimals means the same in English and in German.
    """
    english = f"{price:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))

    assert to_number(f"$ {english}", []) == to_number(f"{german} €", []) == price


def test_amounts_are_not_negative():
    """
    A negative price is none; zero has no sign.
    """
    with pytest.raises(Unusable, match="negative"):
        to_amount("-5", [])
    assert math.copysign(1, to_amount(-0.0, [])) == 1
    assert to_amount(None, []) is None


@pytest.mark.parametrize(
    ("value", "stock"),
    [
        (12, Stock(available=True, pieces=12.0)),
        (0, Stock(available=False, pieces=0.0)),
        (-3, Stock(available=False, pieces=-3.0)),
        ("12", Stock(available=True, pieces=12.0)),
        ("0", Stock(available=False, pieces=0.0)),
        (Decimal128("3"), Stock(available=True, pieces=3.0)),
        (True, Stock(available=True)),
        (False, Stock(available=False)),
        ("true", Stock(available=True)),
        ("in stock", Stock(available=True)),
        ("InStock", Stock(available=True)),
        ("Out of stock", Stock(available=False)),
        ("SOLD-OUT", Stock(available=False)),
        ("onbackorder", Stock(available=True)),
        ("https://schema.org/OutOfStock", Stock(available=False)),
        ([0, 5], Stock(available=True, pieces=5.0)),
        ([0, 0], Stock(available=False, pieces=0.0)),
        ([True, 5], Stock(available=True)),
        ("", None),
        (None, None),
        ([], None),
        ([None], None),
    ],
    ids=str,
)
def test_stock(value, stock):
    """
    A number above zero, true, or words that say so mean that there is some; of
    variants any counts.
    """
    assert to_stock(value, []) == stock


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "not finite"),
        ("maybe", "not a number: string"),
        ({"warehouse": 5}, "not a number: object"),
        (ObjectId("65a000000000000000000002"), "reference"),
    ],
    ids=str,
)
def test_what_says_nothing_of_stock(value, reason):
    """
    What is neither a number, a truth nor the usual words is refused.
    """
    with pytest.raises(Unusable, match=reason):
        to_stock(value, [])


@given(any_value())
def test_nothing_fails_but_as_unusable(value):
    """
    Any value is a finite number, or unusable; and says something of stock, or not.
    """
    for convert in (to_amount, to_stock):
        try:
            found = convert(value, [])
        except Unusable:
            continue
        number = found.pieces if isinstance(found, Stock) else found
        assert number is None or math.isfinite(number)
