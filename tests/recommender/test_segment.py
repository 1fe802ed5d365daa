import dataclasses
import itertools
import math

import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st

from recommender import segment as segments
from recommender import tally
from recommender.blob import Blob
from recommender.segment import (
    LONGEST_SORTABLE,
    Part,
    Segment,
    build_segment,
    content_hash,
    hash_keys,
    merge_segments,
    to_arrays,
)
from recommender.weights import term_weights
from tests.support.products import WEIGHTS, make_catalogue, make_key, make_product
from tests.support.segments import check_segment, segment_values


def part(segment, dead=()):
    return Part(segment, np.isin(np.arange(len(segment)), list(dead)))


def test_segment_says_what_its_products_say():
    """
    Every value of every product is in its row; rows are in order of their keys.
    """
    products = make_catalogue(60)

    segment = build_segment(reversed(products), WEIGHTS)

    check_segment(segment)
    rows = segment_values(segment)
    for row, product in zip(rows, sorted(products, key=lambda p: p.key), strict=True):
        tf = term_weights(product, WEIGHTS)
        path = product.category
        assert row["key"] == product.key
        assert row["content"] == content_hash(product)
        assert row["tf"] == {word.encode(): tf[word] for word in tf}
        assert row["square"] == pytest.approx(sum(x**2 for x in row["tf"].values()))
        assert row["visible"] == product.visible
        assert row["in_stock"] == product.in_stock
        assert row["price"] == repr(product.price)
        assert row["created_s"] == "nan"
        assert row["display"] == product.display
        assert row["brand"] == (product.brand.encode() or None)
        assert row["categories"] == [
            " > ".join(path[: depth + 1]).encode() for depth in range(len(path))
        ]


def test_segment_of_nothing():
    """
    No products, or products that say nothing, make a segment too.
    """
    empty = build_segment([], WEIGHTS, [b'"gone"'])
    blank = build_segment([make_product("1")], WEIGHTS)

    check_segment(empty)
    check_segment(blank)
    assert len(empty) == 0
    assert list(empty.tombstones) == [b'"gone"']
    assert segment_values(blank)[0]["tf"] == {}


def test_no_array_can_be_written_to():
    """
    A segment is frozen to its last array.
    """
    segment = build_segment(make_catalogue(3), WEIGHTS)

    assert {name.split(".")[0] for name, _ in to_arrays(segment)} == {
        field.name for field in dataclasses.fields(Segment)
    }
    assert not any(array.flags.writeable for _, array in to_arrays(segment))


def test_find():
    """
    A key's row, by itself or among many; none for keys that are not there.
    """
    segment = build_segment(make_catalogue(50), WEIGHTS)
    sought = Blob.of([make_key("7"), make_key("50"), b"", make_key("0")])

    assert segment.keys[segment.find(make_key("7"))] == make_key("7")
    assert segment.find(make_key("50")) == -1
    assert [
        segment.keys[row] for row in segment.find_all(sought, hash_keys(sought))
    ] == [make_key("7"), make_key("0")]


def test_hashed_keys():
    """
    The hashes of the keys come in order of the rows, without hashing them again.
    """
    segment = build_segment(make_catalogue(50), WEIGHTS)

    assert segment.hashed_keys().tolist() == hash_keys(segment.keys).tolist()


def test_equal_hashes_are_told_apart(monkeypatch):
    """
    Keys whose hashes collide are still different keys.
    """
    monkeypatch.setattr(segments, "key_hash", lambda _: 7)
    monkeypatch.setattr(
        segments, "hash_keys", lambda keys: np.full(len(keys), 7, np.uint64)
    )
    segment = build_segment(make_catalogue(20), WEIGHTS)

    check_segment(segment)
    assert segment.find(make_key("20")) == -1


def test_colliding_words_count_as_one_term(monkeypatch):
    """
    Two words with one hash are one term, whose tf is the sum.
    """
    monkeypatch.setattr(tally, "term_hash", lambda term: term[0])
    products = [make_product("1", "tea top"), make_product("2", "tip")]

    segment = build_segment(products, WEIGHTS)

    check_segment(segment)
    assert len(segment.dictionary) == 1
    assert segment.tf.tolist() == [6, 3]


