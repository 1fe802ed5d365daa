"""
Follow a MongoDB collection and keep its recommendation model current.
"""

from __future__ import annotations

import sys

from listener.app import main as run


def main() -> int:
    """
    Run the listener; return its exit code.
    """
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
