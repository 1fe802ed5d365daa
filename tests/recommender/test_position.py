import json
import math

import pytest

from recommender.position import ClusterTime, Position, State
from recommender.store import (
    POSITION,
)


POSITION_NOW = Position(
    state=State.FOLLOWING,
    reason="",
    generation=3,
    as_of=ClusterTime(10, 1),
    read_time=ClusterTime(11, 0),
    written_at_s=12.5,
)


def test_position_comes_back(store, reader):
    """
    What the listener says of itself is read, the newest word only.
    """
    assert reader.read_position() is None
    store.write_position(
        Position(State.STARTING, "", 0, ClusterTime(0, 0), ClusterTime(0, 0), 1.0)
    )
    store.write_position(POSITION_NOW)

    assert reader.read_position() == POSITION_NOW
    assert isinstance(reader.read_position().as_of, ClusterTime)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "dancing"},
        {"generation": None},
        {"generation": "x"},
        {"as_of": [1]},
        {"as_of": ["a", "b"]},
        {"as_of": 5},
        {"read_time": [1, 2, 3]},
        {"written_at_s": "soon"},
        {"reason": "refused\r\nSet-Cookie: a=b"},
        {"reason": "r\u00e9fused"},
        {"written_at_s": None},
    ],
    ids=str,
)
def test_unreadable_position_is_none(store, reader, change):
    """
    A position that says something odd is no position.
    """
    store.write_position(POSITION_NOW)
    values = json.loads((reader.folder / POSITION).read_bytes())
    for content in (json.dumps(values | change), "", "[]", '{"state": 1e999}', "null"):
        (reader.folder / POSITION).write_text(content)
        assert reader.read_position() is None


def test_time_that_json_lacks_is_no_position(store, reader):
    """
    A clock that gave NaN wrote null, which is not a time.
    """
    store.write_position(
        Position(State.FOLLOWING, "", 1, ClusterTime(1, 1), ClusterTime(1, 1), math.nan)
    )

    assert reader.read_position() is None
