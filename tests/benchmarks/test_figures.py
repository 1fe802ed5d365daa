"""
Figures, their goals, and how they are shown.
"""

from __future__ import annotations

import pytest

from rich.console import Console

from benchmarks.figures import Figure, percentiles
from benchmarks.goals import Goal, goal_of
from benchmarks.report import to_record, to_table
from benchmarks.runs import Run, growth


ENVIRONMENT = {"cores": 2}


def make_figure(key: str = "speed", ours: float = 3.0, **more: object) -> Figure:
    values = {"what": "how fast", "unit": "ms", "beside": 2.0, "beside_what": "other"}
    return Figure(key=key, ours=ours, **values | more)  # type: ignore[arg-type]


def test_ratio_is_ours_to_the_other() -> None:
    """
    The ratio says how many times the other's figure ours is; there may be none.
    """
    assert make_figure().ratio == 1.5
    assert make_figure(beside=None).ratio is None


def test_percentiles_are_milliseconds() -> None:
    """
    Two series of seconds become a median and a 99th percentile.
    """
    series = [n / 1000 for n in range(1, 101)]
    median, p99 = percentiles("key", "what", series, [0.001], "event")

    assert (median.key, p99.key) == ("key.median", "key.p99")
    assert median.ours == pytest.approx(50.5)
    assert p99.ours == pytest.approx(99.01)
    assert median.beside == pytest.approx(1.0)


def test_goal_goes_by_size() -> None:
    """
    A goal counts for catalogues of its sizes only.
    """
    goals = [Goal("speed", 4, 2, most=10), Goal("speed", 5, 3, least=11, most=100)]

    found = [goal_of(make_figure(), size, goals) for size in (10, 11, 101)]

    assert [goal and goal.must for goal in found] == [4, 5, None]


@pytest.mark.parametrize(
    ("key", "ours", "beside", "reaches"),
    [
        ("bulk", 1.0, 1.0, "aim"),
        ("bulk", 2.0, 1.0, "must"),
        ("bulk", 4.0, 1.0, "nothing"),
        ("restart.listener", 3.0, None, "must"),
        ("restart.server", 1.25, 1.0, "aim"),
        ("restart.server", 3.0, 1.0, "nothing"),
        ("restart.server", 3.0, None, ""),
    ],
)
def test_record_says_what_is_reached(
    key: str, ours: float, beside: float | None, reaches: str
) -> None:
    """
    A goal limits the ratio, our own figure, or what it is more than the other's.
    """
    figure = make_figure(key, ours, beside=beside)
    record = to_record(ENVIRONMENT, [Run("1000", 1_000, figures=[figure])], [])

    assert record["runs"][0]["figures"][0]["reaches"] == reaches


def test_table_shows_figure_ratio_and_goal() -> None:
    """
    A reader sees both figures, their ratio, and what it must be.
    """
    figure = make_figure("bulk", 3.0, unit="s")
    console = Console(width=150, record=True, quiet=False, file=None)
    with console.capture() as shown:
        console.print(to_table("title", [figure], 1_000))
    line = next(line for line in shown.get().splitlines() if "how fast" in line)

    assert [cell.strip() for cell in line.split("│")[1:-1]] == [
        "how fast", "3.00 s", "2.00 s", "1.50 x", "≤ 3.00 x", "≤ 1.50 x", "other",
    ]  # fmt: skip


def test_goals_of_rates_are_absent() -> None:
    """
    A rate, where more is better, has no upper limit.
    """
    assert goal_of(make_figure("throughput.warm.rate"), 1_000) is None


def test_growth_is_from_the_smallest_to_the_largest() -> None:
    """
    A price change at the largest generated catalogue stands beside the smallest one's,
    or that of 10,000 products if there is one; a single size shows no growth.
    """
    runs = [
        Run(name, size, figures=[make_figure("cost.price", cost, details={})])
        for name, size, cost in (("9", 9, 6.0), ("3", 3, 2.0), ("icecat", 5, 1.0))
    ]
    medium, large = (
        Run(str(size), size, figures=[make_figure("cost.price", cost, details={})])
        for size, cost in ((10_000, 3.0), (20_000, 9.0))
    )
    processor, _ = growth(runs)
    from_medium, _ = growth([*runs, medium, large])

    assert (processor.ours, processor.beside) == (6.0, 2.0)
    assert (from_medium.ours, from_medium.beside) == (9.0, 3.0)
    assert list(growth(runs[:1])) == []
