"""
Why a product was returned: the numbers that made its score, by what they stand for.
"""

from __future__ import annotations

import math

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from recommender import kernels
from recommender.query import Query
from recommender.snapshot import ENCODING, Row, Snapshot
from recommender.text import is_brand_term, is_category_term, to_depth, to_words


MOST_TERMS: Final = 8  # named; a page has room for three


class Origin(StrEnum):
    """
    Where two products have a term in common.
    """

    NAME = "name"
    DESCRIPTION = "description"
    CATEGORY = "category"
    BRAND = "brand"
    OTHER = "other"  # in what pages do not show, such as tags; never named


class SharedTerm(NamedTuple):
    """
    A term that both have.

    Attributes:
        label: As a person reads it.
        origin: Where it is.
        contribution: Its part of the score.
        depth: Of a category, from 1 at the root; else 0.
    """

    label: str
    origin: Origin
    contribution: float
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """
    How near two prices are.

    Attributes:
        closeness: The lower divided by the higher, from 0 to 1.
        difference: What the product returned costs more.
    """

    closeness: float
    difference: float


@dataclass(frozen=True, slots=True)
class Reasons:
    """
    Why a product was returned.

    Attributes:
        terms: The weightiest that may be named, at most `MOST_TERMS`.
        shares: Parts of the score by origin; they add up to 1.
        price: None unless both have one.
    """

    terms: tuple[SharedTerm, ...]
    shares: Mapping[Origin, float]
    price: Price | None


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What a page shows of what was asked with.

    Attributes:
        names: Words of the names.
        shown: Words of the names and descriptions.
        price: NaN when unknown, or of several.
    """

    names: frozenset[str]
    shown: frozenset[str]
    price: float = math.nan

    @classmethod
    def of_rows(cls, rows: Sequence[Row], words: Iterable[str] = ()) -> Seen:
        """
        Return what is shown of *rows*, and of *words* that were asked with.
        """
        texts = [_shown(row) for row in rows]
        words = frozenset(words)
        return cls(
            words.union(*(names for names, _ in texts)),
            words.union(*(shown for _, shown in texts)),
            rows[0].price if len(rows) == 1 and not words else math.nan,
        )


def contributions(snapshot: Snapshot, query: Query, row: Row) -> dict[str, float]:
    """
    Return what each term gives to the score of *row*, above 0: weight(t)·tf(d,t) /
    (‖q‖·‖d‖). Together they are the score.
    """
    segment = row.view.segment
    span = slice(segment.indptr[row.row], segment.indptr[row.row + 1])
    terms = segment.terms[span]
    places = np.empty(len(terms), np.int64)
    kernels.find_sorted(query.hashes, segment.dictionary[terms], places)
    shared = np.flatnonzero(places >= 0)
    length = math.sqrt(query.square * snapshot.square(row))
    tf = segment.tf[span][shared].astype(np.float64)
    parts = query.weights[places[shared]] * tf / length
    words = (segment.words[place].decode(*ENCODING) for place in terms[shared])
    return dict(zip(words, parts.tolist(), strict=True))


def explain(snapshot: Snapshot, query: Query, row: Row, seen: Seen) -> Reasons:
    """
    Return why *row* is like *query*.

    Only terms are named that pages show of both: tags and the like are the shop's own.
    """
    names, shown = _shown(row)
    path = row.categories
    found: list[SharedTerm] = []
    for term, part in contributions(snapshot, query, row).items():
        if is_category_term(term):
            depth = min(to_depth(term), len(path))
            found.append(SharedTerm(path[depth - 1], Origin.CATEGORY, part, depth))
        elif is_brand_term(term):
            found.append(SharedTerm(row.brand, Origin.BRAND, part))
        elif term in names and term in seen.names:
            found.append(SharedTerm(term, Origin.NAME, part))
        elif term in shown and term in seen.shown:
            found.append(SharedTerm(term, Origin.DESCRIPTION, part))
        else:
            found.append(SharedTerm("", Origin.OTHER, part))
    total = math.fsum(term.contribution for term in found)
    named = [term for term in found if term.label]
    named.sort(key=lambda term: (-term.contribution, term.label))
    shares = {
        origin: math.fsum(t.contribution for t in found if t.origin is origin) / total
        for origin in Origin
    }
    return Reasons(tuple(named[:MOST_TERMS]), shares, _compare(row.price, seen.price))


def _compare(price: float, seen: float) -> Price | None:
    if math.isnan(price) or math.isnan(seen):
        return None
    high = max(price, seen)
    return Price(min(price, seen) / high if high else 1.0, price - seen)


def _shown(row: Row) -> tuple[frozenset[str], frozenset[str]]:
    """
    Return the words of the name that pages show, and of that and the description.
    """
    product: Mapping[str, Any] = orjson.loads(row.display)
    name, description = (product.get(field) for field in ("name", "description"))
    names = frozenset(to_words(name)) if isinstance(name, str) else frozenset()
    if not isinstance(description, str):
        return names, names
    return names, names.union(to_words(description))
