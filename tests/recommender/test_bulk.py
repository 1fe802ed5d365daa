import pytest

from recommender import bulk
from recommender.bulk import Builder
from recommender.segment import build_segment
from tests.support.products import WEIGHTS, make_catalogue, make_product
from tests.support.segments import check_segment, segment_values


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 35])
def test_builder_gives_one_segment_of_all(monkeypatch, count):
    """
    However many chunks there are on the way, the segment is that of one build.
    """
    monkeypatch.setattr(bulk, "CHUNK", 10)
    products = make_catalogue(count)
    builder = Builder(WEIGHTS)

    builder.add(products[:7])
    builder.add(products[7:])
    segment = builder.finish()

    check_segment(segment)
    assert segment_values(segment) == segment_values(build_segment(products, WEIGHTS))


@pytest.mark.parametrize("between", [0, 4, 25])
def test_product_that_comes_twice_counts_as_it_came_last(monkeypatch, between):
    """
    Within one chunk or across several, the last version wins.
    """
    monkeypatch.setattr(bulk, "CHUNK", 10)
    others = make_catalogue(between)
    builder = Builder(WEIGHTS)

    builder.add([make_product("twice", "old"), *others, make_product("twice", "new")])
    segment = builder.finish()

    rows = {row["key"]: row for row in segment_values(segment)}
    assert len(rows) == len(segment) == between + 1
    assert rows[b'"twice"']["tf"].keys() == {b"new"}


def test_finished_builder_is_empty():
    """
    A builder starts anew after it has finished.
    """
    builder = Builder(WEIGHTS)
    builder.add(make_catalogue(3))
    builder.finish()

    assert len(builder.finish()) == 0
