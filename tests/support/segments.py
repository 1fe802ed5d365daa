"""
What segments say, in plain values, for comparisons in tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recommender.segment import NO_CODE, Segment


def row_values(segment: Segment, row: int) -> dict[str, Any]:
    """
    Return all that a row says, independent of how its segment numbers things.
    """
    s = segment
    span = slice(s.indptr[row], s.indptr[row + 1])
    codes = s.category_codes[s.category_indptr[row] : s.category_indptr[row + 1]]
    brand = s.brand_codes[row]
    return {
        "key": s.keys[row],
        "content": int(s.contents[row]),
        "tf": {
            s.words[term]: float(tf)
            for term, tf in zip(s.terms[span], s.tf[span], strict=True)
        },
        "square": float(s.squares[row]),
        "visible": bool(s.visible[row]),
        "in_stock": bool(s.in_stock[row]),
        "price": repr(float(s.price[row])),
        "created_s": repr(float(s.created_s[row])),
        "categories": [s.category_values[code] for code in codes],
        "brand": None if brand == NO_CODE else s.brand_values[brand],
        "display": s.displays[row],
    }


def segment_values(segment: Segment) -> list[dict[str, Any]]:
    """
    Return what each row says, in order.
    """
    return [row_values(segment, row) for row in range(len(segment))]


def check_segment(segment: Segment) -> None:
    """
    Check that the parts of a segment agree with one another.
    """
    s = segment
    keys = list(s.keys)
    assert keys == sorted(set(keys))
    assert [s.find(key) for key in keys] == list(range(len(s)))
    assert (np.diff(s.dictionary.astype(object)) > 0).all()
    assert set(s.terms) == set(range(len(s.dictionary)))
    by_row = {
        (row, int(s.terms[j]), float(s.tf[j]))
        for row in range(len(s))
        for j in range(s.indptr[row], s.indptr[row + 1])
    }
    by_term = {
        (int(s.post_rows[j]), term, float(s.post_tf[j]))
        for term in range(len(s.dictionary))
        for j in range(s.post_indptr[term], s.post_indptr[term + 1])
    }
    assert by_row == by_term
    assert len(by_row) == len(s.terms)
    assert set(s.category_codes) == set(range(len(s.category_values)))
    assert set(s.brand_codes) - {NO_CODE} == set(range(len(s.brand_values)))
