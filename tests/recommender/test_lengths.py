"""
What is known of rows' lengths holds, whatever happens to idf.
"""

import random

from itertools import pairwise

import numpy as np
import pytest

from recommender import lengths
from recommender.lengths import Lengths
from recommender.mutation import Delete, Upsert
from recommender.segment import build_segment
from recommender.snapshot import Snapshot
from recommender.weights import LEAST_IDF
from tests.support.products import (
    WEIGHTS,
    make_catalogue,
    make_generation,
    make_index,
    make_key,
    make_product,
)
from tests.support.truth import check_lengths, norms_of


@pytest.fixture(name="index")
def _index():
    """
    200 products in one segment.
    """
    index = make_index(make_catalogue(200))
    index.freeze()
    return index


def after(index, name):
    """
    Return the snapshots before and after a product of this name came.
    """
    before = Snapshot.derive(make_generation(index))
    index.apply([Upsert(make_product("new", name))])
    snapshot = Snapshot.derive(make_generation(index), before)
    check_lengths(snapshot)
    return before, snapshot


def test_lengths_are_kept_while_they_are_hardly_off(index, monkeypatch):
    """
    A product more, of a word that no other has, moves no length by more than is said.
    """
    monkeypatch.setattr(lengths, "OFF", 0.01)

    before, now = after(index, "xylophone")

    assert now.views[0].lengths is before.views[0].lengths
    assert 0.99 < now.views[0].lengths.shrunk(now.big_l) < 1


def test_lengths_are_worked_out_again_when_they_are_too_far_off(index, monkeypatch):
    """
    Then they are right again.
    """
    monkeypatch.setattr(lengths, "OFF", 1e-6)

    before, now = after(index, "xylophone")

    known = now.views[0].lengths
    assert known.shrunk(now.big_l) == 1
    assert known.values == pytest.approx(norms_of(now)[now.views[0].segment], rel=1e-6)
    assert (known.values > before.views[0].lengths.values).all()


def test_rare_terms_are_not_waited_for(index):
    """
    When a product comes of whose word few hold, their lengths are right at once.
    """
    before, now = after(index, "unheard")
    _, last = after(index, "unheard of")

    assert now.views[0].lengths.waiting.places.size == 0
    assert last.views[0].lengths is not before.views[0].lengths


def test_common_terms_wait_until_they_have_moved_far(index, monkeypatch):
    """
    A term's rows are left alone until its idf is off by more than may be; then they
    are worked out again, and those alone.
    """
    monkeypatch.setattr(lengths, "TERM_OFF", 0.1)
    monkeypatch.setattr(lengths, "MOST_ROWS", 1.0)
    monkeypatch.setattr(lengths, "OFF", 0.5)
    first = Snapshot.derive(make_generation(index))
    known = [first.views[0].lengths]
    snapshot = first
    for number in range(20):
        index.apply([Upsert(make_product(f"new{number}", "kettle"))])
        snapshot = Snapshot.derive(make_generation(index), snapshot)
        check_lengths(snapshot)
        known.append(snapshot.views[0].lengths)

    moved = [(one.values != other.values).sum() for one, other in pairwise(known)]
    assert 0 in moved
    assert 0 < max(moved) < len(first.views[0].segment)
    assert known[-1].waiting.by.max() <= 0.1


@pytest.mark.parametrize("fall", [1e-3, 0.5])
def test_no_length_shrinks_by_more_than_is_said(fall):
    """
    When L falls until the idf of a row's only term is the least, all is left that is
    said to be left, and no less.
    """
    segment = build_segment([make_product("one", "kettle")], WEIGHTS)
    big_l = 5.0
    g = np.full(len(segment.dictionary), LEAST_IDF - big_l)

    before = Lengths.of(segment, g, big_l + fall)

    now = Lengths.of(segment, g, big_l).values[0]
    assert before.values[0] * before.shrunk(big_l) == pytest.approx(now, rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_lengths_hold_through_changes(index, seed):
    """
    After each of many changes no row is shorter than is known.
    """
    draw = random.Random(seed)
    catalogue = make_catalogue(400, seed)
    snapshot = Snapshot.derive(make_generation(index))
    for _ in range(40):
        index.apply(map(Upsert, draw.sample(catalogue, draw.choice((1, 3, 20)))))
        index.apply([Delete(make_key(str(draw.randrange(300))))])
        snapshot = Snapshot.derive(make_generation(index), snapshot)
        check_lengths(snapshot)
