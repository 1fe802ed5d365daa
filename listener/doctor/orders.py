"""
The orders: whether they can be followed, and whether their products are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from listener.doctor.database import Database, Document
from listener.doctor.finding import Finding, fail, ok, warn
from listener.doctor.role import to_grant
from listener.keys import to_key
from listener.orders import OrderMapper
from recommender.settings import ListenerSettings


ASKED: Final = 1_000  # ids of products that are looked up at once
LEAST_KNOWN: Final = (
    0.5  # of the ids; shops do delete products, but seldom half of them
)
SETS: Final = "EVERSHELF_ORDERS_COLLECTION"


def look_at_orders(orders: Database) -> Finding:
    """
    Find out whether the collection is there, and may be read and followed.
    """
    full = f"{orders.name}.{orders.collection}"
    if not orders.may_find(orders.collection):
        return _missing(orders, "find")
    listed = orders.listed()
    kind = None if listed is None else listed.kind
    if kind not in {None, "collection"}:
        return fail(
            f"{full} has no change stream: it is a {kind}",
            f"name the collection that the shop writes its orders to in {SETS}",
        )
    if not orders.may_watch(orders.collection):
        return _missing(orders, "changeStream")
    count = orders.count()
    if not count:
        return warn(
            f"{full} is empty or not there",
            f"nothing, if no order was placed yet; else name another in {SETS}",
        )
    return ok(f"{full}, about {count:,} documents")


def look_at_bought(
    documents: Sequence[Document], products: Database, settings: ListenerSettings
) -> Finding:
    """
    Find out whether orders count, where their products are, and that these are there.

    Args:
        documents: A sample of the orders, with what the settings read of them.
        products: The collection of the products.
    """
    if not documents:
        return warn("there is no order to look at", "see the check `orders`")
    mapper = OrderMapper(settings)
    counting = [one for one in documents if mapper.counts(one)]
    if not counting:
        return warn(
            f"none of {len(documents)} sampled orders counts",
            f"compare EVERSHELF_ORDERS_WHEN={settings.orders_when} with an order",
        )
    ids = {to_key(one): one for each in counting for one in mapper.references(each)}
    if not ids:
        return warn(
            f"none of {len(counting)} sampled orders has a product",
            f"compare EVERSHELF_ORDERS_ITEMS={settings.orders_items} (and "
            f"EVERSHELF_ORDERS_QUANTITY={settings.orders_quantity}) with an order",
        )
    asked = dict(list(ids.items())[:ASKED])
    known = {to_key(one) for one in products.ids_among([*asked.values()])}
    share = len(known & asked.keys()) / len(asked)
    if share < LEAST_KNOWN:
        return warn(
            f"{share:.0%} of the ids in sampled orders are ids of products",
            "they must be values of the products' _id and of its type: a text that "
            "spells an ObjectId is another id. Where an order has several, name the "
            "right one in EVERSHELF_ORDERS_ITEMS",
        )
    return ok(
        f"{len(counting) / len(documents):.0%} of {len(documents)} sampled orders count; "
        f"{share:.0%} of the {len(asked)} ids in them are ids of products"
    )


def _missing(orders: Database, right: str) -> Finding:
    return fail(
        f"`{right}` on {orders.name}.{orders.collection} is missing", to_grant(orders)
    )
