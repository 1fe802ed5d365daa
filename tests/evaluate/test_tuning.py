"""
How much orders should count is learnt on one half of the products, and said of the other.
"""

from __future__ import annotations

import io

import numpy as np
import pytest

from rich.console import Console

from listener.clock import Clock
from listener.evaluate.catalogue import Catalogue
from listener.evaluate.past import split, usable
from listener.evaluate.sales import blend, foretold
from listener.evaluate.table import tuned_table
from listener.evaluate.tuning import LEAST_ASKED, SHARES, tune
from listener.mapping import Mapper
from listener.opening import to_weights
from listener.orders import OrderMapper
from tests.support.documents import make_settings
from tests.support.seasons import COLOURS, KINDS, PLACED, make_past, make_shelf


def make_sales(orders, shelf=None):
    settings = make_settings()
    mapper, of_orders = Mapper(settings), OrderMapper(settings)
    products = (mapper.to_product(one).product for one in shelf or make_shelf())
    catalogue = Catalogue.train(products, to_weights(settings))
    return split(catalogue, usable(map(of_orders.to_row, orders)))


def tune_from(orders, present):
    return tune(make_sales(orders), present, Clock())


def test_orders_that_foretell_count_more():
    """
    Where people go on to buy what they bought, though it is not alike.
    """
    tuned = tune_from(make_past(is_text_right=False), 0.0)

    assert tuned.chosen > 0.1
    assert tuned.is_better
    assert tuned.after.mean == pytest.approx(1.0)
    assert tuned.before.mean < 0.5
    assert set(tuned.by_share) == set(SHARES)


def test_orders_that_mislead_count_less():
    """
    Where they go on to buy what is alike, whatever they bought before.
    """
    tuned = tune_from(make_past(is_text_right=True), 0.9)

    assert tuned.chosen < 0.5
    assert tuned.is_better
    assert tuned.beside.difference.low > 0


def test_what_is_best_already_stays():
    """
    Also among equals; and a share that is in effect is tried, whatever it is.
    """
    past = make_past(is_text_right=False)
    best = tune_from(past, 0.0).chosen

    again = tune_from(past, best)
    odd = tune_from(past, 0.93)

    assert (again.chosen, again.is_better) == (best, False)
    assert 0.93 in odd.by_share
    assert (odd.chosen, odd.is_better) == (0.93, False)


def test_no_product_is_in_both_halves():
    """
    What was chosen for some is said of others, as many.
    """
    tuned = tune_from(make_past(is_text_right=False), 0.9)
    half = KINDS * len(COLOURS) // 2

    assert (tuned.tuning, tuned.reporting) == (half, half)


def test_of_too_few_nothing_is_said():
    """
    A share that so few choose is one by chance.
    """
    few = make_shelf()[: 2 * LEAST_ASKED - 1]
    sales = make_sales(make_past(is_text_right=False), few)

    assert tune(sales, 0.9, Clock()) is None


def test_the_newest_fifth_is_foretold():
    """
    Nothing of it is learnt; orders that do not count, or have no date, are neither.
    """
    past = make_past(is_text_right=False)
    odd = [
        past[0] | {"_id": "cancelled", "status": "cancelled"},
        {name: value for name, value in past[0].items() if name != "createdAt"}
        | {"_id": "undated"},
    ]
    sales = make_sales([*past, *odd])

    assert sales.orders.visible == len(past) * 4 // 5
    assert len(sales.later) == len(past) // 5
    assert sales.held.tolist() == [PLACED // 5] * KINDS * len(COLOURS)


def test_gains_are_shares_of_the_later_orders():
    """
    Of the product's own: its companions were in all of them, it gains nothing itself.
    """
    sales = make_sales(make_past(is_text_right=True))
    place = sales.catalogue.places[b'"kettle-red"']
    names = {
        sales.catalogue.rows[one].key for one in np.flatnonzero(sales.gains(place))
    }

    assert names == {f'"kettle-{c}"'.encode() for c in COLOURS if c != "red"}
    assert sales.gains(place).max() == 1.0


def test_right_answers_are_the_best_possible():
    """
    Where text says all, nDCG is 1; and less where it is not asked.
    """
    sales = make_sales(make_past(is_text_right=True))
    asked = np.arange(4)
    ways = {"text": blend(sales, 0.0), "none": lambda _: []}

    found = foretold(sales, asked, ways, Clock())

    assert found["text"].tolist() == pytest.approx([1.0] * 4)
    assert found["none"].tolist() == [0.0] * 4


def test_the_table_names_both_shares():
    """
    And how much better the chosen one is, with its interval.
    """
    tuned = tune_from(make_past(is_text_right=True), 0.9)
    out = io.StringIO()

    Console(file=out, width=120).print(tuned_table(tuned))

    text = out.getvalue()
    assert "present 0.9" in text
    assert f"chosen {tuned.chosen:g}" in text
    assert f"{tuned.beside.difference.mean:+.3f} (" in text
