"""
The newest products.
"""

import math

import hypothesis.strategies as st

from hypothesis import given

from recommender import ranking
from recommender.filters import NO_FILTERS, Filters
from recommender.mutation import Delete, Upsert
from recommender.newest import newest
from recommender.ranking import Choice
from recommender.snapshot import Snapshot
from tests.support.plain import passes
from tests.support.products import (
    ids,
    make_catalogue,
    make_generation,
    make_index,
    make_key,
    make_product,
    make_snapshot,
)


CATALOGUE = [
    product._replace(created_s=math.nan if i % 3 == 0 else float(i * 37 % 50))
    for i, product in enumerate(make_catalogue(150))
]


def make_layered():
    index = make_index([*CATALOGUE[:100], make_product("gone", created_s=99.0)])
    index.freeze()
    index.apply([Delete(make_key("gone")), *map(Upsert, CATALOGUE[90:])])
    return Snapshot.derive(make_generation(index))


SNAPSHOT = make_layered()


def plainly(filters):
    """
    Return the keys of what passes, in order, by sorting the products.
    """
    shown = [p for p in CATALOGUE if p.visible and passes(p, filters)]
    shown.sort(key=lambda product: product.key, reverse=True)
    dated = [product for product in shown if not math.isnan(product.created_s)]
    dated.sort(key=lambda product: -product.created_s)
    return [p.key for p in [*dated, *(p for p in shown if math.isnan(p.created_s))]]


@given(
    st.builds(
        Filters,
        categories=st.sampled_from([(), ("home",), ("Light", "Outdoor")]),
        not_brands=st.sampled_from([(), ("aldo",)]),
        max_price=st.sampled_from([None, 10.0]),
        in_stock=st.sampled_from([None, True]),
        exclude=st.frozensets(st.sampled_from([p.key for p in CATALOGUE]), max_size=3),
    ),
    st.integers(1, 60),
    st.sampled_from([0, 1, 70]),
)
def test_newest_first(filters, limit, offset):
    """
    What passes comes in order of its creation, whichever segment it is in.
    """
    rows = newest(SNAPSHOT, filters, Choice(limit, offset))

    assert [row.key for row in rows] == plainly(filters)[offset : offset + limit]


def test_one_of_each(monkeypatch):
    """
    The newest of each kind is looked for as far as need be.
    """
    monkeypatch.setattr(ranking, "FIRST", 2)
    same = [
        make_product(f"a{i}", created_s=100.0 + i, display={"group": 1})
        for i in range(50)
    ]
    rare = make_product("b", created_s=5.0, display={"group": 2})
    snapshot = make_snapshot([*same, rare])

    rows = newest(snapshot, NO_FILTERS, Choice(limit=9, one_per="group"))

    assert ids(row.key for row in rows) == ["a49", "b"]


def test_nothing_passes():
    """
    A brand that no product has leaves nothing.
    """
    assert newest(SNAPSHOT, Filters(brands=("Nobody",)), Choice(limit=5)) == []
