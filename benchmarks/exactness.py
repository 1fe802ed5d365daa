"""
Exactness is not for sale: what was measured is also right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.figures import Figure
from benchmarks.shop import Shop
from tests.support.processes import Process


LONGEST_S: Final = 3600.0


class Different(Exception):  # noqa: N818 the class says what happened
    """
    The model is not what the collection says.
    """


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield the number of differences from a model trained from scratch, which is none.

    Raises:
        Different: There are some.
    """
    pair = shop.follow()
    log = shop.folder / "verify.log"
    process = Process("run_listener.py", ["verify"], pair.environment, log)
    process.start()
    code = process.wait(LONGEST_S)
    if code:
        raise Different(process.text[-4000:])
    done = process.logs("verify.done")[-1]
    yield Figure(
        "exactness",
        f"differences from scratch, {done['rankings']:,} rankings",
        done["differences"],
        "",
        details=done,
    )
