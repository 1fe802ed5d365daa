"""
`verify` beside a shop that goes on selling.
"""

from __future__ import annotations

from typing import Any

from pymongo.collection import Collection

from recommender.exits import Exit
from tests.support.processes import Pair
from tests.support.shop import Seller, selling


def test_proves_equality_while_products_are_written(
    shop: Pair, collection: Collection[dict[str, Any]]
) -> None:
    """
    Writes of every kind, all the time, are no difference, and each product is compared
    in the end.
    """
    seller = Seller(collection, seed=3)
    with selling(seller, every_s=0.05):
        code, verifying = shop.verify()

    (done,) = verifying.logs("verify.done")
    assert code == Exit.OK, verifying.text[-4000:]
    assert (done["equal"], done["differences"], done["unsettled"]) == (True, 0, 0)
    assert done["products"] > 0
    assert seller.writes > 0
