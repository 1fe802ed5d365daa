"""
Limits that several processes keep together.
"""

from __future__ import annotations

import subprocess
import sys

import hypothesis.strategies as st

from hypothesis import given

from server.pace import OwnTimes, Pace
from server.shared_times import PLACES, SharedTimes
from tests.support.processes import ROOT


# Four processes take as often as they can what all of them together have a hundred of.
TAKING = """
import os
from server.pace import Pace
from server.shared_times import SharedTimes

pace, reading, writing = Pace(100, SharedTimes()), *os.pipe()
for _ in range(4):
    if os.fork() == 0:
        taken = sum(pace.take("a", 1000.0).is_allowed for _ in range(2000))
        os.write(writing, f"{taken}\\n".encode())
        os._exit(0)
for _ in range(4):
    os.wait()
print(os.read(reading, 1000).decode())
"""


def test_a_limit_is_kept_by_all_together() -> None:
    """
    However they come between each other, not one too many is allowed, nor one too few.
    """
    done = subprocess.run(
        [sys.executable, "-c", TAKING],
        cwd=ROOT, capture_output=True, check=True, text=True, timeout=60,
    )  # fmt: skip

    assert sum(map(int, done.stdout.split())) == 100


DYING = """
import os
from server.shared_times import SharedTimes

times = SharedTimes()
if os.fork() == 0:
    with times.turn_of("a"):
        os._exit(0)
os.wait()
with times.turn_of("a"):
    print("on")
"""


def test_who_dies_in_its_turn_keeps_nobody_out() -> None:
    """
    The system lets go of its lock.
    """
    done = subprocess.run(
        [sys.executable, "-c", DYING],
        cwd=ROOT, capture_output=True, check=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.stdout == "on\n"


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 20)), max_size=60),
)
def test_they_are_those_of_one_process(asked: list[tuple[str, float]]) -> None:
    """
    Whoever keeps the times, the same is allowed.
    """
    own, shared, now_s = Pace(3, OwnTimes()), Pace(3, SharedTimes(groups=1)), 1.0
    for caller, pause_s in asked:
        now_s += pause_s
        assert own.take(caller, now_s) == shared.take(caller, now_s)


def test_the_earliest_makes_room() -> None:
    """
    Where more callers come than are remembered, who is nearest to having all again is
    forgotten.
    """
    times = SharedTimes(groups=1)
    for number in range(PLACES + 1):
        times.write(f"caller {number}", 10.0 + number)

    kept = [times.read(f"caller {number}") for number in range(PLACES + 1)]
    assert kept == [None, *(10.0 + number for number in range(1, PLACES + 1))]
