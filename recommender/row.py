"""
What one row of a segment says, to tell whether two rows say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from recommender.segment import NO_CODE, Segment


UNREADABLE: Final = ("unreadable",)


class Said(NamedTuple):
    """
    All that a row says, independent of how its segment numbers things; but for the hash
    of its content, which no answer shows.

    Numbers are bytes as they are stored, so that NaN equals NaN.

    Attributes:
        terms: Hashes of its terms, rising.
        weights: tf(d, t) of each.
        norm: A(d).
        visible: May be returned.
        in_stock: Can be bought.
        price: Float64.
        created: Float64, Unix time.
        category: Each prefix of its path.
        brand: None without.
        display: A JSON object.
    """

    terms: bytes
    weights: bytes
    norm: bytes
    visible: bool
    in_stock: bool
    price: bytes
    created: bytes
    category: tuple[bytes, ...]
    brand: bytes | None
    display: bytes


def read_row(segment: Segment, row: int) -> Said:
    """
    Return what a row says.

    Raises:
        IndexError: The row is damaged, so that it points to what is not there.
    """
    s = segment
    span = slice(s.indptr[row], s.indptr[row + 1])
    codes = s.category_codes[s.category_indptr[row] : s.category_indptr[row + 1]]
    brand = s.brand_codes[row]
    return Said(
        terms=s.dictionary[s.terms[span]].tobytes(),
        weights=s.tf[span].tobytes(),
        norm=s.squares[row].tobytes(),
        visible=bool(s.visible[row]),
        in_stock=bool(s.in_stock[row]),
        price=s.price[row].tobytes(),
        created=s.created_s[row].tobytes(),
        category=tuple(s.category_values[code] for code in codes),
        brand=None if brand == NO_CODE else s.brand_values[brand],
        display=s.displays[row],
    )


def unlike_parts(segment: Segment, row: int, expected: Said) -> Sequence[str]:
    """
    Return the names of the parts of *expected* of which a row says something else, in
    their order; of a row that cannot be read, `UNREADABLE`.
    """
    try:
        said = read_row(segment, row)
    except (IndexError, ValueError):
        return UNREADABLE
    if said == expected:
        return ()
    return tuple(
        name
        for name, ours, theirs in zip(Said._fields, said, expected, strict=True)
        if ours != theirs
    )


def read_rows(segment: Segment) -> dict[bytes, Said]:
    """
    Return what each row of a sound segment says, by key.
    """
    return {key: read_row(segment, row) for row, key in enumerate(segment.keys)}
