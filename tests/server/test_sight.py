"""
What requests see, and when they see something else.
"""

from __future__ import annotations

from weakref import ref

import pytest

from server.sight import Lookout, look
from tests.support.clock import FakeClock
from tests.support.products import make_product
from tests.support.shops import make_live


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    return FakeClock()


async def test_how_fresh_it_is_is_worked_out_once(shop, clock) -> None:
    """
    As long as nothing is published, and the listener speaks, all see the same thing.
    """
    shop.publish()
    shop.say(written_at_s=clock.wall())
    live = make_live(shop.folder)
    live.refresh()
    lookout = Lookout(live, clock.wall)

    first = lookout.look()
    clock.advance(4.9)

    assert lookout.look().need_model().fresh is first.need_model().fresh
    assert first == look(live, wall=clock.wall)


async def test_what_is_served_no_more_is_let_go(shop, clock) -> None:
    """
    A model that another has taken the place of is not held until somebody asks again.
    """
    shop.publish()
    live = make_live(shop.folder)
    live.refresh()
    lookout = Lookout(live, clock.wall)
    served = ref(lookout.look().served)
    shop.put(make_product("k1"))
    shop.publish()
    live.refresh()

    assert served() is None
    assert lookout.look() == look(live, wall=clock.wall)


async def test_listener_that_falls_silent_is_noticed(shop, clock) -> None:
    """
    Nothing has come from the store, and yet the answer is stale from one moment on, and
    is not when the listener speaks again.
    """
    shop.say(written_at_s=clock.wall())
    live = make_live(shop.folder)
    live.refresh()
    lookout = Lookout(live, clock.wall)

    reasons = [lookout.look().need_model().fresh.reason]
    clock.advance(5.1)
    reasons.append(lookout.look().need_model().fresh.reason)
    shop.say(written_at_s=clock.wall())
    live.refresh()
    reasons.append(lookout.look().need_model().fresh.reason)

    assert reasons == ["", "listener_silent", ""]


async def test_each_generation_is_seen_at_once(shop, clock) -> None:
    """
    The next request sees what has been loaded, also the first model of all.
    """
    live = make_live(shop.folder)
    lookout = Lookout(live, clock.wall)
    assert lookout.look().model is None

    for price in (1.0, 2.0):
        shop.put(make_product("k1", price=price))
        manifest = shop.publish()
        live.refresh()
        assert lookout.look().need_model().snapshot.generation == manifest.generation
        assert lookout.look() == look(live, wall=clock.wall)
