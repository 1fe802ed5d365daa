"""
The next of an array lies where one was that nobody holds, and nowhere else.
"""

import numpy as np
import pytest

from recommender.successive import Successive


ONE, OTHER = np.array([1]), np.array([4, 2])


def make(size=6):
    return Successive.of(np.arange(float(size)))


def address(successive):
    return successive.values.__array_interface__["data"][0]


def test_replaced_differs_at_the_places():
    """
    What was stays as it was, and nothing of either can be written to.
    """
    first = make()

    second = first.replaced(OTHER, np.array([9.0, 8.0]))

    assert first.values.tolist() == [0, 1, 2, 3, 4, 5]
    assert second.values.tolist() == [0, 1, 8, 3, 9, 5]
    for each in (first, second):
        with pytest.raises(ValueError, match="read-only"):
            each.values[0] = 1.0


def test_last_but_one_is_used_again():
    """
    Each but the first two lies where the last but one has lain.
    """
    first = make()
    second = first.replaced(ONE, np.array([7.0]))
    places = [address(first), address(second)]
    del first

    third = second.replaced(OTHER, np.array([9.0, 8.0]))
    del second
    fourth = third.replaced(ONE, np.array([6.0]))

    assert [address(third), address(fourth)] == places
    assert third.values.tolist() == [0, 7, 8, 3, 9, 5]
    assert fourth.values.tolist() == [0, 6, 8, 3, 9, 5]


@pytest.mark.parametrize(
    "hold",
    [
        lambda one: one,
        lambda one: one.values,
        lambda one: one.values[2:4],
        lambda one: memoryview(one.values),
        lambda one: one.values.view(np.uint64),
    ],
    ids=["all", "array", "slice", "buffer", "view"],
)
def test_what_is_held_stays(hold):
    """
    As long as somebody holds an array, or a part of it, the next one lies elsewhere.
    """
    first = make()
    second = first.replaced(ONE, np.array([7.0]))
    held, place = hold(first), address(first)
    del first

    third = second.replaced(OTHER, np.array([9.0, 8.0]))

    assert held is not None
    assert address(third) != place
    assert third.values.tolist() == [0, 7, 8, 3, 9, 5]


def test_two_may_follow_one():
    """
    What was used for the one is not used for the other.
    """
    first = make()
    second = first.replaced(ONE, np.array([7.0]))
    del first

    one = second.replaced(OTHER, np.array([9.0, 8.0]))
    other = second.replaced(ONE, np.array([5.0]))

    assert second.values.tolist() == [0, 7, 2, 3, 4, 5]
    assert one.values.tolist() == [0, 7, 8, 3, 9, 5]
    assert other.values.tolist() == [0, 5, 2, 3, 4, 5]


def test_those_that_followed_one_are_followed():
    """
    What one has lain in is taken by one of those that come after it, not by two.
    """
    first = make()
    one = first.replaced(ONE, np.array([7.0]))
    other = first.replaced(OTHER, np.array([9.0, 8.0]))
    place = address(first)
    del first

    after_one = one.replaced(OTHER, np.array([6.0, 5.0]))
    after_other = other.replaced(ONE, np.array([4.0]))

    assert address(after_one) == place
    assert after_one.values.tolist() == [0, 7, 5, 3, 6, 5]
    assert after_other.values.tolist() == [0, 4, 8, 3, 9, 5]


def test_nothing_replaced():
    """
    Without places all is as it was.
    """
    none = np.zeros(0, np.int64)

    assert make().replaced(none, np.zeros(0)).values.tolist() == [0, 1, 2, 3, 4, 5]
