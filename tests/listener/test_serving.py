"""
The listener's own port, and callers who mean harm.
"""

from __future__ import annotations

import contextlib
import socket

from collections.abc import Iterator

import pytest

from aiohttp import web

from listener import serving
from listener.serving import LOOPBACK, serve_in_background
from server.request_log import HTTP_LOGGER
from tests.support.ports import free_port
from tests.support.processes import ask


HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture(name="port")
def _port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """
    Where something answers, to whom it is patient for half a second.
    """

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="in")

    monkeypatch.setattr(serving, "KEEP_ALIVE_S", 0.5)
    app = web.Application()
    app.router.add_get("/", answer)
    port = free_port()
    stop = serve_in_background(app, port, name="attacked")
    try:
        yield port
    finally:
        stop()


def received(port: int, sent: bytes) -> bytes:
    """
    Return all that comes after *sent*, until the other side hangs up.
    """
    found = b""
    with (
        socket.create_connection((LOOPBACK, port), timeout=30) as connection,
        contextlib.suppress(ConnectionError),
    ):
        connection.sendall(sent)
        while piece := connection.recv(65_536):
            found += piece
    return found


def test_head_without_an_end_is_hung_up_on(port: int) -> None:
    """
    Who never ends a head is not waited for.
    """
    assert received(port, HEAD) == b""
    assert ask(f"http://{LOOPBACK}:{port}/").status == 200


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X: " + b"a" * (1 << 20),
        b"GET /" + b"a" * (1 << 20),
        b"\x16\x03\x01\0\r\n\r\n",
        b"GET / HTTP/1.1\r\nX-API-Key : hidden-key\r\n\r\n",
    ],
    ids=["field", "address", "tls", "blank"],
)
def test_head_that_makes_no_sense_is_refused(
    port: int, head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What is too large, or no HTTP, is refused or hung up on, others are answered, and
    the log has it as the server's: anybody can send it, a key with it.
    """
    answer = received(port, head)

    assert not answer or b" 400 " in answer[:20]
    assert {record.name for record in caplog.records} <= {HTTP_LOGGER.name}
    assert ask(f"http://{LOOPBACK}:{port}/").status == 200
