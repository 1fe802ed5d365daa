"""
Follow a MongoDB collection and keep its recommendation model current.
"""

from __future__ import annotations

import sys

from typing import Final

from recommender.exits import Exit
from recommender.launch import launching


# What somebody waits for; without one of these words the listener itself runs.
ERRANDS: Final = frozenset(
    {"verify", "doctor", "profile", "resync", "evaluate", "load"}
)


def main() -> int:
    """
    Run the listener; return its exit code.
    """
    arguments = sys.argv[1:]
    is_errand = not ERRANDS.isdisjoint(arguments)
    with launching(if_stopped=Exit.INTERRUPTED if is_errand else Exit.OK):
        from listener.app import main as run  # noqa: PLC0415 that is what takes long
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
