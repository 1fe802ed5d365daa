"""
What every source of the listener keeps to: the one in memory, and MongoDB's.
"""

from __future__ import annotations

import random
import time

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

import pytest

from listener.errors import PositionLost
from recommender.position import ClusterTime
from tests.support.fake_source import FakeSource
from tests.support.followed import (
    FakeShop,
    Follower,
    MongoShop,
    Names,
    Shop,
    at_once,
    mongo_shop,
    to_name,
)
from tests.support.products import make_key


@pytest.fixture(name="shop", params=["memory", "mongodb"])
def _shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    if request.param == "memory":
        yield FakeShop(seed=1)
        return
    uri = request.getfixturevalue("mongo_uri")
    database = request.getfixturevalue("database")
    with ExitStack() as stack:
        yield stack.enter_context(mongo_shop(uri, database.name))


def follow(shop: Shop, checkpoint: str | None = None) -> Follower:
    return Follower(shop.source, checkpoint)


@contextmanager
def opened(shop: Shop, checkpoint: str | None = None) -> Iterator[Follower]:
    """
    Yield a follower that has come to its first mark.
    """
    with follow(shop, checkpoint) as follower:
        yield follower.open()


def scanned(shop: Shop) -> Names:
    return {p.key: to_name(p) for batch in shop.source.scan() for p in batch}


def scanned_in_ranges(shop: Shop, rows: int) -> list[tuple[bytes, str]]:
    """
    Return what comes range after range, each of about *rows*.
    """
    return [
        (product.key, to_name(product))
        for within in shop.source.split(rows)
        for batch in shop.source.scan(within)
        for product in batch
    ]


def paged(
    shop: Shop, limit: int, between: Callable[[], object] = lambda: None
) -> list[tuple[bytes, str]]:
    """
    Return what comes page after page, *between* which something is done.
    """
    found: list[tuple[bytes, str]] = []
    place = None
    while True:
        page = shop.source.page(place, limit)
        assert len(page.products) <= limit
        found += [(product.key, to_name(product)) for product in page.products]
        place = page.end
        if place is None:
            return found
        between()


def key(id_: str) -> bytes:
    return make_key(id_)


def test_every_kind_of_write_arrives(shop: Shop) -> None:
    """
    What was inserted, changed, replaced, deleted, in bulk or in a transaction, is
    there, as it is, once the feed claims its time, which takes less than a second, at
    the median.
    """
    took_s = []
    with opened(shop) as follower:
        for write, expected in (
            (lambda: shop.put("a", "one"), {"a": "one"}),
            (lambda: shop.put("a", "two"), {"a": "two"}),
            (lambda: shop.put("b", "three"), {"a": "two", "b": "three"}),
            (lambda: shop.delete("a"), {"b": "three"}),
            (
                lambda: shop.bulk({"b": None, "c": "four", "d": ""}),
                {"c": "four", "d": ""},
            ),
            (lambda: shop.transact({"c": "five", "d": None}), {"c": "five"}),
            (lambda: shop.delete("never there"), {"c": "five"}),
        ):
            took_s.append(timed(follower, write()))
            assert follower.names == {key(id_): name for id_, name in expected.items()}
        assert follower.names == shop.names()
    assert median(took_s) < 1.0


def timed(follower: Follower, at: ClusterTime) -> float:
    """
    Take until everything up to a time is there; return how long that took.
    """
    began_s = time.monotonic()
    follower.follow_to(at)
    return time.monotonic() - began_s


def test_only_what_was_written_is_told(shop: Shop) -> None:
    """
    A feed starts where it starts: of products that nobody has written since it says
    nothing.
    """
    shop.bulk({"a": "old", "b": "old"})
    with opened(shop) as follower:
        follower.follow_to(shop.put("b", "new"))

        assert follower.written == {key("b")}


