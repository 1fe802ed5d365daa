"""
A shop's past, whose last orders can be foretold by construction.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.support.ordering import make_order_document


KINDS: Final = 12
EACH: Final = 6  # products of each kind, named alike
PLACED: Final = 40  # orders of each set; a fifth of them are later ones
WORDS: Final = (
    "kettle", "lamp", "chair", "jacket", "bottle", "tent",
    "helmet", "speaker", "scarf", "knife", "violin", "ladder",
)  # fmt: skip
COLOURS: Final = ("red", "blue", "green", "black", "white", "grey")

Document = dict[str, Any]


def make_shelf() -> list[Document]:
    """
    Return products, of which those of a kind are alike.
    """
    return [
        {"_id": f"{word}-{colour}", "name": f"{colour} {word}", "status": "approved"}
        for word in WORDS
        for colour in COLOURS
    ]


def make_past(*, is_text_right: bool) -> list[Document]:
    """
    Return orders, of each day one of every set. First a set is one product each of half
    of the kinds; later the same, or all products of a kind, if *is_text_right*.
    """
    across = [
        [f"{word}-{colour}" for word in half]
        for colour in COLOURS
        for half in (WORDS[:EACH], WORDS[EACH:])
    ]
    alike = [[f"{word}-{colour}" for colour in COLOURS] for word in WORDS]
    orders = []
    for day in range(PLACED):
        is_later = day >= PLACED * 4 // 5
        date = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
        for number, basket in enumerate(
            alike if is_later and is_text_right else across
        ):
            id_ = f"{day}-{number}"
            orders.append(make_order_document(id_, *basket, createdAt=date))
    return orders
