import pytest

from recommender import index as index_module
from recommender.index import MISSING, Counts, Index
from recommender.mutation import Clear, Delete, Upsert
from recommender.row import read_rows
from recommender.segment import build_segment, content_hash
from tests.support.damage import damage
from tests.support.products import (
    WEIGHTS,
    compact,
    make_catalogue,
    make_index,
    make_key,
    make_product,
)


def contents(index):
    return dict(index.contents())


def contents_of(products):
    return {product.key: content_hash(product) for product in products}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """
    Merge in the background from eight rows on, so that small catalogues do too.
    """
    monkeypatch.setattr(index_module, "SMALL_ROWS", 8)
    monkeypatch.setattr(index_module, "FANOUT", 4)


def settle(index):
    """
    Run all merges that the index asks for.
    """
    while merge := index.merge_due():
        index.adopt(merge, merge.run())


def test_counts_tell_what_happened():
    """
    Mutations are counted by what they changed, one after the other.
    """
    index = make_index([make_product("1"), make_product("2")])

    counts = index.apply(
        [
            Upsert(make_product("2")),  # says what it said
            Upsert(make_product("2", "tea")),
            Upsert(make_product("3")),
            Delete(make_key("3")),
            Delete(make_key("3")),  # gone already
            Upsert(make_product("3")),
            Clear(),
            Clear(),
            Upsert(make_product("1")),
        ]
    )

    assert counts == Counts(inserted=3, updated=1, deleted=4, unchanged=2)
    assert counts.changes == 8
    assert counts + Counts(1, 1, 1, 1) == Counts(4, 2, 5, 3)


@pytest.mark.parametrize("is_frozen", [False, True])
def test_products_and_visible_are_counted(is_frozen):
    """
    Hidden products count as products; hiding, showing and deleting move the counts.
    """
    index = make_index([make_product("1"), make_product("2", visible=False)])
    if is_frozen:
        index.freeze()
    seen = [(index.products, index.visible)]

    for mutation in (
        Upsert(make_product("2")),
        Upsert(make_product("1", visible=False)),
        Delete(make_key("1")),
        Delete(make_key("2")),
        Upsert(make_product("1")),
        Clear(),
    ):
        index.apply([mutation])
        seen.append((index.products, index.visible))

    assert seen == [(2, 1), (2, 2), (2, 1), (1, 1), (0, 0), (1, 1), (0, 0)]


def test_replay_changes_nothing():
    """
    Mutations applied again count as unchanged, and need no publication.
    """
    mutations = [*map(Upsert, make_catalogue(9)), Delete(make_key("absent"))]
    index = Index(WEIGHTS)
    index.apply(mutations)
    segments = index.freeze()

    counts = index.apply(mutations)

    assert counts == Counts(unchanged=10)
    assert index.freeze() == segments


def test_newest_version_counts():
    """
    What a product says last is what it says, frozen in between or not.
    """
    index = make_index([make_product("1", "one")])
    index.freeze()
    index.apply([Upsert(make_product("1", "two")), Upsert(make_product("1", "three"))])

    assert contents(index) == contents_of([make_product("1", "three")])
    index.freeze()
    assert contents(index) == contents_of([make_product("1", "three")])
    assert index.content(make_key("1")) == content_hash(make_product("1", "three"))
    assert index.content(make_key("2")) is None
    assert list(index.keys()) == [make_key("1")]


def test_pending_rows_that_are_shelved_are_still_frozen(monkeypatch):
    """
    A run of changes that fills a segment by itself is still to be published.
    """
    monkeypatch.setattr(index_module, "LARGEST_PENDING", 5)

    index = make_index(make_catalogue(5))

    assert not index._pending
    assert contents_of(make_catalogue(5)) == contents(index)
    assert len(index.freeze()) == 1


def test_pending_is_bounded_for_removals_too(monkeypatch):
    """
    Neither products nor removals wait in memory beyond the limit.
    """
    monkeypatch.setattr(index_module, "LARGEST_PENDING", 5)
    index = make_index(make_catalogue(30))

    for number in range(30):
        index.apply([Delete(make_key(str(number)))])
        assert len(index._pending) < 5

    assert index.products == 0
    assert contents(index) == {}


def test_frozen_segments_stay_as_they_were():
    """
    What freeze once returned does not change under later mutations.
    """
    index = make_index(make_catalogue(6))
    (segment,) = index.freeze()
    before = list(segment.keys)

    index.apply([Clear(), Upsert(make_product("x"))])
    index.freeze()

    assert list(segment.keys) == before


