"""
The demo, see `listener.demo.app`.

    python -m listener.demo
"""

from __future__ import annotations

import sys

from recommender.exits import Exit
from recommender.launch import launching


def main() -> int:
    """
    Run the demo; return its exit code.
    """
    with launching(if_stopped=Exit.OK):
        from listener.demo.app import main as run  # noqa: PLC0415 that takes long
    return run()


if __name__ == "__main__":
    sys.exit(main())
