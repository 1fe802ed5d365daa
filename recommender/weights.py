"""
How much a term counts in one product, before the corpus has its say.
"""

from __future__ import annotations

import math

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from recommender.product import Product
from recommender.text import to_brand_term, to_category_terms, to_words


# Names say most about what a thing is. Chosen on judged products: docs/quality.md.
DEFAULT_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "name": 3.0,
        "tags": 2.0,
        "category": 2.0,
        "brand": 1.0,
        "description": 2.0,
        "attributes": 0.25,
    }
)


# Beyond these, products of weights leave what float32 and nine decimals can hold.
LEAST_WEIGHT: Final = 1e-4
MOST_WEIGHT: Final = 1e4


@dataclass(frozen=True, slots=True)
class Weights:
    """
    What shapes a product's term weights.

    Attributes:
        fields: Weight by text field, and for "category" and "brand"; 0, or from
            `LEAST_WEIGHT` to `MOST_WEIGHT`. A field of weight 0, or not named, is
            left out.
        sublinear: Whether a count c weighs 1 + ln c, else c.
    """

    fields: Mapping[str, float]
    sublinear: bool = True

    def __post_init__(self) -> None:
        for name, weight in self.fields.items():
            if weight != 0 and not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
                msg = (
                    f"the weight of {name!r} must be 0, or from {LEAST_WEIGHT:g} to "
                    f"{MOST_WEIGHT:g}, not {weight}"
                )
                raise ValueError(msg)


def term_weights(product: Product, weights: Weights) -> dict[str, float]:
    """
    Return tf(d, t) for each term t of a product d.

    tf(d,t) = Σ_f w_f · g(count_f(d,t)) over the fields f, where g(c) = 1 + ln c
    when sublinear (Manning, Raghavan and Schütze 2008, 6.4.1), else g(c) = c.
    """
    totals: dict[str, float] = {}
    for field, weight in weights.fields.items():
        if weight == 0:
            continue
        counts = Counter(_terms(product, field))
        for term, count in counts.items():
            gain = 1.0 + math.log(count) if weights.sublinear else float(count)
            totals[term] = totals.get(term, 0.0) + weight * gain
    return totals


def _terms(product: Product, field: str) -> Iterable[str]:
    if field == "category":
        return to_category_terms(product.category)
    if field == "brand":
        return (to_brand_term(product.brand),) if product.brand else ()
    text = product.texts.get(field)
    return to_words(text) if text else ()
