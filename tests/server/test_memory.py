"""
What a server keeps does not follow how many generations it has seen.
"""

import gc

import pytest

from recommender.census import categories
from recommender.filters import Filters
from recommender.newest import newest
from recommender.query import Query
from recommender.ranking import Choice
from recommender.reasons import Seen, explain
from recommender.store import GRACE_S, StoreReader
from recommender.words import to_vector
from server.history import History
from server.loader import Served, read_next
from tests.support.products import make_catalogue
from tests.support.waiting import wait_for


CATALOGUE = make_catalogue(40)
FEW_CHANGES = 20  # kept for who comes back, so that they are soon as many as ever
WARM = 50  # generations
MORE = 150


class Visited:
    """
    A shop whose generations are served one after the other.
    """

    def __init__(self, shop):
        self._shop = shop
        self._reader = StoreReader(shop.folder)
        self._history = History()
        self._served = Served()

    def pass_generations(self, count):
        """
        Serve so many, and one more that is the same each time.
        """
        for number in range(count):
            product = CATALOGUE[number % len(CATALOGUE)]
            self._pass(product._replace(price=float(number)))
            self._shop.store.collect_garbage(number * GRACE_S)
        self._pass(*CATALOGUE)

    def _pass(self, *products):
        self._shop.put(*products)
        self._shop.publish()
        before, self._served = self._served, read_next(self._reader, self._served)
        self._history.note(before.snapshot, self._served.snapshot)
        ask_everything(self._served.snapshot)


@pytest.fixture(name="visited")
def _visited(shop, monkeypatch):
    monkeypatch.setattr("server.history.MOST_CHANGES", FEW_CHANGES)
    visited = Visited(shop)
    visited.pass_generations(WARM)
    return visited


def count_objects():
    """
    Return how many objects there are. Threads of other tests' fixtures, such as the
    driver's, have some at times.
    """
    gc.collect()
    return len(gc.get_objects())


def ask_everything(snapshot):
    """
    Use whatever is remembered of a snapshot, a segment or a brand.
    """
    row = next(snapshot.living())
    query = snapshot.query(row)
    filters = Filters(brands=("Aldo", "Brimm"), not_categories=("Outdoor",))
    for hit in snapshot.best(query, 5, filters):
        explain(snapshot, query, hit.row, Seen.of_rows([row]))
    snapshot.best(Query.of(to_vector(snapshot, "home kettle")), 5)
    newest(snapshot, filters, Choice(limit=5))
    categories(snapshot)


def test_generations_leave_no_objects(visited):
    """
    Of none does anything stay, here or where it was made: neither the model, nor what
    was worked out for answers.
    """
    before = min(count_objects() for _ in range(3))
    visited.pass_generations(MORE)

    wait_for(lambda: count_objects() - before < MORE / 10, timeout_s=10)
