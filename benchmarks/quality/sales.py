"""
Online Retail: what was bought together in its last weeks, foretold from those before.
"""

from __future__ import annotations

import csv
import functools
import gzip

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from numpy.typing import NDArray

from benchmarks.quality.material import FOLDER, read_catalogue, there
from listener.clock import Clock
from listener.evaluate.asking import LIMIT
from listener.evaluate.catalogue import Catalogue, Places
from listener.evaluate.sales import Question, Ranker, Sales, blend, foretold, luck
from listener.evaluate.statistics import Comparison, Interval, compare, interval
from listener.keys import to_key
from recommender.bought import Purchases, blended, bought_together
from recommender.lent import FEW
from recommender.order import ORDER_WEIGHTS, Order, to_row
from recommender.ranking import Choice
from recommender.settings import DEFAULT_ORDERS_SHARE


PRODUCTS: Final = "online_retail_products.jsonl.gz"
LINES: Final = "online_retail_lines.csv.gz"
TRUTH: Final = timedelta(weeks=8)  # the last ones, never learnt from
HIDDEN: Final = 0.2  # of the products are taken out of the orders that are learnt from
LEAST_ORDERS: Final = 5  # of the last weeks, that a product asked about is in
TUNED_ON: Final = 300  # of them: each is asked about with every share
TUNING: Final = 0.5  # of the products asked about; the others are reported on
SHARES: Final = (0.5, 0.7, 0.8, 0.9, 0.95)
TEXT, ORDERS, POPULAR = "text alone", "orders alone", "popularity"
BLEND: Final = f"both, share {DEFAULT_ORDERS_SHARE:g} as served"
UNLENT: Final = "both, nothing lent"


Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Invoices:
    """
    A year of them, and what is made of it.

    Attributes:
        sales: To be learnt from without the hidden products, and foretold with them.
        hidden: Whether each product is, (N,).
        learnt: How many orders the model counts.
        popular: Keys of the products in most of them, in falling order.
    """

    sales: Sales
    hidden: np.ndarray
    learnt: int
    popular: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Foretold:
    """
    How well one way does.

    Attributes:
        figures: nDCG at 10 of all products asked about, of those with as many orders as
            are lent nothing, of those with fewer, and of the hidden ones.
        beside: How much more the blend as served has, of each; nothing of itself.
    """

    name: str
    figures: Mapping[str, Interval]
    beside: Mapping[str, Comparison]


def read_invoices(folder: Path = FOLDER) -> Invoices:
    """
    Return the invoices of a year, split by time.

    Raises:
        FileNotFoundError: They are not there.
    """
    catalogue = read_catalogue(there(folder / PRODUCTS))
    placed, baskets = _read_baskets(there(folder / LINES))
    cut = max(placed.values()) - TRUTH
    hidden = np.array([luck(row.key) < HIDDEN for row in catalogue.rows])
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
    sales = Sales(catalogue, learnt.snapshot, later)
    return Invoices(sales, hidden, len(learnt), popular)


def foretell(invoices: Invoices) -> tuple[Mapping[float, float], list[Foretold]]:
    """
    Return nDCG by share of the orders, on the half of the products to tune on; and how
    well each way does, on the other half.
    """
    sales, clock = invoices.sales, Clock()
    asked = np.flatnonzero(sales.held >= LEAST_ORDERS)
    rows = sales.catalogue.rows
    fate = np.array([luck(b"half" + rows[one].key) for one in asked.tolist()])
    is_tuned = fate < TUNING
    tuning, reporting = asked[is_tuned][:TUNED_ON], asked[~is_tuned]
    blends = {share: blend(sales, share) for share in SHARES}
    tuned = {
        share: float(values.mean())
        for share, values in foretold(sales, tuning, blends, clock).items()
    }
    found = foretold(
        sales,
        reporting,
        {
            BLEND: blend(sales, DEFAULT_ORDERS_SHARE),
            UNLENT: _unlent(sales),
            ORDERS: _sold(sales),
            TEXT: blend(sales, 0.0),
            POPULAR: _popular(invoices),
        },
        clock,
    )
    groups = _groups(invoices, reporting)
    served = found.pop(BLEND)
    return tuned, [
        Foretold(
            BLEND, {name: interval(served[its]) for name, its in groups.items()}, {}
        ),
        *(
            Foretold(
                way,
                {name: interval(values[its]) for name, its in groups.items()},
                {
                    name: compare(values[its], served[its])
                    for name, its in groups.items()
                },
            )
            for way, values in found.items()
        ),
    ]


def _groups(invoices: Invoices, asked: Places) -> Mapping[str, Bools]:
    """
    Return whether each product asked about is of a group, (Q,), by its name; groups of
    none are left out.
    """
    sales, hidden = invoices.sales, invoices.hidden[asked]
    orders = [
        Purchases.of(sales.orders, sales.catalogue.rows[place].key).asked
        for place in asked.tolist()
    ]
    is_known = np.array(orders) >= FEW
    groups = {
        "all": np.ones(len(asked), np.bool_),
        f"of {FEW} orders or more": is_known,
        "of fewer": ~is_known & ~hidden,
        "hidden": hidden,
    }
    return {name: its for name, its in groups.items() if its.any()}


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


def _sold(sales: Sales) -> Ranker:
    snapshot = sales.catalogue.snapshot

    def rank(one: Question) -> Iterable[bytes]:
        found = bought_together(snapshot, one.purchases, one.filters, Choice(LIMIT))
        return (bought.key for bought in found)

    return rank


def _unlent(sales: Sales) -> Ranker:
    snapshot, rows = sales.catalogue.snapshot, sales.catalogue.rows

    def rank(one: Question) -> Iterable[bytes]:
        found = blended(
            snapshot,
            rows[one.place],
            one.purchases,
            one.filters,
            Choice(LIMIT),
            share=DEFAULT_ORDERS_SHARE,
        )
        return (bought.key for bought in found)

    return rank


def _popular(invoices: Invoices) -> Ranker:
    best = invoices.popular[: LIMIT + 1]

    def rank(one: Question) -> list[bytes]:
        return [key for key in best if key not in one.filters.exclude][:LIMIT]

    return rank
