"""
Other ways to weigh a product's terms, tried aside: the served model is not one of them
but the first.
"""

from __future__ import annotations

import itertools
import math
import re

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from scipy import sparse
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]
    ENGLISH_STOP_WORDS,
)
from sklearn.preprocessing import normalize  # type: ignore[import-untyped]

from benchmarks.quality.material import Material
from benchmarks.quality.nearest import Score
from recommender.oracle import Oracle
from recommender.text import fold, to_brand_term, to_category_terms, to_words
from recommender.weights import DEFAULT_WEIGHTS, rounded


Gain = Callable[[int], float]
Split = Callable[[str], list[str]]
SATURATION: Final = 1.2  # BM25's k1, as most set it
LONGEST_FACT: Final = 60  # characters; longer ones are texts
PRICE_STEP: Final = 0.5  # of the natural logarithm

_SIZED = re.compile(r"(?:\w|(?<=\d)[.,](?=\d)){2,}")
_DIGITS = re.compile(r"\w{2,}|\d")
_HYPHENED = re.compile(r"\w+(?:-\w+)+")
_DIGIT = re.compile(r"\d")


def log_gain(count: int) -> float:
    """
    Return 1 + ln c.
    """
    return 1.0 + math.log(count)


def linear_gain(count: int) -> float:
    """
    Return c.
    """
    return float(count)


def saturating_gain(count: int) -> float:
    """
    Return c·(k+1)/(c+k): 1 for the first, k+1 for very many.
    """
    return count * (SATURATION + 1.0) / (count + SATURATION)


def sizes_whole(text: str) -> list[str]:
    """
    Return the words of *text*, numbers with a point or a comma and their unit whole.
    """
    return _SIZED.findall(fold(text))


def digits_too(text: str) -> list[str]:
    """
    Return the words of *text* and its single digits.
    """
    return _DIGITS.findall(fold(text))


def models_joined(text: str) -> list[str]:
    """
    Return the words of *text*, and what has hyphens and digits as one word, too.
    """
    parts = (one for one in _HYPHENED.findall(fold(text)) if _DIGIT.search(one))
    return [*to_words(text), *(part.replace("-", "") for part in parts)]


@dataclass(frozen=True, slots=True)
class Recipe:
    """
    How a product's terms are weighed: tf(d,t) = Σ_f w_f · g(count_f(d,t)), `rounded`.

    Attributes:
        weights: By field: those of the model; "bigrams" of the name; "facts", each
            attribute with its value as one term; "names", those of the attributes;
            "type", that of the attributes as a category; "price", the next of the
            steps of its logarithm, `PRICE_STEP` apart.
        gain: g.
        split: Finds words.
        floor: Added to the idf of each term, beyond the model's `LEAST_IDF`.
        is_stemmed: Whether a plural's s is cut off.
        has_stop_words: Whether English ones count.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: DEFAULT_WEIGHTS)
    gain: Gain = log_gain
    split: Split = to_words
    floor: float = 0.0
    is_stemmed: bool = False
    has_stop_words: bool = True

    def changed(self, change: Change) -> Recipe:
        """
        Return this recipe with *change* made to it.
        """
        return Recipe(
            {**self.weights, **change.weights},
            change.gain or self.gain,
            change.split or self.split,
            change.floor or self.floor,
            change.is_stemmed or self.is_stemmed,
            self.has_stop_words and not change.drops_stop_words,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """
    What is tried.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    gain: Gain | None = None
    split: Split | None = None
    floor: float = 0.0
    is_stemmed: bool = False
    drops_stop_words: bool = False