def test_few_changes_are_one_segment_without_a_merge(monkeypatch):
    """
    What is said of fewer rows than `FANOUT` is built again with what comes next.
    """
    monkeypatch.setattr(index_module, "merge_segments", None)
    index = make_index(make_catalogue(30))
    (base,) = index.freeze()

    for number in range(3):
        index.apply([Upsert(make_product(f"new{number}"))])
        segments = index.freeze()
        assert segments[0] is base
        assert [len(segment) for segment in segments[1:]] == [number + 1]


def test_what_grows_keeps_what_it_removes():
    """
    A segment that is built again says as before what is gone, and nothing of what is
    nowhere else.
    """
    index = make_index(make_catalogue(30))
    index.freeze()

    index.apply([Delete(make_key("5")), Upsert(make_product("x"))])
    index.freeze()
    index.apply([Upsert(make_product("5", "tea")), Delete(make_key("x"))])
    index.apply([Delete(make_key("7"))])
    segments = index.freeze()

    expected = [*make_catalogue(30), make_product("5", "tea")]
    known = contents_of(expected)
    del known[make_key("7")]
    assert list(segments[-1].tombstones) == [make_key("7")]
    assert contents(index) == contents(Index(WEIGHTS, segments)) == known


def test_what_is_being_merged_is_not_built_again():
    """
    A segment that grew and went into a merge is left to it.
    """
    index = make_index(make_catalogue(7))
    index.freeze()
    index.apply([Upsert(make_product("x"))])
    index.freeze()
    index.apply(map(Upsert, make_catalogue(5, 1)))
    index.freeze()
    index.apply([Upsert(make_product("y"))])
    before = index.freeze()
    merge = index.merge_due()
    assert merge.parts[-1].segment is before[-1]

    index.apply([Upsert(make_product("z")), Delete(make_key("x"))])
    during = index.freeze()
    assert before[-1] in during
    index.adopt(merge, merge.run())

    assert contents(index) == contents(Index(WEIGHTS, index.freeze()))
    assert index.content(make_key("x")) is None
    assert index.products == 9


def test_insert_and_delete_in_between_leave_nothing():
    """
    A product that came and went between two publications leaves no trace.
    """
    index = make_index(make_catalogue(3))
    segments = index.freeze()

    index.apply([Upsert(make_product("x")), Delete(make_key("x"))])

    assert index.freeze() == segments


def test_index_starts_where_another_stopped():
    """
    An index made of frozen segments knows what the other knew.
    """
    index = make_index(make_catalogue(40))
    index.freeze()
    index.apply(
        [Delete(make_key("3")), Upsert(make_product("5", "tea", visible=False))]
    )
    segments = index.freeze()

    again = Index(WEIGHTS, segments)

    assert contents(again) == contents(index)
    assert (again.products, again.visible) == (index.products, index.visible)
    assert again.freeze() == segments


@pytest.mark.parametrize("largest", [1, 2, 3, 7])
def test_what_a_run_shelves_is_known_to_the_rest_of_it(monkeypatch, largest):
    """
    A run longer than what may be pending is applied one mutation after the other, also
    when a product comes in it again after it was shelved, or after all was cleared.
    """
    monkeypatch.setattr(index_module, "LARGEST_PENDING", largest)
    index = make_index([make_product("1"), make_product("2")])
    index.freeze()

    counts = index.apply(
        [
            Upsert(make_product("1", "tea")),
            Upsert(make_product("3")),
            Delete(make_key("2")),
            Upsert(make_product("1", "tea")),  # says what it said
            Upsert(make_product("2")),
            Delete(make_key("3")),
            Delete(make_key("3")),
            Upsert(make_product("1")),
            Clear(),
            Delete(make_key("1")),
            Upsert(make_product("2")),
            Upsert(make_product("2", "tea")),
        ]
    )

    assert counts == Counts(inserted=3, updated=3, deleted=4, unchanged=3)
    assert contents(index) == contents_of([make_product("2", "tea")])
    assert (index.products, index.visible) == (1, 1)


def make_mergeable():
    """
    Return an index that asks for a merge, and what it holds.
    """
    products = make_catalogue(12)
    index = make_index(products[:6])
    index.freeze()
    index.apply(map(Upsert, products[6:]))
    index.freeze()
    return index, products


