"""
What the model knows of one product, whatever the document looked like.
"""

from __future__ import annotations

import math

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


NO_TEXTS: Mapping[str, str] = MappingProxyType({})


class Product(NamedTuple):
    """
    A product, past the edge: every value is present and of its type.

    Attributes:
        key: Canonical bytes of the id: canonical extended JSON, UTF-8, compact.
            Equal ids (also 5 and 5.0, which MongoDB calls equal) have equal keys.
        texts: Plain text per model field, such as "name", "description", "tags";
            a field that the document lacks is absent.
        category: Path from the root, outermost first; empty when unknown.
        brand: Empty when unknown.
        price: NaN when unknown; never negative or infinite.
        in_stock: True when the document says nothing about stock.
        visible: Whether the product may be returned to a visitor.
        created_s: Unix time of creation, NaN when unknown.
        display: A ready JSON object, UTF-8, with what a page shows.
    """

    key: bytes
    texts: Mapping[str, str] = NO_TEXTS
    category: tuple[str, ...] = ()
    brand: str = ""
    price: float = math.nan
    in_stock: bool = True
    visible: bool = True
    created_s: float = math.nan
    display: bytes = b"{}"
