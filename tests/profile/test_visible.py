"""
Which products visitors are let see.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from listener.profile.paths import paths_of
from listener.profile.visible import to_query
from listener.visibility import Visibility
from recommender.settings import DEFAULT_VISIBLE_WHEN


NOON = datetime(2024, 1, 5, 12, tzinfo=UTC)


def seen(sample: list[dict[str, Any]], *documents: dict[str, Any]) -> list[bool]:
    """
    Return which *documents* are seen by what *sample* says.
    """
    query = to_query(sample, paths_of(sample)) or DEFAULT_VISIBLE_WHEN
    return [Visibility(query).matches(document) for document in documents]


@pytest.mark.parametrize(
    ("field", "public", "hidden"),
    [
        ("status", "active", "draft"),
        ("Status", "Active", "Archived"),
        ("status", "approved", "pending"),
        ("state", "PUBLISHED", "IN_REVIEW"),
        ("durum", "onayland\u0131", "beklemede"),
        ("statut", "publi\u00e9", "brouillon"),
        ("status", 1, 0),
        ("status", 1, 2),
        ("status", "1", "0"),
        ("status", True, False),
        ("isActive", True, False),
        ("published", "TRUE", "FALSE"),
        ("Published", 1, -1),
        ("isDeleted", False, True),
        ("hidden", "no", "yes"),
        ("archived", 0, 1),
        ("deletedAt", None, NOON),
        ("deleted_at", None, "2024-01-05T12:00:00Z"),
        ("publishedAt", NOON, None),
    ],
)
def test_states_and_flags(field: str, public: object, hidden: object) -> None:
    """
    Both kinds of value are told apart when the sample has them.
    """
    sample = [{field: public}] * 18 + [{field: hidden}] * 6

    assert seen(sample, *sample) == [True] * 18 + [False] * 6


@pytest.mark.parametrize(
    ("field", "public", "hidden"),
    [("isActive", True, False), ("isDeleted", False, True), ("deletedAt", None, NOON),
     ("status", "active", "draft")],
)  # fmt: skip
def test_hidden_later(field: str, public: object, hidden: object) -> None:
    """
    What the sample never had hidden hides all the same when it comes.
    """
    assert seen([{field: public}] * 20, {field: hidden}) == [False]


def test_shop_in_which_nothing_is_public_yet() -> None:
    """
    When all is pending, the usual words for what is not are let pass.
    """
    sample = [{"status": "pending"}] * 20
    published, pending = {"status": "published"}, {"status": "pending"}

    assert seen(sample, published, pending) == [True, False]


def test_several() -> None:
    """
    A product must be let pass by all that says anything.
    """
    sample = [
        {"status": "active", "isDeleted": False},
        {"status": "active", "isDeleted": True},
        {"status": "draft", "isDeleted": False},
    ] * 8

    assert seen(sample, *sample[:3]) == [True, False, False]


def test_unknown_words() -> None:
    """
    A status in words that nobody knows stays as the default has it: hidden.
    """
    assert to_query([{"status": "zork"}] * 20, {"status": False}) is None
    assert seen([{"status": "zork"}] * 20, {"status": "zork"}) == [False]


def test_unknown_word_later() -> None:
    """
    Beside words that are known, one that is not hides.
    """
    sample = [{"status": "active"}] * 19 + [{"status": "zork"}]

    assert seen(sample, {"status": "active"}, {"status": "zork"}) == [True, False]


def test_stock_is_no_state() -> None:
    """
    A status that says whether there is any in stock hides nothing.
    """
    sample = [{"status": "in stock"}] * 10 + [{"status": "Sold out"}] * 10

    assert to_query(sample, {"status": False}) == "{}"


def test_flags_of_others() -> None:
    """
    Flags of sellers and of variants are none of the product.
    """
    sample = [{"seller": {"isActive": False}, "variants": [{"published": False}]}] * 20

    assert to_query(sample, paths_of(sample)) is None
    assert seen(sample, *sample) == [True] * 20


def test_numbers_of_another_meaning() -> None:
    """
    A visibility of 4 is nothing that we know: it neither shows nor hides.
    """
    sample = [{"visibility": 4}] * 20

    assert to_query(sample, paths_of(sample)) is None