def test_merge_keeps_the_catalogue():
    """
    After a merge there are fewer segments that say the same.
    """
    index, products = make_mergeable()
    merge = index.merge_due()

    index.adopt(merge, merge.run())

    assert len(index.freeze()) == 1
    assert contents(index) == contents_of(products)
    assert index.merge_due() is None


def test_one_merge_at_a_time():
    """
    Until a merge is adopted or abandoned, no other is offered.
    """
    index, _ = make_mergeable()
    merge = index.merge_due()

    assert merge is not None
    assert index.merge_due() is None
    index.abandon()
    assert index.merge_due() is not None


def test_merges_wait_while_there_is_more_to_apply(monkeypatch):
    """
    While more is waiting none is offered, until there are too many segments.
    """
    monkeypatch.setattr(index_module, "MOST_SEGMENTS", 2)
    index, _ = make_mergeable()

    assert index.merge_due(idle=False) is None
    index.apply(map(Upsert, make_catalogue(18)[12:]))
    index.freeze()

    merge = index.merge_due(idle=False)
    assert merge is not None
    assert len(merge.parts) == 3


def test_changes_during_a_merge_survive_it():
    """
    What is changed, removed or added while a merge runs is so after it.
    """
    index, products = make_mergeable()
    merge = index.merge_due()
    changes = [Delete(products[0].key), Upsert(make_product("7", "tea"))]

    index.apply([*changes, Upsert(make_product("x"))])
    index.freeze()
    index.apply([Delete(products[8].key)])
    merged = merge.run()
    index.adopt(merge, merged)

    gone = {products[0].key, products[8].key}
    expected = contents_of(product for product in products if product.key not in gone)
    expected |= contents_of([make_product("7", "tea"), make_product("x")])
    assert contents(index) == expected
    index.freeze()
    assert contents(index) == expected


def test_merge_of_what_was_cleared_is_dropped():
    """
    A merge that ends after the catalogue was cleared brings nothing back.
    """
    index, _ = make_mergeable()
    merge = index.merge_due()
    index.apply([Clear(), Upsert(make_product("x"))])
    index.freeze()

    index.adopt(merge, merge.run())

    assert contents(index) == contents_of([make_product("x")])
    assert index.freeze()[0].keys[0] == make_key("x")


def test_abandoned_merge_changes_nothing():
    """
    A merge that comes late, after another has taken its segments, is ignored.
    """
    index, products = make_mergeable()
    late = index.merge_due()
    index.abandon()
    index.apply([Upsert(make_product("x"))])
    index.freeze()
    other = index.merge_due()
    assert other.parts[0].segment is late.parts[0].segment

    index.adopt(late, late.run())
    assert index.merge_due() is None  # the other is still under way
    index.adopt(other, other.run())

    assert contents(index) == contents_of([*products, make_product("x")])


def test_merge_that_leaves_nothing_leaves_no_segment():
    """
    When all that was merged is gone, so is the segment.
    """
    index, products = make_mergeable()
    index.apply([Delete(product.key) for product in products])
    index.freeze()

    settle(index)

    assert index.freeze() == ()
    assert index.products == 0


def test_segment_that_is_mostly_dead_is_written_anew():
    """
    A big segment most of whose rows are gone is rewritten without them.
    """
    index = make_index(make_catalogue(100))
    index.freeze()
    for begin in range(0, 60, 2):
        index.apply([Delete(make_key(str(begin + i))) for i in range(2)])
        index.freeze()
        settle(index)

    rows = sum(len(segment) for segment in index.freeze())
    assert index.products == 40
    assert rows <= 80


def test_removed_key_stays_removed_through_merges():
    """
    A tombstone lasts as long as an older segment holds its key.
    """
    index = make_index(make_catalogue(1000))
    index.freeze()
    index.apply([Delete(make_key("5"))])
    for number in range(200):
        index.apply([Upsert(make_product(f"new{number}"))])
        index.freeze()
        settle(index)
        assert index.content(make_key("5")) is None

    again = Index(WEIGHTS, index.freeze())
    assert again.content(make_key("5")) is None
    assert again.products == index.products == 1199


