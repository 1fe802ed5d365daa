"""
The closed set of things that can happen to the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass

from recommender.product import Product


@dataclass(frozen=True, slots=True)
class Upsert:
    """
    The product is now exactly this; whether it was known before does not matter.
    """

    product: Product


@dataclass(frozen=True, slots=True)
class Delete:
    """
    No product has this key any more; deleting an unknown one changes nothing.
    """

    key: bytes


@dataclass(frozen=True, slots=True)
class Clear:
    """
    No product is left.
    """


Mutation = Upsert | Delete | Clear
