"""
How long to wait before trying again.
"""

from __future__ import annotations

from typing import Final


FIRST_S: Final = 0.1
LONGEST_S: Final = 2.0  # so that a database that is back is followed within two seconds
LONGEST_REBUILD_S: Final = 15.0  # each reads the whole collection
LONGEST_REFUSED_S: Final = 60.0  # what only an operator can mend is not mended in haste


def delay_s(attempt: int, luck: float, longest_s: float = LONGEST_S) -> float:
    """
    Return how long to wait after the *attempt*-th failure in a row, from 1 on.

    It doubles up to *longest_s*, and is drawn evenly from its upper half, so that
    many that failed together do not come back together.

    Args:
        luck: A random number, 0 to 1.
    """
    ceiling = min(FIRST_S * 2.0 ** min(attempt - 1, 32), longest_s)
    return ceiling * (0.5 + 0.5 * luck)
