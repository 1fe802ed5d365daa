"""
The soak would notice.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.soak.flatness import Measure, judge


MEMORY = Measure("memory", "memory", "MB", share=0.05, floor=2.0, most_ratio=1.2)
AT_S = np.arange(0.0, 3600.0, 10.0)
SINCE_S = 1200.0
NOISE = np.random.default_rng(0).normal(0.0, 3.0, len(AT_S))
TEETH = 40.0 * (AT_S % 300.0) / 300.0
WILD = np.where(np.arange(len(AT_S)) % 20 == 0, 500.0, 0.0)
WARMING = np.minimum(AT_S, SINCE_S) / SINCE_S * 60.0


@pytest.mark.parametrize(
    "values",
    [NOISE, TEETH, TEETH[::-1], WILD, WARMING - 60, -AT_S / 100],
    ids=["noise", "rising teeth", "falling teeth", "wild", "warming up", "shrinking"],
)
def test_what_stays_is_flat(values: np.ndarray) -> None:
    """
    Neither noise, nor saw teeth, nor a value in twenty that is far off, nor what happens
    before the part that is judged, nor shrinking, is growth.
    """
    assert judge(MEMORY, AT_S, 400.0 + values, SINCE_S).is_flat


@pytest.mark.parametrize("shape", [NOISE, TEETH, WILD], ids=["noise", "teeth", "wild"])
def test_a_leak_is_not(shape: np.ndarray) -> None:
    """
    A leak of a tenth in the part that is judged is seen through any of them.
    """
    leak = 45.0 * np.maximum(0.0, AT_S - SINCE_S) / (AT_S[-1] - SINCE_S)

    verdict = judge(MEMORY, AT_S, 400.0 + shape + leak, SINCE_S)

    assert not verdict.is_flat
    assert verdict.rise == pytest.approx(45.0, rel=0.2)


def test_a_step_before_the_judged_part_is_seen_by_the_ratio() -> None:
    """
    What has grown by a third since the beginning is not flat, though it grows no more.
    """
    values = np.where(AT_S < SINCE_S / 2, 300.0, 400.0)

    verdict = judge(MEMORY, AT_S, values, SINCE_S)

    assert (verdict.first, verdict.last) == (300.0, 400.0)
    assert not verdict.is_flat


def test_gaps_do_not_count() -> None:
    """
    While a process is away it has no number; what is left is judged.
    """
    values = np.where(np.arange(len(AT_S)) % 3 == 0, math.nan, 400.0 + AT_S)

    verdict = judge(MEMORY, AT_S, values, SINCE_S)

    assert verdict.rise == pytest.approx(2390.0, rel=0.02)
    assert not verdict.is_flat


@pytest.mark.parametrize("count", [0, 5])
def test_too_few_values_prove_nothing(count: int) -> None:
    """
    What was not looked at is not flat, unless nobody judges it.
    """
    at_s, values = AT_S[-count:] if count else AT_S[:0], np.full(count, 400.0)

    assert not judge(MEMORY, at_s, values, SINCE_S).is_flat
    assert judge(Measure("load", "load", ""), at_s, values, SINCE_S).is_flat


def test_a_count_at_zero_is_flat() -> None:
    """
    Nothing that stays nothing is flat, without any allowance.
    """
    zeros = np.zeros(len(AT_S))

    assert judge(Measure("lag", "lag", "s", share=0.0), AT_S, zeros, SINCE_S).is_flat
