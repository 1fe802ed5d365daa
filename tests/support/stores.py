"""
Looking into a store, and ending its process, for tests.
"""

from __future__ import annotations

from pathlib import Path

from recommender.store import SEGMENTS, Store


def files(folder: Path) -> list[str]:
    """
    Return the names of the segments' files, whether named by a pointer or not.
    """
    return sorted(path.name for path in (folder / SEGMENTS).iterdir())


def reopened(store: Store) -> Store:
    """
    Return the store of the next process, after this one died: all that still happens
    then is that the lock is let go.
    """
    store.close()
    return Store.open(store._folder)