CHANGES: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "counts as they are": Change(gain=linear_gain),
        "counts that saturate": Change(gain=saturating_gain),
        "name x 2": Change({"name": 2.0}),
        "name x 4": Change({"name": 4.0}),
        "description x 1": Change({"description": 1.0}),
        "description x 3": Change({"description": 3.0}),
        "attributes x 0": Change({"attributes": 0.0}),
        "attributes x 0.5": Change({"attributes": 0.5}),
        "attributes x 1": Change({"attributes": 1.0}),
        "brand x 0": Change({"brand": 0.0}),
        "brand x 3": Change({"brand": 3.0}),
        "name bigrams x 1": Change({"bigrams": 1.0}),
        "attribute facts x 0.5": Change({"facts": 0.5}),
        "attribute names x 0.5": Change({"names": 0.5}),
        "product type as category": Change({"type": 2.0}),
        "price near x 1": Change({"price": 1.0}),
        "plural s cut off": Change(is_stemmed=True),
        "English stop words left out": Change(drops_stop_words=True),
        "sizes whole, as 1.5l": Change(split=sizes_whole),
        "single digits count": Change(split=digits_too),
        "model numbers joined, too": Change(split=models_joined),
        "idf - 2, as is usual": Change(floor=-2.0),
        "idf + 1": Change(floor=1.0),
    }
)


def score_by(recipe: Recipe, material: Material) -> Score:
    """
    Return the cosine of smooth TF-IDF of those terms, as the model has it.
    """
    rows = {
        product.key: dict(_weigh(recipe, material, place))
        for place, product in enumerate(material.products)
    }
    oracle = Oracle.of_rows(rows)  # in order of the keys, which is that of the places
    if not recipe.floor:
        return lambda asked: oracle.scores(asked.tolist())
    idf = sparse.diags_array(oracle.idf + recipe.floor)
    vectors = sparse.csr_array(normalize(oracle.tf @ idf))
    return lambda asked: (vectors[asked] @ vectors.T).toarray()


def _weigh(
    recipe: Recipe, material: Material, place: int
) -> Iterator[tuple[str, float]]:
    totals: dict[str, float] = {}
    for name, weight in recipe.weights.items():
        if weight:
            for term, count in Counter(_terms(recipe, material, place, name)).items():
                totals[term] = totals.get(term, 0.0) + weight * recipe.gain(count)
    yield from zip(totals, rounded(totals.values()), strict=True)


def _terms(recipe: Recipe, material: Material, place: int, name: str) -> Iterable[str]:
    product = material.products[place]
    match name:
        case "category":
            return to_category_terms(product.category)
        case "brand":
            return [to_brand_term(product.brand)] if product.brand else []
        case "facts" | "names" | "type":
            return _attribute_terms(material.documents[place], name)
        case "price":
            step = product.price > 0 and math.log(product.price) / PRICE_STEP
            return [f"price={step:.0f}"] if step else []
        case "bigrams":
            words = _words(recipe, product.texts.get("name", ""))
            return [f"{one} {other}" for one, other in itertools.pairwise(words)]
        case _:
            return _words(recipe, product.texts.get(name, ""))


def _attribute_terms(document: Mapping[str, Any], name: str) -> Iterable[str]:
    attributes: Mapping[str, Any] = document.get("attributes") or {}
    match name:
        case "facts":
            return _facts(attributes)
        case "names":
            return [f"={name}" for name in attributes]
        case _:
            type_ = attributes.get("product_type") or attributes.get("type")
            return to_category_terms([str(type_)]) if type_ else []


def _facts(attributes: Mapping[str, Any]) -> list[str]:
    facts = (fold(f"{name}={value}") for name, value in attributes.items())
    return [fact for fact in facts if len(fact) <= LONGEST_FACT]


def _words(recipe: Recipe, text: str) -> list[str]:
    words = recipe.split(text)
    if not recipe.has_stop_words:
        words = [word for word in words if word not in ENGLISH_STOP_WORDS]
    return [_stem(word) for word in words] if recipe.is_stemmed else words


def _stem(word: str) -> str:
    is_plural = word.endswith("s") and not word.endswith("ss") and len(word) > 3  # noqa: PLR2004 gas, bus
    return word.removesuffix("s") if is_plural else word
