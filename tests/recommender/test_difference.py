"""
What a visitor can see has changed.
"""

import hypothesis.strategies as st
import pytest

from hypothesis import given

from recommender import difference as differences
from recommender import index as indexes
from recommender.difference import Difference, difference
from recommender.mutation import Clear, Delete, Upsert
from recommender.snapshot import Snapshot
from tests.support.damage import damage
from tests.support.products import (
    make_catalogue,
    make_generation,
    make_index,
    make_key,
    make_product,
    make_snapshot,
)


IDS = st.sampled_from([str(i) for i in range(12)])
PRODUCTS = st.builds(
    make_product,
    IDS,
    name=st.sampled_from(["kettle", "lamp"]),
    price=st.sampled_from([1.0, 2.0]),
    visible=st.booleans(),
)
CHANGES = st.lists(
    st.one_of(
        PRODUCTS.map(Upsert),
        PRODUCTS.map(Upsert),
        st.builds(Delete, IDS.map(make_key)),
        st.just(Clear()),
    ),
    max_size=8,
)


def apply(known, changes):
    """
    Return what *known* is after *changes*, plainly.
    """
    after = dict(known)
    for change in changes:
        match change:
            case Upsert(product):
                after[product.key] = product
            case Delete(key):
                after.pop(key, None)
            case Clear():
                after.clear()
    return after


def plainly(before, after):
    """
    Return the difference of two catalogues, product by product.
    """
    was = {key for key, product in before.items() if product.visible}
    now = {key for key, product in after.items() if product.visible}
    changed = {key for key in now if before.get(key) != after[key]}
    return Difference(tuple(sorted(changed)), tuple(sorted(was - now)))


@given(st.lists(CHANGES, min_size=1, max_size=6), st.data())
def test_whatever_happens_between_two_generations(histories, data):
    """
    Over any changes, merges and generations not seen, exactly those products are named
    that a visitor sees differently, and nothing that was hidden both times.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexes, "SMALL_ROWS", 2)
        patch.setattr(indexes, "FANOUT", 2)
        start = {product.key: product for product in make_catalogue(6)}
        index = make_index(start.values())
        snapshot, seen, known = Snapshot.derive(make_generation(index)), start, start
        for changes in histories:
            index.apply(changes)
            known = apply(known, changes)
            index.freeze()
            if not data.draw(st.booleans()):
                continue
            later = Snapshot.derive(make_generation(index), snapshot)
            assert difference(snapshot, later) == plainly(seen, known)
            assert difference(later, snapshot) == plainly(known, seen)
            snapshot, seen = later, known


def test_whole_catalogue_written_anew_has_not_changed():
    """
    Another segment with the same products makes no difference.
    """
    one, other = (make_snapshot(make_catalogue(300)) for _ in range(2))

    assert difference(one, other) == Difference()


@pytest.mark.parametrize("column", ["displays", "tf", "price"])
@pytest.mark.parametrize("products", [5, 2_000], ids=["merged", "in_place"])
def test_repaired_has_changed(products, column):
    """
    A row that said something else than its product did has changed when it says that
    again, whether its segment is merged at once or stays; nothing else has.
    """
    catalogue = make_catalogue(products)
    product = next(product for product in catalogue if product.visible)
    index = make_index(catalogue)
    damage(index, product.key, column)
    before = Snapshot.derive(make_generation(index))
    index.apply([Delete(product.key), Upsert(product)])
    after = Snapshot.derive(make_generation(index), before)

    assert difference(before, after) == Difference(changed=(product.key,))


@pytest.mark.parametrize("name", ["MOST_LOOKED_AT", "MOST_NAMED"])
def test_too_many_are_not_named(monkeypatch, name):
    """
    Rather than a part of them, none is named.
    """
    monkeypatch.setattr(differences, name, 10)
    before = make_snapshot(make_catalogue(5))

    found = difference(before, make_snapshot(make_catalogue(200)))

    assert found == Difference(is_complete=False)
