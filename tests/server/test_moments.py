import pytest

from recommender.position import ClusterTime
from server.moments import to_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1700000000.7", (1_700_000_000, 7)),
        ("1700000000:7", (1_700_000_000, 7)),
        ("0.0", (0, 0)),
        ("4294967295.4294967295", (2**32 - 1, 2**32 - 1)),
        ("2023-11-14T22:13:20Z", (1_700_000_001, 0)),
        ("2023-11-14T22:13:20.999Z", (1_700_000_001, 0)),
        ("2023-11-14T23:13:20+01:00", (1_700_000_001, 0)),
        ("2023-11-14T23:13:20 01:00", (1_700_000_001, 0)),
        ("2023-11-14 22:13:20+00:00", (1_700_000_001, 0)),
    ],
)
def test_moment(text, moment):
    """
    An operationTime is itself; a wall clock's second is in when the next has begun.
    """
    assert to_moment(text) == ClusterTime(*moment)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "now",
        "1700000000",
        "1700000000.",
        "1700000000.1.2",
        "-1.0",
        "4294967296.0",
        "1.4294967296",
        "99999999999.1",
        "2023-11-14T22:13:20",
        "2023-11-14",
        "2023-13-14T22:13:20Z",
        "1969-12-31T23:59:58Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "\uff11\uff1700000000.1",
        1_700_000_000.1,
        None,
    ],
)
def test_no_moment(value):
    """
    What cannot be a time of the database is refused; so is a time without its zone.
    """
    with pytest.raises(ValueError, match="ISO 8601"):
        to_moment(value)