def test_merge_above_others_keeps_what_it_removes_from_them():
    """
    A merge that leaves older segments alone keeps the tombstones meant for them.
    """
    index = make_index(make_catalogue(300))
    index.freeze()
    for begin in (0, 6):
        gone = range(begin, begin + 6)
        index.apply([Delete(make_key(str(number))) for number in gone])
        index.apply(Upsert(make_product(f"new{number}")) for number in gone)
        index.freeze()
    merge = index.merge_due()
    assert merge.keep_tombstones

    index.adopt(merge, merge.run())

    assert len(index.freeze()) == 2
    assert contents(Index(WEIGHTS, index.freeze())) == contents(index)


def test_tombstones_go_when_nothing_lies_below():
    """
    Removals of keys that no segment holds leave no tombstone.
    """
    index = make_index(make_catalogue(9))
    index.freeze()

    index.apply([Upsert(make_product("x")), Delete(make_key("x"))])
    index.apply([Delete(make_key("4"))])
    segments = index.freeze()

    assert [key for s in segments for key in s.tombstones] in ([], [make_key("4")])


def test_a_failed_freeze_loses_nothing(monkeypatch):
    """
    When a segment cannot be built, what it would have held is in the next one.
    """
    index = make_index([make_product("1")])
    index.freeze()
    index.apply([Upsert(make_product("2")), Delete(make_key("1"))])

    def fail(*_arguments):
        raise MemoryError

    with monkeypatch.context() as failing:
        failing.setattr(index_module, "build_segment", fail)
        with pytest.raises(MemoryError):
            index.freeze()

    assert contents(index) == contents_of([make_product("2")])
    again = Index(WEIGHTS, index.freeze())
    assert contents(again) == contents_of([make_product("2")])


def rows_of(*products):
    return read_rows(build_segment(products, WEIGHTS))


@pytest.mark.parametrize("is_frozen", [False, True])
def test_unlike_what_is_expected(is_frozen):
    """
    Products that are as they should be are not named, those that are not here or were
    deleted are missing, others are named with what differs, frozen or not.
    """
    kettle, lamp = make_product("1", "kettle"), make_product("2", "lamp", price=5)
    index = make_index([kettle, lamp, make_product("3")])
    index.freeze()
    newer = [make_product("2", "lamp", price=6), make_product("4", "tent")]
    index.apply([*map(Upsert, newer), Delete(make_key("3"))])
    if is_frozen:
        index.freeze()

    assert index.unlike(rows_of(kettle, *newer)) == {}
    assert index.unlike(
        rows_of(kettle, lamp, make_product("3"), newer[1], make_product("5"))
    ) == {lamp.key: ("price",), make_key("3"): MISSING, make_key("5"): MISSING}


def test_deleted_and_put_again_is_as_it_should_be():
    """
    A row that is damaged while its content's hash is not is no change to an upsert; a
    deletion before it makes the row anew. Counted anew before that, the counts are
    right again.
    """
    products = make_catalogue(20)
    index = make_index(products)
    product = products[3]
    damage(index, product.key, "visible")

    index.apply([Upsert(product)])
    assert index.unlike(rows_of(product)) == {product.key: ("visible",)}
    index.recount()
    index.apply([Delete(product.key), Upsert(product)])
    index.freeze()

    assert index.unlike(rows_of(*products)) == {}
    assert index.products == len(products)
    assert index.visible == sum(product.visible for product in products)


@pytest.mark.parametrize("is_frozen", [False, True])
def test_recount_changes_no_count_that_is_right(is_frozen):
    """
    Counted anew, pending rows, shadowed rows and tombstones are what they were.
    """
    index = make_index(make_catalogue(30))
    index.freeze()
    index.apply([Delete(make_key("3")), Upsert(make_product("4", visible=False))])
    index.apply([Upsert(make_product("new")), Delete(make_key("never there"))])
    if is_frozen:
        index.freeze()
    before = index.products, index.visible

    index.recount()

    assert (index.products, index.visible) == before
    assert before[0] == len(contents(index))


def test_keys_are_those_of_the_moment():
    """
    What happens to the index while its keys are taken changes nothing in them.
    """
    index = make_index(make_catalogue(20))
    index.freeze()
    index.apply([Delete(make_key("3")), Upsert(make_product("new"))])
    expected = contents(index).keys()

    keys = index.keys()
    taken = [next(keys)]
    index.apply([Delete(make_key("5")), Upsert(make_product("newer"))])
    index.freeze()
    compact(index)
    taken += keys

    assert set(taken) == expected
    assert len(taken) == len(expected)
