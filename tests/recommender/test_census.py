"""
How many products each category has.
"""

from recommender.census import Category, categories
from recommender.mutation import Delete, Upsert
from recommender.snapshot import Snapshot
from tests.support.products import (
    make_catalogue,
    make_generation,
    make_index,
    make_key,
    make_product,
    make_snapshot,
)


def test_visible_products_are_counted_at_each_level():
    """
    A category counts what is in it and below it, whatever the case, but nothing
    hidden; its name is the one that most products use.
    """
    snapshot = make_snapshot(
        [
            make_product("1", category=("home", "Kitchen")),
            make_product("2", category=("Home", "Kitchen")),
            make_product("3", category=("Home", "Light")),
            make_product("4", category=("Home", "Secret"), visible=False),
            make_product("5", category=("Zoo",)),
            make_product("6"),
        ]
    )

    assert categories(snapshot) == (
        Category("Home", "Home", 3),
        Category("Home > Kitchen", "Kitchen", 2),
        Category("Home > Light", "Light", 1),
        Category("Zoo", "Zoo", 1),
    )


def test_counts_follow_the_living():
    """
    Over several segments only living rows count.
    """
    catalogue = make_catalogue(300)
    index = make_index([*catalogue[:200], make_product("gone", category=("Gone",))])
    index.freeze()
    index.apply([Delete(make_key("gone")), *map(Upsert, catalogue[150:])])

    found = categories(Snapshot.derive(make_generation(index)))

    assert found == categories(make_snapshot(catalogue))
    shown = [p for p in catalogue if p.visible and p.category[:1] == ("Home",)]
    assert found[0] == Category("Home", "Home", len(shown))


def test_counted_once():
    """
    A snapshot's counts are remembered.
    """
    snapshot = make_snapshot(make_catalogue(20))

    assert categories(snapshot) is categories(snapshot)
