"""
Rows that say something else than they should, for tests.
"""

from __future__ import annotations

import dataclasses

from typing import Any

import numpy as np

from recommender.blob import Blob
from recommender.displays import Displays
from recommender.index import Index
from recommender.segment import Segment


def damaged(segment: Segment, row: int, column: str) -> Segment:
    """
    Return *segment* with another value in one column of a row, and nothing else.
    """
    values: Any = getattr(segment, column)
    if isinstance(values, Displays):
        strings = [values[row] for row in range(len(values))]
        strings[row] = b'{"name":"damaged"}'
        changed: dict[str, Any] = {column: Displays.plain(Blob.of(strings))}
        return dataclasses.replace(segment, **changed)
    values = values.copy()
    place = segment.indptr[row] if column == "tf" else row
    if values.dtype == np.bool_:
        values[place] = ~values[place]
    else:
        values[place] += 1
    return dataclasses.replace(segment, **{column: values})


def damage(index: Index, key: bytes, column: str) -> None:
    """
    Put another value into one column of a living row, as no mutation could.
    """
    index.freeze()
    for shelved in index._shelf:
        row = shelved.segment.find(key)
        if row >= 0 and not shelved.dead[row]:
            shelved.segment = damaged(shelved.segment, row, column)
            return
    msg = f"no product is called {key!r}"
    raise KeyError(msg)
