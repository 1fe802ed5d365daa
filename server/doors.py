"""
The admin rule, at a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from aiohttp import web

from server.access import Keys, Refusal, refusal
from server.problems import Problem


CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
KEY_HEADERS: Final = ("Authorization", "X-API-Key")


def require_admin(request: web.Request, keys: Keys) -> None:
    """
    Let only an admin's request pass.

    Raises:
        Problem: 401 without the right key, 403 from where no key would do.
    """
    refused = refusal(to_peer(request), request.headers, keys)
    match refused:
        case None:
            return
        case Refusal.KEY_NEEDED | Refusal.KEY_WRONG:
            raise Problem(401, refused.name.lower(), refused.value, headers=CHALLENGE)
        case Refusal.NOT_LOCAL | Refusal.FOREIGN_PAGE:
            raise Problem(403, refused.name.lower(), refused.value)
        case _:
            assert_never(refused)


def passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """
    Return the headers with which the listener is asked on a caller's behalf: its key,
    and nothing else.
    """
    return {name: headers[name] for name in KEY_HEADERS if name in headers}


def to_peer(request: web.Request) -> str | None:
    """
    Return the connection's other end; a request cannot name itself another.
    """
    peer = request.transport and request.transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else None
