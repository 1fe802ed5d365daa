"""
The chaos run is by far the longest test, so it begins first, beside all others.
"""

from __future__ import annotations

from pathlib import Path

import pytest


HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Move what is in this folder to the front.
    """
    items.sort(key=lambda item: HERE not in item.path.parents)
