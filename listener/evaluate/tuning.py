"""
How much orders should count beside texts, as the shop's own past says.
"""

from __future__ import annotations

import math

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from listener.clock import Clock
from listener.evaluate.catalogue import Places
from listener.evaluate.sales import Sales, blend, foretold, luck
from listener.evaluate.statistics import Comparison, Interval, compare, interval


SHARES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
LEAST_ORDERS: Final = 5  # later ones, that a product asked about is in
LEAST_ASKED: Final = 20  # of each half; a share that fewer choose is chosen by chance
TUNED_ON: Final = 300  # most products; each is asked about with every share
REPORTED_ON: Final = 1_000  # most products; these with two


@dataclass(frozen=True, slots=True)
class Tuned:
    """
    What was found.

    Attributes:
        by_share: nDCG at 10 on the half of the products to tune on, by share.
        tuning: How many products that is of.
        reporting: How many all that follows is of.
        present: The share that is in effect.
        chosen: The best on the half to tune on; of equals the one nearest to present.
        before: nDCG at 10 with the one, on the other half.
        after: With the other.
        beside: How much more the second has.
    """

    by_share: Mapping[float, float]
    tuning: int
    reporting: int
    present: float
    chosen: float
    before: Interval
    after: Interval
    beside: Comparison

    @property
    def is_better(self) -> bool:
        """
        Whether the chosen share is surely better where nothing was chosen.
        """
        return self.chosen != self.present and self.beside.difference.low > 0


def tune(sales: Sales, present: float, clock: Clock) -> Tuned | None:
    """
    Return the share of the orders that foretells best; None when too few products are in
    the later orders to say.
    """
    tuning, reporting = _halves(sales)
    if min(len(tuning), len(reporting)) < LEAST_ASKED:
        return None
    shares = sorted({*SHARES, present})
    blends = {share: blend(sales, share) for share in shares}
    by_share = {
        share: float(values.mean())
        for share, values in foretold(sales, tuning, blends, clock).items()
    }
    chosen = max(shares, key=lambda one: (by_share[one], -math.fabs(one - present)))
    pair = {share: blends[share] for share in (present, chosen)}
    values = foretold(sales, reporting, pair, clock)
    return Tuned(
        by_share,
        len(tuning),
        len(reporting),
        present,
        chosen,
        interval(values[present]),
        interval(values[chosen]),
        compare(values[present], values[chosen]),
    )


def _halves(sales: Sales) -> tuple[Places, Places]:
    """
    Return the places to tune on, and those to report on: drawn by chance, always the
    same ones.
    """
    asked = np.flatnonzero(sales.held >= LEAST_ORDERS)
    rows = sales.catalogue.rows
    drawn = sorted(asked.tolist(), key=lambda place: luck(rows[place].key))
    middle = len(drawn) // 2
    return (
        np.array(drawn[:middle][:TUNED_ON], np.int64),
        np.array(drawn[middle:][:REPORTED_ON], np.int64),
    )
