from itertools import chain

import numpy as np

from hypothesis import given
from hypothesis import strategies as st

from recommender.blob import EMPTY, Blob, Gathered, Share, concatenate


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


@given(STRINGS, st.data())
def test_gathered_strings_are_taken_from_where_they_are(strings, data):
    """
    A sequence of strings of several blobs, of which each may have more, is taken by
    rising places, also none of it.
    """
    owners = data.draw(st.lists(st.integers(0, 2), min_size=8, max_size=8))
    wanted = data.draw(st.sets(st.integers(0, 7)))
    shares = []
    for owner in range(3):
        places = [i for i in range(len(strings)) if owners[i] == owner]
        blob = Blob.of([b"other", *(strings[i] for i in reversed(places))])
        rows = np.arange(len(places), 0, -1)
        shares.append(Share(blob, rows, np.array(places, np.int64)))
    asked = sorted(place for place in wanted if place < len(strings))

    gathered = Gathered(shares)

    assert len(gathered) == len(strings)
    assert gathered.lengths.tolist() == list(map(len, strings))
    assert list(gathered.take(np.array(asked, np.int64))) == [strings[i] for i in asked]


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
