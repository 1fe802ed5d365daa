"""
The newest products.
"""

from __future__ import annotations

import itertools
import weakref

from collections.abc import Iterable
from typing import Final

import numpy as np

from recommender import search_kernels
from recommender.filters import Filters, to_wanted
from recommender.kernels import Ints, read_only
from recommender.ranking import Choice, deepening, one_per
from recommender.segment import Segment
from recommender.snapshot import Row, Snapshot, View


def newest(snapshot: Snapshot, filters: Filters, choice: Choice) -> list[Row]:
    """
    Return the visible products that pass, newest first by the time of creation; those
    without one last. Equals are in falling order of their keys, which for ObjectIds is
    newest first, too.

    Args:
        choice: Its limit, offset and `one_per`.
    """

    def first(count: int) -> list[Row]:
        return _first(snapshot, filters, count)

    found: Iterable[Row] = deepening(first, filters.exclude)
    if choice.one_per:
        found = one_per(found, choice.one_per)
    return list(itertools.islice(found, choice.offset, choice.offset + choice.limit))


def _first(snapshot: Snapshot, filters: Filters, count: int) -> list[Row]:
    rows = [row for view in snapshot.views for row in _first_in(view, filters, count)]
    rows.sort(key=lambda row: row.key, reverse=True)
    rows.sort(key=lambda row: (row.created_s != row.created_s, -row.created_s))
    return rows[:count]


def _first_in(view: View, filters: Filters, count: int) -> Iterable[Row]:
    wanted = to_wanted(view.segment, filters)
    if wanted is None:
        return ()
    rows = np.empty(min(count, len(view.segment)), np.int32)
    kept = search_kernels.first_accepted(
        _order(view.segment), view.columns, wanted, rows
    )
    return (Row(view, row) for row in rows[:kept].tolist())


def _order(segment: Segment) -> Ints:
    """
    Return a segment's rows, newest first.
    """
    order = _orders.get(segment)
    if order is None:
        created = np.where(np.isnan(segment.created_s), -np.inf, segment.created_s)
        rows = np.arange(len(segment))  # in order of the keys
        order = read_only(np.lexsort((-rows, -created)).astype(np.int32))
        _orders[segment] = order
    return order


_orders: Final = weakref.WeakKeyDictionary[Segment, Ints]()
