"""
A set of hashes behaves like any set, and is small.
"""

import random

from hypothesis import given
from hypothesis import strategies as st

from recommender.hash_set import LOOSE, HashSet


LARGEST = 2**64 - 1
MANY = 50_000
BYTES_EACH = 2 * 8  # what was added again and again may be kept twice


@given(st.lists(st.integers(0, 40) | st.sampled_from([LARGEST, LARGEST - 1, 2**63])))
def test_it_holds_what_was_added_and_nothing_else(values):
    """
    Whatever is added, in whatever order, and however often.
    """
    hashes = HashSet(loose=4)
    for value in values:
        hashes.add(value)

    asked = [*range(42), 2**63, LARGEST - 1, LARGEST]
    assert [value in hashes for value in asked] == [value in values for value in asked]


def test_it_is_small():
    """
    Also when all of them are added again, and again.
    """
    chance = random.Random(1)
    values = [chance.getrandbits(64) for _ in range(MANY)]
    hashes = HashSet()
    for _ in range(3):
        for value in values:
            hashes.add(value)
        chance.shuffle(values)

    assert hashes.nbytes <= BYTES_EACH * MANY
    assert all(value in hashes for value in values[:LOOSE])
