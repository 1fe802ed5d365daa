"""
Which product an address means, for whoever asks.
"""

from __future__ import annotations

from aiohttp import web

from recommender.address import to_keys
from recommender.snapshot import Row, Snapshot
from server.access import Keys, has_key
from server.problems import Problem


def find(snapshot: Snapshot, address: str, *, is_admin: bool) -> Row | None:
    """
    Return the product of *address*; None when there is none for this caller.
    """
    rows = map(snapshot.find, to_keys(address))
    row = next((row for row in rows if row is not None), None)
    return row if row is not None and (row.visible or is_admin) else None


def find_named(request: web.Request, snapshot: Snapshot, keys: Keys) -> Row:
    """
    Return the product that the request's address names.

    Raises:
        Problem: 404 when a visitor may not know of such a product.
    """
    address = request.match_info["id"]
    row = find(snapshot, address, is_admin=sees_hidden(request, keys))
    if row is None:
        raise Problem(404, "unknown_product", "There is no such product.")
    return row


def sees_hidden(request: web.Request, keys: Keys) -> bool:
    """
    Say whether hidden products are shown: only to who sends the admin key. That a
    request comes from this machine is not enough: so do those that the shop's own
    frontend server passes on from its visitors.
    """
    return has_key(request.headers, keys)
