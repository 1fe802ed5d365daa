"""
Reasons as one short sentence, fit for a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from recommender.reasons import Origin, Reasons, SharedTerm


MOST_WORDS: Final = 3
WORTH_SAYING: Final = 0.02  # of the score; "and" gives less
ALIKE: Final = 0.95  # closeness of prices from which nobody would mind the difference
WORDS: Final = (Origin.NAME, Origin.DESCRIPTION)
NOTHING_TO_NAME: Final = "Described alike."


def to_sentence(reasons: Reasons) -> str:
    """
    Return *reasons* in words, such as "In Kitchen, by Aldo, with “steel” and “kettle”
    in common; 12 % cheaper."
    """
    clauses = list(_clauses(reasons.terms))
    sentence = ", ".join(clauses) or NOTHING_TO_NAME.rstrip(".")
    price = _price(reasons)
    if price:
        sentence += f"; {price}"
    return f"{sentence[0].upper()}{sentence[1:]}."


def to_bought_sentence(
    orders: int, reasons: Reasons | None, *, is_lent: bool = False
) -> str:
    """
    Return why a product is recommended: in how many orders it was with the one seen, if
    any, or that it was with others like that, and what both have in common, if that
    counted.
    """
    bought = f"Bought together with this in {orders} orders." if orders else ""
    if is_lent:
        bought = "Bought together with others like this."
    alike = to_sentence(reasons) if reasons else ""
    return " ".join(filter(None, (bought, alike)))


def _clauses(terms: Sequence[SharedTerm]) -> Iterator[str]:
    deepest = max(terms, key=lambda term: term.depth, default=None)
    if deepest and deepest.depth:
        yield f"in {deepest.label}"
    brands = [term.label for term in terms if term.origin is Origin.BRAND]
    if brands:
        yield f"by {brands[0]}"
    words = [
        f"“{term.label}”"
        for term in terms
        if term.origin in WORDS and term.contribution >= WORTH_SAYING
    ]
    if words:
        *some, last = words[:MOST_WORDS]
        yield f"with {', '.join(some)}{' and ' if some else ''}{last} in common"


def _price(reasons: Reasons) -> str:
    price = reasons.price
    if price is None:
        return ""
    if price.closeness >= ALIKE:
        return "at a similar price"
    if price.difference < 0:
        return f"{1 - price.closeness:.0%} cheaper".replace("%", " %")
    return "dearer"
