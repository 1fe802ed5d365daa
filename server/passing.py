"""
Requests that another process on this machine answers.
"""

from __future__ import annotations

from typing import Final

import aiohttp

from aiohttp import web
from yarl import URL

from server.body import receive
from server.problems import Problem


# What an admin proves to be one with; the other process asks for it again.
KEY_HEADERS: Final = ("Authorization", "X-API-Key")
_SENT: Final = (*KEY_HEADERS, "Content-Type")
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15.0, sock_connect=2.0)


def to_url(port: int, path: str) -> URL:
    """
    Return the address of *path*, quoted already, at a port of this machine.
    """
    return URL(f"http://127.0.0.1:{port}{path}", encoded=True)


async def pass_on(request: web.Request, url: URL, away: Problem) -> web.Response:
    """
    Return what *url* answers to the same method, query, body and keys, errors too.

    Raises:
        Problem: *away*, when nothing answers there; 408 when the body does not arrive.
    """
    headers = {n: request.headers[n] for n in _SENT if n in request.headers}
    body = await receive(request)
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.request(
                request.method,
                url,
                params=request.query,
                headers=headers,
                data=body,
                allow_redirects=False,
            ) as answer,
        ):
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                headers={
                    "Content-Type": answer.headers.get("Content-Type", "text/plain"),
                    "Cache-Control": "no-store",
                },
            )
    except (aiohttp.ClientError, TimeoutError) as error:
        raise away from error