def test_first_batch_shows_the_position(shop: Shop) -> None:
    """
    Without anything written, the first batch says where one is; all that is written
    from then on will come.
    """
    shop.put("a", "old")
    with follow(shop) as follower:
        follower.open()
        assert follower.written <= {key("a")}
        follower.follow_to(shop.put("b", "new"))

        assert follower.names[key("b")] == "new"


def test_claims_no_write_that_is_still_to_come(shop: Shop) -> None:
    """
    A feed that has just been opened does not claim the very next moment: a write may
    yet fall on it.
    """
    for number in range(30):
        shop.elsewhere()
        with opened(shop) as follower:
            claimed = follower.as_of
            assert shop.put("a", f"{number}") > claimed


def test_what_is_now_is_claimed_soon(shop: Shop) -> None:
    """
    When nothing more happens, all that happened before is claimed within a second, at
    the median, whichever collection was written last; also by a feed that was opened
    just before.
    """
    took_s = []
    for _ in range(5):
        with opened(shop) as follower:
            first_s = timed(follower, shop.source.now())
            shop.elsewhere()
            second_s = timed(follower, shop.source.now())
            shop.put("a", "one")
            shop.elsewhere()
            third_s = timed(follower, shop.source.now())
            assert follower.names == {key("a"): "one"}
        took_s.append((first_s, second_s, third_s))
    assert all(median(each) < 1.0 for each in zip(*took_s, strict=True))


def test_opened_again_at_once(shop: Shop) -> None:
    """
    A position is good from the first moment, also when nothing at all has happened
    since the one before.
    """
    shop.put("a", "old")
    checkpoint = None
    for _ in range(5):
        with opened(shop, checkpoint) as follower:
            checkpoint = follower.marks[-1][0].checkpoint
    with follow(shop, checkpoint) as follower:
        follower.follow_to(shop.put("b", "new"))

        assert follower.names[key("b")] == "new"


