"""
A snapshot against the model trained from scratch: what differs, and in which product.
"""

from __future__ import annotations

import itertools
import math
import random

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from numpy.typing import NDArray

from recommender.address import to_address
from recommender.oracle import Oracle
from recommender.product import Product
from recommender.segment import category_path
from recommender.snapshot import Hit, Row, Snapshot
from recommender.weights import Weights, term_weights


TOLERANCE: Final = 1e-6  # of scores; both sides reckon in float64
RELATIVE: Final = 1e-6  # of term weights and squared norms; more than is ever seen
LIMIT: Final = 10  # ranks compared
ALL_RANKINGS: Final = 20_000  # beyond so many products, those of a sample are compared
SOME_RANKINGS: Final = 1_000  # however many products there are
SCORED: Final = 2_000_000_000  # scores computed anew, some ten minutes on one core
SEED: Final = 5002
ROOM: Final = 4_000_000  # scores held at once
NOTHING_KNOWN: Final[Mapping[bytes, Mapping[str, float]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Difference:
    """
    Where the model is not what the collection says.

    Attributes:
        product_id: Address of the product.
        what: The part that differs, such as "terms" or "ranking".
        model: What the model has.
        collection: What it would have, trained from scratch.
    """

    product_id: str
    what: str
    model: str
    collection: str


def differences(
    snapshot: Snapshot,
    products: Mapping[bytes, Product],
    weights: Weights,
    moving: Collection[bytes] = (),
    known: Mapping[bytes, Mapping[str, float]] = NOTHING_KNOWN,
) -> Iterator[Difference]:
    """
    Yield everything in which *snapshot* differs from a model trained on *products*.

    Args:
        moving: Keys of products that are being written, for which the snapshot is
            believed; they are compared another time.
        known: tf(d, t) of some of *products*, by key, which are not computed again.
    """
    rows = {row.key: row for row in snapshot.living()}
    moving = frozenset(moving)
    yield from presence_differences(
        {key: row for key, row in rows.items() if key not in moving},
        {key: product for key, product in products.items() if key not in moving},
    )
    trained: dict[bytes, Mapping[str, float]] = {}
    for key, row in rows.items():
        product = products.get(key)
        if product is None or key in moving:
            trained[key] = row.terms()
        else:
            trained[key] = (
                known[key] if key in known else term_weights(product, weights)
            )
            yield from row_differences(row, product, trained[key])
    oracle = Oracle.of_rows(trained)
    yield from _norms(snapshot, rows, oracle)
    yield from _rankings(snapshot, rows, oracle)


def presence_differences(
    rows: Mapping[bytes, Row], products: Mapping[bytes, Product]
) -> Iterator[Difference]:
    """
    Yield the products that only one of both has.
    """
    for key in sorted(products.keys() - rows.keys()):
        yield Difference(to_address(key), "presence", "absent", "present")
    for key in sorted(rows.keys() - products.keys()):
        yield Difference(to_address(key), "presence", "present", "absent")


def row_differences(
    row: Row, product: Product, terms: Mapping[str, float]
) -> Iterator[Difference]:
    """
    Yield in what a row is not *product*, whose tf(d, t) are *terms*.
    """
    address = to_address(product.key)
    held = row.terms()
    if held.keys() != terms.keys():
        yield Difference(
            address,
            "terms",
            _listed(held.keys() - terms.keys()),
            _listed(terms.keys() - held.keys()),
        )
    elif any(not math.isclose(held[t], terms[t], rel_tol=RELATIVE) for t in terms):
        yield Difference(address, "weights", str(held), str(dict(terms)))
    for name, ours, theirs in (
        ("visible", row.visible, product.visible),
        ("in_stock", row.in_stock, product.in_stock),
        ("price", row.price, product.price),
        ("created", row.created_s, product.created_s),
        ("category", row.category, category_path(product.category)),
        ("brand", row.brand, product.brand),
        ("display", row.display, product.display),
    ):
        if ours != theirs and not _are_nan(ours, theirs):
            yield Difference(address, name, str(ours), str(theirs))


def sampled(keys: Sequence[bytes]) -> Sequence[bytes]:
    """
    Return the keys whose rankings are compared: all, or a sample of the many.
    """
    count = rankings_of(len(keys))
    if count == len(keys):
        return keys
    return sorted(random.Random(SEED).sample(keys, count))  # noqa: S311


def rankings_of(products: int) -> int:
    """
    Return how many rankings are compared: each takes the scores of all products, so
    fewer of very many.
    """
    affordable = SCORED // max(products, 1)
    return min(products, ALL_RANKINGS, max(SOME_RANKINGS, affordable))


def _norms(
    snapshot: Snapshot, rows: Mapping[bytes, Row], oracle: Oracle
) -> Iterator[Difference]:
    ours = np.array([snapshot.square(rows[key]) for key in oracle.keys], np.float64)
    theirs = oracle.squares
    wrong = ~np.isclose(ours, theirs, rtol=RELATIVE, atol=0.0)
    for at in np.flatnonzero(wrong):
        yield Difference(
            to_address(oracle.keys[at]), "norm", str(ours[at]), str(theirs[at])
        )


def _rankings(
    snapshot: Snapshot, rows: Mapping[bytes, Row], oracle: Oracle
) -> Iterator[Difference]:
    at = {key: i for i, key in enumerate(oracle.keys)}
    visible = np.array([rows[key].visible for key in oracle.keys], np.bool_)
    chosen = sampled(oracle.keys)
    step = max(1, ROOM // max(len(oracle.keys), 1))
    for start in range(0, len(chosen), step):
        keys = chosen[start : start + step]
        scores = oracle.scores([at[key] for key in keys])
        scores[:, ~visible] = 0.0
        for key, row in zip(keys, scores, strict=True):
            row[at[key]] = 0.0
            hits = snapshot.similar(key, limit=LIMIT)
            fault = _ranking_fault(hits, row, at)
            if fault:
                yield Difference(to_address(key), "ranking", _shown(hits), fault)


def _ranking_fault(
    hits: Sequence[Hit], scores: NDArray[np.float64], at: Mapping[bytes, int]
) -> str:
    """
    Return why *hits* are not the best by *scores*, up to ties; empty when they are.
    """
    keys = [hit.key for hit in hits]
    if strangers := [key for key in keys if key not in at]:
        return f"{to_address(strangers[0])} is no product"
    if len(set(keys)) < len(keys):
        return "one comes twice"
    found = [at[key] for key in keys]
    for place, hit in zip(found, hits, strict=True):
        if abs(scores[place] - hit.score) > TOLERANCE:
            return f"{to_address(hit.key)} scores {scores[place]:.9f}"
    if any(a.score < b.score for a, b in itertools.pairwise(hits)):
        return "scores fall"
    bar = hits[-1].score if len(hits) == LIMIT else 0.0
    missed = scores > bar + TOLERANCE
    missed[found] = False
    if missed.any():
        best = int(np.argmax(np.where(missed, scores, 0.0)))
        key = next(key for key, place in at.items() if place == best)
        return f"{to_address(key)} scores {scores[best]:.9f} and is missing"
    return ""


def _shown(hits: Sequence[Hit]) -> str:
    return ", ".join(f"{to_address(hit.key)} {hit.score:.9f}" for hit in hits)


def _listed(terms: Collection[str]) -> str:
    return ", ".join(sorted(terms)) or "none"


def _are_nan(ours: object, theirs: object) -> bool:
    return ours != ours and theirs != theirs  # noqa: PLR0124
