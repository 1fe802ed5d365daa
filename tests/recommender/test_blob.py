from itertools import chain

import numpy as np

from hypothesis import given
from hypothesis import strategies as st

from recommender.blob import EMPTY, Blob, concatenate


STRINGS = st.lists(st.binary(max_size=5), max_size=8)


@given(STRINGS)
def test_blob_is_a_sequence(strings):
    """
    What went in comes out, by length, by place and in order.
    """
    blob = Blob.of(strings)

    assert len(blob) == len(strings)
    assert list(blob) == strings
    assert [blob[i] for i in range(len(strings))] == strings


@given(STRINGS.filter(bool), st.data())
def test_take(strings, data):
    """
    Strings are taken by place, in any order, repeatedly.
    """
    places = data.draw(st.lists(st.integers(0, len(strings) - 1)))

    taken = Blob.of(strings).take(np.array(places, np.int64))

    assert list(taken) == [strings[place] for place in places]


@given(st.lists(STRINGS, max_size=4))
def test_concatenate(lists):
    """
    Blobs behind one another are one blob, empty ones and none included.
    """
    assert list(concatenate(list(map(Blob.of, lists)))) == list(chain(*lists))


def test_empty():
    """
    The empty blob has no strings.
    """
    assert list(EMPTY) == []
