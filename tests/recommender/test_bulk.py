from concurrent.futures import ThreadPoolExecutor

import pytest

from recommender import bulk
from recommender.bulk import Builder, join_segments
from recommender.segment import build_segment
from tests.support.displays import make_shown
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


@pytest.mark.parametrize("is_in_turn", [False, True], ids=["behind", "between"])
def test_joined_segment_is_packed_beside_the_rest(is_in_turn):
    """
    Whether keys of the segments lie behind or between one another's, what is packed
    beside the rest is, bit for bit, what is packed of one build.
    """
    ordered = sorted(make_shown(2_803), key=lambda product: product.key)
    parts = [ordered[:900], ordered[900:901], ordered[901:]]
    if is_in_turn:
        parts = [ordered[n::3] for n in range(3)]
    segments = [build_segment(part, WEIGHTS) for part in parts]
    whole = build_segment(ordered, WEIGHTS)
    packed = whole.displays.packed()

    with ThreadPoolExecutor(1) as worker:
        joined = join_segments(segments, lambda pack: worker.submit(pack).result)

    assert segment_values(joined) == segment_values(whole)
    assert joined.displays.dictionary.tobytes() == packed.dictionary.tobytes()
    assert list(joined.displays.strings) == list(packed.strings)


def test_what_is_too_little_to_pack_is_joined_as_it_is():
    """
    A few products are not packed, wherever that would be done.
    """
    products = make_catalogue(20)
    segments = [build_segment(some, WEIGHTS) for some in (products[:9], products[9:])]

    joined = join_segments(segments, lambda pack: pack)

    assert joined.displays.packing is None
    assert segment_values(joined) == segment_values(build_segment(products, WEIGHTS))
