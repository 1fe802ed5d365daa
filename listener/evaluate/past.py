"""
A shop's own past: its orders, the last of which are to be foretold from those before.
"""

from __future__ import annotations

import math

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from listener.assembly import CLOCK
from listener.evaluate.catalogue import Catalogue, Places
from listener.evaluate.sales import Sales
from listener.opening import open_orders
from listener.progress import shown
from recommender.order import ORDER_WEIGHTS, products_of
from recommender.product import Product
from recommender.segment import key_hash
from recommender.settings import ListenerSettings


LATER: Final = 0.2  # of the orders, the newest, are foretold


def read_orders(settings: ListenerSettings, uri: str) -> list[Product]:
    """
    Return the orders that the settings name, as rows; of a collection that is not there
    none.

    Raises:
        SettingsFault: The address, or a setting of the orders, cannot be right.
        Unreachable: The database cannot be read.
        Refused: The database does not allow it.
    """
    with open_orders(settings, uri) as source:
        batches = source.scan()
        counted = shown(batches, total=source.count(), task="read", clock=CLOCK)
        return [row for batch in counted for row in batch]


def usable(orders: Iterable[Product]) -> list[Product]:
    """
    Return the orders that count and whose date is known.
    """
    return [row for row in orders if row.visible and not math.isnan(row.created_s)]


def split(catalogue: Catalogue, orders: Sequence[Product]) -> Sales:
    """
    Return what to learn from, and what to foretell: the orders from the moment on before
    which `LATER` of them were not placed. There must be one, and all must be `usable`.
    """
    dates = [row.created_s for row in orders]
    cut = float(np.quantile(dates, 1 - LATER))
    before = Catalogue.train(
        (row for row in orders if row.created_s < cut), ORDER_WEIGHTS
    )
    places = {key_hash(row.key): place for place, row in enumerate(catalogue.rows)}
    later = (row for row in orders if row.created_s >= cut)
    return Sales(catalogue, before.snapshot, [*_to_baskets(later, places)])


def _to_baskets(orders: Iterable[Product], places: dict[int, int]) -> Iterator[Places]:
    for row in orders:
        found = {places[one] for one in products_of(row) if one in places}
        yield np.array(sorted(found), np.int64)
