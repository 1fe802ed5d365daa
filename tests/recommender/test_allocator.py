"""
What was freed is the system's again.
"""

import platform
import subprocess
import sys

import pytest


pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="the C library is not glibc"
)

HOLES = """
import numpy, psutil
from recommender import allocator
{before}
MB = 1024 * 1024
numpy.ones(30 * MB, numpy.int8)  # freed at once, which raises glibc's threshold
before = psutil.Process().memory_info().rss
large = [numpy.ones(2 * MB, numpy.int8) for _ in range(200)]
pin = numpy.ones(MB // 2, numpy.int8)
del large
{after}
print((psutil.Process().memory_info().rss - before) // MB)
"""


def kept_mb(*, before: str = "", after: str = "") -> int:
    """
    Return how many of 400 MB a process keeps that freed them below something it uses.
    """
    script = HOLES.format(before=before, after=after)
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


def test_what_is_large_does_not_stay():
    """
    Each large array goes when it is freed, and not before: the C library alone keeps
    them.
    """
    assert kept_mb() > 100
    assert kept_mb(before="allocator.return_large()") < 10


def test_what_is_free_can_be_given_back():
    """
    Also what the C library has kept.
    """
    assert kept_mb(after="allocator.return_free()") < 10
