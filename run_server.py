"""
Answers recommendation calls; see `python run_server.py --help`.
"""

from __future__ import annotations

import sys

from collections.abc import Sequence

from recommender.exits import Exit
from recommender.launch import launching


def main(arguments: Sequence[str]) -> int:
    """
    Run the server; return its exit code.
    """
    with launching(if_stopped=Exit.OK):
        from server.process import main as run  # noqa: PLC0415 that is what takes long
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
