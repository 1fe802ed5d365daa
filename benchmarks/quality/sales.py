"""
Online Retail: what was bought together in its last weeks, foretold from those before.
"""

from __future__ import annotations

import csv
import functools
import gzip

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import xxhash

from benchmarks.quality.material import FOLDER, read_catalogue, there
from listener.evaluate.catalogue import Catalogue, Numbers, Places
from listener.evaluate.statistics import Comparison, Interval, compare, interval
from listener.keys import to_key
from recommender.bought import Purchases, blended, bought_together
from recommender.filters import Filters
from recommender.order import ORDER_WEIGHTS, Order, to_row
from recommender.ranking import Choice
from recommender.settings import DEFAULT_ORDERS_SHARE
from recommender.snapshot import Snapshot


PRODUCTS: Final = "online_retail_products.jsonl.gz"
LINES: Final = "online_retail_lines.csv.gz"
TRUTH: Final = timedelta(weeks=8)  # the last ones, never learnt from
HIDDEN: Final = 0.2  # of the products are taken out of the orders that are learnt from
LEAST_ORDERS: Final = 5  # of the last weeks, that a product asked about is in
TUNED_ON: Final = 300  # of them: each is asked about with every share
TUNING: Final = 0.5  # of the products asked about; the others are reported on
LIMIT: Final = 10
SHARES: Final = (0.5, 0.7, 0.8, 0.9, 0.95)
T = TypeVar("T")
TEXT, ORDERS, POPULAR = "text alone", "orders alone", "popularity"
BLEND: Final = f"both, share {DEFAULT_ORDERS_SHARE:g} as served"