@pytest.mark.parametrize(
    "change",
    [
        {"texts": {"name": "Tea pot", "tags": "x"}},
        {"texts": {"name": "Tea  pot"}},
        {"texts": {"title": "Tea pot"}},
        {"texts": {}},
        {"category": ("Home", "Tea")},
        {"category": ("Home > Tea",)},
        {"category": ("AHome",), "brand": ""},
        {"category": (), "brand": "A"},
        {"category": ("A", "Home"), "brand": ""},
        {"brand": "B"},
        {"price": 2.0},
        {"price": math.nan},
        {"in_stock": False},
        {"visible": False},
        {"created_s": 1.0},
        {"display": b"[]"},
    ],
)
def test_content_hash_sees_every_change(change):
    """
    Whatever a product says differently gives another hash.
    """
    product = make_product("1", "Tea pot", category=("Home",), brand="A", price=1.0)

    assert content_hash(product) == content_hash(product._replace())
    assert content_hash(product) != content_hash(product._replace(**change))


def test_content_hash_does_not_see_the_order_of_fields():
    """
    The order in which texts were put together is no change.
    """
    one, other = {"name": "a", "tags": "b"}, {"tags": "b", "name": "a"}
    product = make_product("1")

    assert content_hash(product._replace(texts=one)) == content_hash(
        product._replace(texts=other)
    )


def test_content_hash_of_any_text():
    """
    Half surrogate pairs do not stop it.
    """
    assert content_hash(make_product("1", brand="\ud800")) != content_hash(
        make_product("1")
    )


@given(st.data())
def test_merged_says_what_its_parts_said(data):
    """
    A merge keeps every living row as it was, and nothing of the dead ones.
    """
    products = make_catalogue(24, seed=data.draw(st.integers(0, 3)))
    cuts = sorted(data.draw(st.lists(st.integers(0, 24), max_size=3)))
    parts, expected = [], []
    for begin, end in itertools.pairwise([0, *cuts, 24]):
        segment = build_segment(products[begin:end], WEIGHTS)
        dead = data.draw(st.sets(st.integers(0, max(0, len(segment) - 1))))
        parts.append(part(segment, dead))
        expected += [r for i, r in enumerate(segment_values(segment)) if i not in dead]

    merged = merge_segments(parts, keep_tombstones=False)

    check_segment(merged)
    assert segment_values(merged) == sorted(expected, key=lambda row: row["key"])


def test_merge_equals_one_build():
    """
    Parts merged and products built at once are the same segment, byte for byte.
    """
    products = make_catalogue(40)
    whole = build_segment(products, WEIGHTS)
    parts = [part(build_segment(products[i::3], WEIGHTS)) for i in range(3)]

    merged = merge_segments(parts, keep_tombstones=False)

    for name in ("key_hashes", "indptr", "terms", "tf", "dictionary", "post_rows"):
        assert getattr(merged, name).tolist() == getattr(whole, name).tolist()
    assert segment_values(merged) == segment_values(whole)


@pytest.mark.parametrize("keep", [True, False])
def test_tombstones_are_kept_while_something_lies_below(keep):
    """
    Removed keys stay removed from older segments, unless they came back since.
    """
    older = build_segment([make_product("1")], WEIGHTS, [b'"a"', b'"b"'])
    newer = build_segment([], WEIGHTS, [make_key("1"), b'"b"'])
    newest = build_segment([make_product("a")], WEIGHTS)

    merged = merge_segments(
        [part(older, [0]), part(newer), part(newest)], keep_tombstones=keep
    )

    assert list(merged.keys) == [make_key("a")]
    assert list(merged.tombstones) == ([b'"1"', b'"b"'] if keep else [])


@pytest.mark.parametrize("length", [1, 20, LONGEST_SORTABLE + 1])
def test_merge_keeps_the_order_of_keys(length):
    """
    Keys are sorted by their bytes, whatever their length, prefixes first.
    """
    ids = ["", "a", "a!", "a" * length, "ab", "é", "Z", "aa"]
    products = [make_product(id_) for id_ in dict.fromkeys(ids)]
    parts = [part(build_segment([product], WEIGHTS)) for product in products]

    merged = merge_segments(parts, keep_tombstones=False)

    check_segment(merged)
    assert len(merged) == len(products)
