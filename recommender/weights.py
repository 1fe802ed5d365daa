"""
How much a term counts in one product, before the corpus has its say.
"""

from __future__ import annotations

import math
import struct

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
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


# What a term that all products have counts as: idf(t) = ln((1+N)/(1+df(t))) + this.
# The usual 1 lets one rare word, such as a model number, outweigh all that a kind of
# products has in common. Chosen on judged products: docs/quality.md.
LEAST_IDF: Final = 3.0


# Beyond these, weights leave what half precision and nine decimals can hold.
LEAST_WEIGHT: Final = 1e-4
MOST_WEIGHT: Final = 1e4
HEAVIEST: Final = 65_504.0  # a term in a product: the largest half-precision number

WEIGHTS_VERSION: Final = 1  # part of the fingerprint: a change rebuilds every model


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
    when sublinear (Manning, Raghavan and Schütze 2008, 6.4.1), else g(c) = c; and that
    `rounded`.
    """
    totals: dict[str, float] = {}
    for field, weight in weights.fields.items():
        if weight == 0:
            continue
        counts = Counter(_terms(product, field))
        for term, count in counts.items():
            gain = 1.0 + math.log(count) if weights.sublinear else float(count)
            totals[term] = totals.get(term, 0.0) + weight * gain
    return dict(zip(totals, rounded(totals.values()), strict=True))


def rounded(tf: Collection[float]) -> tuple[float, ...]:
    """
    Return the nearest half-precision numbers (IEEE 754's binary16: eleven binary
    digits), of two that are as near the even one; `HEAVIEST` at most.
    """
    layout = f"{len(tf)}e"
    halves = struct.pack(layout, *(min(one, HEAVIEST) for one in tf))
    return struct.unpack(layout, halves)


def _terms(product: Product, field: str) -> Iterable[str]:
    if field == "category":
        return to_category_terms(product.category)
    if field == "brand":
        return (to_brand_term(product.brand),) if product.brand else ()
    text = product.texts.get(field)
    return to_words(text) if text else ()
