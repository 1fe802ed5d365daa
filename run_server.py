"""
Answers recommendation calls; see `python run_server.py --help`.
"""

from __future__ import annotations

import sys

from recommender.exits import Exit
from recommender.launch import launching


def main() -> int:
    """
    Run the server; return its exit code.
    """
    with launching(if_stopped=Exit.OK):
        from server.process import main as run  # noqa: PLC0415 that is what takes long
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
