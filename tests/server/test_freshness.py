import pytest

from recommender.position import ClusterTime, Position, State
from server.freshness import freshness
from server.loader import Served
from tests.support.products import make_snapshot


NOW_S = 1_700_000_100.0
PUBLISHED = ClusterTime(1_700_000_000, 5)


def make_position(**values):
    defaults = {
        "state": State.FOLLOWING,
        "reason": "",
        "generation": 7,
        "as_of": PUBLISHED,
        "read_time": PUBLISHED,
        "written_at_s": NOW_S,
    }
    return Position(**defaults | values)


def make_freshness(position, fault=""):
    snapshot = make_snapshot([], generation=7, as_of=PUBLISHED)
    return freshness(snapshot, Served(snapshot, position, fault), NOW_S)


def test_quiet_catalogue_is_as_fresh_as_the_listener_says():
    """
    When nothing newer is to be published, the model is as of what was last read.
    """
    later = ClusterTime(1_700_000_099, 1)

    fresh = make_freshness(make_position(as_of=later, read_time=later))

    assert (fresh.generation, fresh.as_of, fresh.lag_ms) == (7, later, 0)
    assert not fresh.stale


def test_position_ahead_of_the_model_promises_nothing_of_it():
    """
    What holds for a generation that is not yet loaded does not hold for this one.
    """
    later = ClusterTime(1_700_000_003, 1)

    fresh = make_freshness(make_position(generation=8, as_of=later, read_time=later))

    assert fresh.as_of == PUBLISHED
    assert fresh.lag_ms == 3000


def test_position_behind_the_model_takes_nothing_away():
    """
    A position from before the publication does not make the model older.
    """
    earlier = ClusterTime(1_699_999_999, 1)

    fresh = make_freshness(make_position(as_of=earlier, read_time=earlier))

    assert (fresh.as_of, fresh.lag_ms) == (PUBLISHED, 0)


def test_lag_is_in_whole_seconds():
    """
    Cluster times of one second are one time, as far as the lag can tell.
    """
    read = ClusterTime(PUBLISHED.seconds, PUBLISHED.increment + 9)

    assert make_freshness(make_position(read_time=read)).lag_ms == 0


def test_no_listener_has_ever_spoken():
    """
    Without a position there is no lag to tell, and a reason for doubt.
    """
    fresh = make_freshness(None)

    assert (fresh.stale, fresh.reason) == (True, "listener_absent")
    assert fresh.as_of == PUBLISHED
    assert fresh.lag_ms is None


@pytest.mark.parametrize(("age_s", "stale"), [(0, False), (5, False), (5.1, True)])
def test_dead_listener_shows(age_s, stale):
    """
    A position older than five seconds was the last word of a listener that died.
    """
    fresh = make_freshness(make_position(written_at_s=NOW_S - age_s))

    assert fresh.stale is stale
    assert fresh.reason == ("listener_silent" if stale else "")


def test_clock_that_was_set_back():
    """
    A position from the future says nothing of now.
    """
    fresh = make_freshness(make_position(written_at_s=NOW_S + 60))

    assert fresh.reason == "listener_silent"


@pytest.mark.parametrize("state", [s for s in State if s is not State.FOLLOWING])
def test_every_state_but_following_is_stale(state):
    """
    The reason is the listener's, or its state when it gives none.
    """
    assert make_freshness(make_position(state=state)).reason == state.value
    told = make_freshness(make_position(state=state, reason="history_lost"))
    assert told.reason == "history_lost"


def test_generation_that_cannot_be_loaded():
    """
    Behind a fault the model may be older than the listener knows.
    """
    later = ClusterTime(1_700_000_099, 1)

    fresh = make_freshness(make_position(as_of=later, read_time=later), fault="broken")

    assert fresh.reason == "newest_unreadable"
    assert fresh.as_of == PUBLISHED
