"""
Groups of like products, from a file to places.
"""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from listener.evaluate.truth import Truth, read_groups, to_truth
from recommender.errors import SettingsFault
from recommender.product import Product
from tests.support.evaluated import make_answers, make_shop
from tests.support.products import make_product


def write(path, text):
    """
    Return *path*, at which there is a file of *text* now.
    """
    raw = text.encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


@pytest.mark.parametrize("name", ["truth.csv", "truth.csv.gz"])
def test_the_highest_rating_counts(tmp_path, name):
    """
    Products rated lower for the same group are not like it.
    """
    text = 'query,product,rating\nlamp,a,3\nlamp,b,0\nlamp,c,3\n\n"a, b",d,3\n'

    assert read_groups(write(tmp_path / name, text)) == {
        "lamp": {"a", "c"},
        "a, b": {"d"},
    }


def test_without_ratings_all_count(tmp_path):
    """
    Two columns are enough.
    """
    path = write(tmp_path / "truth.csv", "group,id\nx,a\nx,b\ny,c\n")
    assert read_groups(path) == {"x": {"a", "b"}, "y": {"c"}}


def test_an_empty_file_tells_nothing(tmp_path):
    """
    Nothing is known.
    """
    assert read_groups(write(tmp_path / "truth.csv", "")) == {}


@pytest.mark.parametrize(
    "text", ["q,id\nlonely\n", "q,id,rating\nx,a,good\n", "q,id,rating\nx,a,nan\n"]
)
def test_what_is_no_truth_is_a_fault(tmp_path, text):
    """
    A file that cannot be understood is named.
    """
    path = write(tmp_path / "truth.csv", text)
    with pytest.raises(SettingsFault, match=r"truth\.csv cannot be used"):
        read_groups(path)


def test_what_is_not_there_is_a_fault(tmp_path):
    """
    So is one that cannot be read, or is damaged.
    """
    with pytest.raises(SettingsFault, match="absent"):
        read_groups(tmp_path / "absent.csv")
    (tmp_path / "damaged.csv.gz").write_bytes(gzip.compress(b"q,id\nx,a\n" * 99)[:30])
    with pytest.raises(SettingsFault, match="damaged"):
        read_groups(tmp_path / "damaged.csv.gz")


def test_alike_and_clusters():
    """
    Products are like those of any group of theirs; a chain of groups is one cluster;
    one alone in its groups is like nothing.
    """
    truth = Truth.of([[0, 1], [1, 2, 2], [4, 5], [6]])

    alike = {place: truth.alike(place) for place in truth.asked}
    assert alike == {0: {1}, 1: {0, 2}, 2: {1}, 4: {5}, 5: {4}}
    assert truth.asked == [0, 1, 2, 4, 5]
    assert truth.known(np.array([1, 5])).tolist() == [2, 1]
    clusters = truth.clusters_of(np.array([0, 1, 2, 4, 5])).tolist()
    assert clusters == [clusters[0]] * 3 + [clusters[3]] * 2
    assert clusters[0] != clusters[3]


def test_nothing_is_known():
    """
    Without a group there is no truth.
    """
    assert Truth.of([]).asked == []


def test_relevant_answers():
    """
    An answer is relevant when it is like the product asked.
    """
    truth = Truth.of([[0, 1, 2], [3, 4]])

    relevant = truth.relevant(make_answers([0, 3], [3, 2, 1], [4]))

    assert relevant[:, :4].tolist() == [
        [False, True, True, False],
        [True, False, False, False],
    ]
    assert not relevant[:, 4:].any()


def test_ids_are_as_in_addresses():
    """
    Strings as they are, numbers as one writes them; what is not there, or not to be
    looked at, is left out.
    """
    shop = make_shop(
        make_product("a", "lamp"),
        Product(key=b"7", texts={"name": "lamp"}),
        make_product("hidden", "lamp", visible=False),
        make_product("other", "lamp"),
    )
    keys = [key for key in shop.places if key != b'"other"']

    truth = to_truth({"g": {"a", "7", "hidden", "gone", "other"}}, shop, keys)

    a, seven = shop.places[b'"a"'], shop.places[b"7"]
    assert truth.asked == sorted([a, seven])
    assert truth.alike(a) == {seven}