# From a place and what the orders say of it to keys, best first.
Ranker = Callable[[int, Purchases, Filters], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Sales:
    """
    What to learn from, and what to foretell.

    Attributes:
        catalogue: All products.
        orders: The model of those before, without the hidden products.
        later: Baskets of the last weeks, with them, as places.
        hidden: Whether each product is, (N,).
        learnt: How many orders that model counts.
        popular: Keys of the products in most of them, in falling order.
    """

    catalogue: Catalogue
    orders: Snapshot
    later: Sequence[Places]
    hidden: np.ndarray
    learnt: int
    popular: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Foretold:
    """
    How well one way does.

    Attributes:
        figures: nDCG at 10 of all products asked about, of those with orders, and of
            the hidden ones.
        beside: How much more the blend as served has of all; None of itself.
    """

    name: str
    figures: Mapping[str, Interval]
    beside: Comparison | None


def read_sales(folder: Path = FOLDER) -> Sales:
    """
    Return the invoices of a year, split by time.

    Raises:
        FileNotFoundError: They are not there.
    """
    catalogue = read_catalogue(there(folder / PRODUCTS))
    placed, baskets = _read_baskets(there(folder / LINES))
    cut = max(placed.values()) - TRUTH
    hidden = np.array([_luck(row.key) < HIDDEN for row in catalogue.rows])
    secret = {row.key for row, one in zip(catalogue.rows, hidden, strict=True) if one}
    before = [
        Order(to_key(name), frozenset(keys - secret))
        for name, keys in baskets.items()
        if placed[name] < cut
    ]
    learnt = Catalogue.train(map(to_row, before), ORDER_WEIGHTS)
    later = [
        np.array([catalogue.places[key] for key in keys if key in catalogue.places])
        for name, keys in baskets.items()
        if placed[name] >= cut
    ]
    held = Counter(key for order in before for key in order.products)
    popular = [key for key, _ in held.most_common() if key in catalogue.places]
    return Sales(catalogue, learnt.snapshot, later, hidden, len(learnt), popular)


def foretell(sales: Sales) -> tuple[Mapping[float, float], list[Foretold]]:
    """
    Return nDCG by share of the orders, on the half of the products to tune on; and how
    well each way does, on the other half.
    """
    truth = _truth(sales)
    asked = np.flatnonzero(_orders_of(sales) >= LEAST_ORDERS)
    luck = np.array([_luck(b"half" + _key(sales, one)) for one in asked.tolist()])
    is_tuned = luck < TUNING
    tuning, reporting = asked[is_tuned][:TUNED_ON], asked[~is_tuned]
    blends = {share: _blend(sales, share) for share in SHARES}
    tuned = {
        share: float(values.mean())
        for share, values in _ndcg(sales, tuning, truth, blends).items()
    }
    found = _ndcg(
        sales,
        reporting,
        truth,
        {
            BLEND: _blend(sales, DEFAULT_ORDERS_SHARE),
            ORDERS: _sold(sales),
            TEXT: _blend(sales, 0.0),
            POPULAR: _popular(sales),
        },
    )
    served = found[BLEND]
    hidden = sales.hidden[reporting]
    return tuned, [
        Foretold(
            name,
            {
                "all": interval(values),
                "with orders": interval(values[~hidden]),
                "hidden": interval(values[hidden]),
            },
            None if name == BLEND else compare(values, served),
        )
        for name, values in found.items()
    ]


def _read_baskets(path: Path) -> tuple[dict[str, datetime], dict[str, set[bytes]]]:
    key_of = functools.cache(to_key)  # one object for each product, not for each line
    placed: dict[str, datetime] = {}
    baskets: dict[str, set[bytes]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if float(line["quantity"]) > 0:  # others were sent back
                name = line["invoice"]
                date = datetime.fromisoformat(line["date"])
                placed[name] = date.replace(tzinfo=UTC)
                baskets.setdefault(name, set()).add(key_of(line["stockcode"]))
    return placed, baskets


def _luck(key: bytes) -> float:
    """
    Return a number from 0 to 1 that is always the same for a key.
    """
    return float(xxhash.xxh3_64_intdigest(key) / 2**64)


def _key(sales: Sales, place: int) -> bytes:
    return sales.catalogue.rows[place].key


def _orders_of(sales: Sales) -> Places:
    baskets = np.concatenate(sales.later)
    return np.bincount(baskets, minlength=len(sales.catalogue))


def _truth(sales: Sales) -> Numbers:
    """
    Return the share of the later orders of each product that hold each other, (N, N).
    """
    size = len(sales.catalogue)
    pairs = np.zeros((size, size), np.float32)
    for basket in sales.later:
        pairs[np.ix_(basket, basket)] += 1
    np.fill_diagonal(pairs, 0)
    return pairs / np.maximum(_orders_of(sales), 1)[:, None]


def _ndcg(
    sales: Sales, asked: Places, truth: Numbers, rankers: Mapping[T, Ranker]
) -> dict[T, Numbers]:
    """
    Return nDCG at 10 of each product asked about (Järvelin and Kekäläinen 2002), where
    an answer gains the share of the product's later orders that hold it, (Q,), by
    ranker.
    """
    discounts = 1.0 / np.log2(np.arange(LIMIT) + 2)
    values: dict[T, list[float]] = {name: [] for name in rankers}
    for place in asked.tolist():
        gains = truth[place]
        ideal = float(np.sort(gains)[-LIMIT:][::-1] @ discounts)
        key = _key(sales, place)
        purchases, filters = Purchases.of(sales.orders, key), _all_but(key)
        for name, ranker in rankers.items():
            keys = ranker(place, purchases, filters)
            found = [sales.catalogue.places[one] for one in keys]
            gained = float(gains[found] @ discounts[: len(found)])
            values[name].append(gained / ideal if ideal else 0.0)
    return {name: np.array(some) for name, some in values.items()}


def _all_but(key: bytes) -> Filters:
    return Filters(exclude=frozenset([key]))


def _blend(sales: Sales, share: float) -> Ranker:
    snapshot, rows = sales.catalogue.snapshot, sales.catalogue.rows

    def rank(place: int, purchases: Purchases, filters: Filters) -> Iterator[bytes]:
        choice = Choice(LIMIT)
        found = blended(snapshot, rows[place], purchases, filters, choice, share=share)
        return (one.key for one in found)

    return rank


def _sold(sales: Sales) -> Ranker:
    snapshot = sales.catalogue.snapshot

    def rank(_place: int, purchases: Purchases, filters: Filters) -> Iterator[bytes]:
        found = bought_together(snapshot, purchases, filters, Choice(LIMIT))
        return (one.key for one in found)

    return rank


def _popular(sales: Sales) -> Ranker:
    best = sales.popular[: LIMIT + 1]

    def rank(_place: int, _purchases: Purchases, filters: Filters) -> list[bytes]:
        return [key for key in best if key not in filters.exclude][:LIMIT]

    return rank
