"""
What was found before is found again.
"""

import hypothesis.strategies as st
import pytest

from hypothesis import given

from recommender import index as indexes
from recommender.difference import INCOMPLETE, Difference, difference
from recommender.lasting import are_lasting
from recommender.mutation import Delete, Upsert
from recommender.snapshot import Snapshot
from tests.support.products import (
    compact,
    make_generation,
    make_index,
    make_key,
    make_product,
)


IDS = st.sampled_from([str(i) for i in range(8)])
PRODUCTS = st.builds(
    make_product,
    IDS,
    name=st.sampled_from(["red kettle", "red lamp", "kettle kettle red", ""]),
    brand=st.sampled_from(["", "Aldo"]),
    price=st.sampled_from([1.0, 2.0, 3.0]),
    visible=st.sampled_from([True, True, True, False]),
)
STEPS = st.lists(
    st.lists(
        st.one_of(
            PRODUCTS.map(Upsert),
            st.tuples(IDS, st.floats(1, 9)),  # another price, nothing else
            st.builds(Delete, IDS.map(make_key)),
        ),
        min_size=1,
        max_size=3,
    ),
    min_size=1,
    max_size=8,
)
START = [make_product(str(i), "red kettle", price=1.0) for i in range(8)]


def rankings(snapshot, without):
    """
    Return what is found for each visible product, but for where one of *without* is
    asked about or found.
    """
    found = {}
    for row in snapshot.living():
        hits = snapshot.similar(row.key, limit=3)
        keys = {row.key, *(hit.key for hit in hits)}
        if row.visible and keys.isdisjoint(without):
            found[row.key] = [(hit.key, hit.score, hit.display) for hit in hits]
    return found


@given(STEPS)
def test_whatever_is_said_to_last_does(steps):
    """
    Over any changes and merges, what lasts is what is found anew, to the last digit.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexes, "SMALL_ROWS", 2)
        patch.setattr(indexes, "FANOUT", 2)
        index = make_index(START)
        known = {product.key: product for product in START}
        before = Snapshot.derive(make_generation(index))
        for step in steps:
            changes = [to_change(change, known) for change in step]
            index.apply(change for change in changes if change is not None)
            after = Snapshot.derive(make_generation(index), before)
            moved = difference(before, after)
            if are_lasting(before, after, moved):
                without = {*moved.changed, *moved.gone}
                expected = rankings(before, without)
                assert rankings(after, without).items() >= expected.items()
            before = after


def to_change(change, known):
    """
    Return a change, and take it into what is *known*.
    """
    match change:
        case (id_, price):
            product = known.get(make_key(id_))
            if product is None:
                return None
            change = Upsert(product._replace(price=price))
    match change:
        case Upsert(product):
            known[product.key] = product
        case Delete(key):
            known.pop(key, None)
    return change


def lasts(*changes, start=START, merged=False):
    index = make_index(start)
    before = Snapshot.derive(make_generation(index))
    index.apply(changes)
    if merged:
        compact(index)
    after = Snapshot.derive(make_generation(index), before)
    return are_lasting(before, after, difference(before, after))


def test_prices_and_stock():
    """
    What most writes change has no part in any score.
    """
    sold = START[0]._replace(price=5.0, in_stock=False, display=b'{"sold":true}')

    assert lasts(Upsert(sold))


def test_hidden():
    """
    What is not to be seen any more is only in the answers that it was in.
    """
    assert lasts(Upsert(START[0]._replace(visible=False)))


@pytest.mark.parametrize(
    "change",
    [
        Upsert(make_product("new", "red kettle")),
        Upsert(make_product("0", "red kettle kettle", price=1.0)),
        Upsert(make_product("0", "red lamp", price=1.0)),
        Delete(make_key("0")),
    ],
    ids=["insert", "count", "words", "delete"],
)
def test_scores_move(change):
    """
    A product more or less, or another text, moves scores everywhere.
    """
    assert not lasts(change)


def test_shown():
    """
    What was hidden may come into any answer.
    """
    hidden = [START[0]._replace(visible=False), *START[1:]]

    assert not lasts(Upsert(START[0]), start=hidden)


def test_too_many_to_name():
    """
    When nobody knows what has moved nothing is said to last.
    """
    snapshot = Snapshot.derive(make_generation(make_index(START)))

    assert are_lasting(snapshot, snapshot, Difference())
    assert not are_lasting(snapshot, snapshot, INCOMPLETE)
