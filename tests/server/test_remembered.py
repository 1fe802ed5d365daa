"""
Answers that are kept while they are good.
"""

import pytest

from recommender.difference import Difference
from recommender.mutation import Upsert
from recommender.snapshot import Snapshot
from server import remembered as memories
from server.answers import Items
from server.remembered import ENTRY, KEY, Lasts, Remembered
from tests.support.products import make_generation, make_index, make_key, make_product


START = [make_product(f"p{i}", "red kettle", price=1.0) for i in range(6)]
KEYS = [product.key for product in START]


class Memory:
    """
    A memory of a shop whose prices change.
    """

    def __init__(self, **limits):
        self.hits = 0
        self.remembered = Remembered(self._note, **limits)
        self._index = make_index(START)
        self.snapshot = Snapshot.derive(make_generation(self._index))
        self.remembered.note(None, self.snapshot, None)

    def keep(self, asked, *keys, lasts=Lasts.BY_SCORES):
        items = Items(asked.encode(), "tag", keys)
        self.remembered.keep(
            self.snapshot, asked, items, about=frozenset(), lasts=lasts
        )

    def find(self, asked):
        items = self.remembered.find(self.snapshot, asked)
        return items and items.body.decode()

    def reprice(self, place, price=9.0):
        self.move(START[place]._replace(price=price))

    def move(self, product):
        before = self.snapshot
        self._index.apply([Upsert(product)])
        self.snapshot = Snapshot.derive(make_generation(self._index), before)
        moved = Difference(changed=(product.key,))
        self.remembered.note(before, self.snapshot, moved)

    def _note(self):
        self.hits += 1


def test_asked_again():
    """
    What was answered is found, counted, and nothing else is.
    """
    memory = Memory()
    memory.keep("/a", KEYS[0])

    assert memory.find("/a") == "/a"
    assert memory.find("/b") is None
    assert memory.hits == 1


def test_outlives_what_has_no_part_in_it():
    """
    Prices of other products change, and it is found; its own, and it is not.
    """
    memory = Memory()
    memory.keep("/a", *KEYS[:2])
    memory.keep("/b", *KEYS[2:4])
    for place in (3, 4, 5):
        memory.reprice(place)

    assert memory.find("/a") == "/a"
    assert memory.find("/b") is None
    memory.reprice(1)
    assert memory.find("/a") is None


def test_chosen_by_more_than_likeness():
    """
    Where filters had a say any change may have one.
    """
    memory = Memory()
    memory.keep("/a", KEYS[0], lasts=Lasts.FOR_NOW)

    assert memory.find("/a") == "/a"
    memory.reprice(5)
    assert memory.find("/a") is None


def test_scores_have_moved():
    """
    Another text ends everything but what is said of a product itself.
    """
    memory = Memory()
    memory.keep("/a", KEYS[0])
    memory.keep("/own", KEYS[1], lasts=Lasts.BY_ITSELF)
    memory.keep("/moved", KEYS[5], lasts=Lasts.BY_ITSELF)
    memory.move(make_product("p5", "blue lamp"))

    assert memory.find("/a") is None
    assert memory.find("/own") == "/own"
    assert memory.find("/moved") is None
    memory.keep("/a", KEYS[0])
    assert memory.find("/a") == "/a"


def test_snapshots_that_are_not_the_newest():
    """
    Who still answers from an older one neither finds anything nor leaves anything.
    """
    memory = Memory()
    memory.keep("/a", KEYS[0])
    older = memory.snapshot
    memory.reprice(5)

    assert memory.remembered.find(older, "/a") is None
    memory.remembered.keep(
        older, "/b", Items(b"", ""), about=frozenset(), lasts=Lasts.BY_SCORES
    )
    assert memory.find("/b") is None
    assert memory.find("/a") == "/a"


def test_a_generation_that_was_not_noted():
    """
    What came in between is not known, so nothing is.
    """
    memory = Memory()
    memory.keep("/a", KEYS[0])
    memory.remembered.note(Memory().snapshot, memory.snapshot, Difference())

    assert memory.find("/a") is None


def test_more_changes_than_are_kept(monkeypatch):
    """
    What nobody has asked for in a long time is forgotten, the rest is not.
    """
    monkeypatch.setattr(memories, "MOST_CHANGES", 4)
    memory = Memory()
    memory.keep("/a", KEYS[0])
    memory.keep("/b", KEYS[1])
    for price in range(2, 8):
        memory.reprice(5, float(price))
        assert memory.find("/a") == "/a"

    assert memory.find("/b") is None


def test_room():
    """
    The longest not asked for goes first; what is too large for all of it is not kept.
    """
    memory = Memory(largest=3 * (ENTRY + KEY + 100))
    for asked in ("/a", "/b", "/c"):
        memory.keep(asked, KEYS[0])
    memory.find("/a")
    memory.keep("/d", KEYS[0])

    assert [memory.find(asked) for asked in ("/a", "/b", "/c", "/d")] == [
        "/a", None, "/c", "/d",
    ]  # fmt: skip
    memory.keep("/" + "e" * 10_000, KEYS[0])
    assert memory.find("/" + "e" * 10_000) is None


def test_keys_take_room():
    """
    Answers that show next to nothing of many products are no way to more of it.
    """
    memory = Memory(largest=100_000)
    keys = [make_key(f"p{number}") for number in range(100)]
    for place in range(20):
        memory.keep(f"/{place}", *keys)
    kept = [place for place in range(20) if memory.find(f"/{place}")]

    assert kept == list(range(20))[-len(kept) :]
    assert 5 < len(kept) <= 100_000 / (ENTRY + 100 * KEY)


@pytest.mark.parametrize("times", [1, 50])
def test_kept_twice(times):
    """
    Two callers may have worked out the same at once; it takes the room of one.
    """
    memory = Memory(largest=2 * (ENTRY + KEY + 100))
    memory.keep("/a", make_key("p0"))
    for _ in range(times):
        memory.keep("/b", make_key("p0"))

    assert memory.find("/a") == "/a"