def test_goes_on_from_every_checkpoint(shop: Shop) -> None:
    """
    From whichever mark one goes on, what one had then becomes what is there now.
    """
    chance = random.Random(3)
    with opened(shop) as follower:
        for number in range(12):
            ids = chance.sample("abcdefgh", 3)
            shop.bulk({ids[0]: f"{number}", ids[1]: None})
            shop.transact({ids[2]: f"{number}", ids[1]: f"{number}!"})
            follower.take()
        follower.follow_to(shop.source.now())
        assert follower.names == shop.names()
    for mark, then in follower.marks[:: max(len(follower.marks) // 12, 1)]:
        with follow(shop, mark.checkpoint) as again:
            again.names = dict(then)
            again.follow_to(follower.as_of)
            assert again.names == shop.names()


def test_transaction_is_whole_before_its_time_is_claimed(shop: Shop) -> None:
    """
    However large a transaction is, no mark names its time while a part is missing.
    """
    size = 2_500 if isinstance(shop, MongoShop) else 20
    with opened(shop) as follower:
        for number in range(2):
            whole = {key(f"{i}"): f"{number}" for i in range(size)}
            when = shop.transact({f"{i}": f"{number}" for i in range(size)})
            follower.follow_to(when)

            claims = [names for mark, names in follower.marks if mark.as_of >= when]
            assert claims == [whole] * len(claims)
    assert len(follower.batches) > 4


def test_claims_are_true_under_concurrent_writes(shop: Shop) -> None:
    """
    While several write at once, at every mark each write that was acknowledged up to
    its time is there, or a later one to the same product.
    """
    acknowledged: dict[str, list[tuple[ClusterTime, int]]] = {i: [] for i in "abcd"}

    def write(id_: str) -> None:
        for number in range(60):
            acknowledged[id_].append((shop.put(id_, f"{number}"), number))
            if number % 10 == 5:
                shop.elsewhere()

    with opened(shop) as follower:
        with at_once(*(lambda i=i: write(i) for i in acknowledged)) as threads:
            follower.until(lambda: not any(thread.is_alive() for thread in threads))
        follower.follow_to(shop.source.now())
    for mark, names in follower.marks:
        for id_, writes in acknowledged.items():
            due = max((n for when, n in writes if when <= mark.as_of), default=-1)
            assert int(names.get(key(id_), -1)) >= due
    assert follower.names == shop.names()


def test_races_end_with_what_is_there(shop: Shop) -> None:
    """
    Products that are deleted and made again, changed and deleted, by several at once,
    are in the end what they are.
    """

    def write(seed: int) -> None:
        chance = random.Random(seed)
        for number in range(50):
            id_ = chance.choice("abc")
            _ = (
                shop.delete(id_)
                if chance.random() < 0.5
                else shop.put(id_, f"{number}")
            )

    with opened(shop) as follower:
        with at_once(*(lambda s=s: write(s) for s in range(4))) as threads:
            follower.until(lambda: not any(thread.is_alive() for thread in threads))
        follower.follow_to(shop.source.now())

        assert follower.names == shop.names()


def test_scan_and_feed_together_are_the_collection(shop: Shop) -> None:
    """
    A scan that begins after a feed's first mark, and what the feed brings up to the
    time at which it ended, are together what is there, whatever was written meanwhile.
    """
    shop.bulk({f"{i}": "old" for i in range(50)})

    def write() -> None:
        chance = random.Random(5)
        for number in range(60):
            id_ = f"{chance.randrange(60)}"
            _ = shop.delete(id_) if number % 3 else shop.put(id_, f"{number}")

    with opened(shop) as follower:
        with at_once(write):
            names = scanned(shop)
        follower.follow_to(shop.source.now())
        follower_knows = {
            k: name for k, name in names.items() if k not in follower.written
        }

        assert follower_knows | follower.names == shop.names()


def test_scan_is_complete(shop: Shop) -> None:
    """
    In a quiet collection a scan brings every product as it is, and the count is about
    right.
    """
    shop.bulk({f"{i}": f"name {i}" for i in range(1_500)})

    assert scanned(shop) == shop.names()
    assert abs(shop.source.count() - 1_500) <= 1


@pytest.mark.parametrize("limit", [1, 7, 40, 1_000])
def test_pages_are_complete(shop: Shop, limit: int) -> None:
    """
    Page after page a quiet collection brings every product once, as it is.
    """
    shop.bulk({f"{i}": f"name {i}" for i in range(40)})
    found = paged(shop, limit)

    assert dict(found) == shop.names()
    assert len(found) == 40


def test_pages_go_on_over_what_is_deleted(shop: Shop) -> None:
    """
    Products that are there all the time come once, although others, those at which a
    page ended among them, come and go between the pages.
    """
    shop.bulk({f"{i:02}": "new" for i in range(40)})
    chance = random.Random(7)
    stays = {f"{i:02}" for i in range(0, 40, 3)}

    def write() -> None:
        gone = chance.sample([f"{i:02}" for i in range(40)], 20)
        shop.bulk({id_: None for id_ in gone if id_ not in stays})
        shop.bulk(dict.fromkeys(gone[:5], "again"))

    found = [found_key for found_key, _ in paged(shop, 4, write)]

    assert {key(id_) for id_ in stays} <= set(found)
    assert len(found) == len(set(found))


def test_a_page_has_what_was_acknowledged_before(shop: Shop) -> None:
    """
    What was written before a page is read is in it.
    """
    for number in range(10):
        shop.put("a", f"{number}")
        assert paged(shop, 10) == [(key("a"), f"{number}")]


def test_absent_collection(shop: Shop) -> None:
    """
    A collection that does not exist yet is empty; it can be followed, and what is
    written to it arrives.
    """
    assert scanned(shop) == {}
    assert scanned_in_ranges(shop, 10) == []
    assert paged(shop, 10) == []
    assert shop.source.count() <= 1
    assert shop.source.identity()
    with opened(shop) as follower:
        follower.follow_to(shop.put("a", "first"))

        assert follower.names == {key("a"): "first"}


def test_identity_lasts_until_the_collection_is_another(shop: Shop) -> None:
    """
    The identity stays over writes, and changes when the collection is dropped and made
    anew, even with the same content.
    """
    shop.put("a", "one")
    before = shop.source.identity()
    shop.put("b", "two")
    shop.delete("a")
    assert shop.source.identity() == before

    shop.replace_all({"b": "two"})
    assert shop.source.identity() != before


def test_dropped_collection_loses_the_position(shop: Shop) -> None:
    """
    A feed ends with what was dropped, and so does one that goes on from a checkpoint
    before.
    """
    shop.put("a", "one")
    with opened(shop) as follower:
        checkpoint = follower.marks[-1][0].checkpoint
        shop.replace_all({"b": "two"})
        with pytest.raises(PositionLost) as raised:
            follower.follow_to(shop.source.now())
    assert raised.value.reason == "collection_dropped"

    with pytest.raises(PositionLost), follow(shop, checkpoint) as follower:
        follower.follow_to(shop.source.now())


@pytest.mark.parametrize(
    "checkpoint",
    [
        "",
        "garbage",
        "[]",
        "{}",
        "null",
        '{"_data": 5}',
        '{"_data": "zz"}',
        '{"_data": "8265"}',
        '{"_data": "82zzzzzzzzzzzzzzzz"}',
        '{"_data": "826500000000000001zz"}',
        "\N{SNOWMAN}",
    ],
)
def test_what_is_no_checkpoint_is_refused(shop: Shop, checkpoint: str) -> None:
    """
    A checkpoint that no feed gave, such as a damaged one, is a lost position: it never
    hangs, and is never taken for the beginning.
    """

    def go_on() -> None:
        with follow(shop, checkpoint) as follower:
            follower.open()

    with pytest.raises(PositionLost) as raised:
        go_on()
    assert raised.value.reason in {"bad_token", "history_lost", "stream_fatal"}


def test_counts_and_times_of_a_batch(shop: Shop) -> None:
    """
    Each write is one event, a batch without any has no time of writing, and the time
    read is never before what is claimed.
    """
    with opened(shop) as follower:
        for number in range(10):
            when = shop.put(f"{number}", "one")
        follower.follow_to(when)
        assert sum(batch.events.total() for batch in follower.batches) == 10
    for batch in follower.batches:
        assert (batch.written_s is None) == (not batch.mutations)
        assert batch.reached is None or batch.read_time >= batch.reached.as_of


def test_quiet_feed_is_patient(shop: Shop) -> None:
    """
    Without a write a feed goes on giving its position or nothing, and no product.
    """
    with opened(shop) as follower:
        for _ in range(8):
            follower.take(0.01)

        assert not follower.written


def test_several_feeds_are_independent(shop: Shop) -> None:
    """
    A second feed, as a rebuild opens one, takes nothing from the first.
    """
    with opened(shop) as one, opened(shop) as other:
        when = shop.put("a", "one")
        assert one.follow_to(when).names == {key("a"): "one"}
        assert other.follow_to(when).names == {key("a"): "one"}


def test_fake_refuses_to_be_misused() -> None:
    """
    The source in memory is the stricter one: a feed is entered once, taken from while
    it is open only, and never again after it has failed.
    """
    source = FakeSource()
    feed: Any = source.follow(None)
    with pytest.raises(AssertionError):
        feed.take(0)
    with feed, pytest.raises(AssertionError):
        feed.__enter__()
    with pytest.raises(AssertionError):
        feed.take(0)
    with pytest.raises(AssertionError):
        feed.__exit__(None, None, None)
    source.replace()
    with source.follow(None) as feed:
        source.replace()
        with pytest.raises(PositionLost):
            feed.take(0)
        with pytest.raises(AssertionError):
            feed.take(0)
