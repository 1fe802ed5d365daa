"""
Connections are taken in, however many come, and however long the loop's turns are.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import socket

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import uvloop

from aiohttp import ClientSession, web
from structlog.testing import capture_logs

from server import doorway
from server.doorway import Doorway
from server.sockets import listen
from tests.support.shops import until


LOOPBACK = "127.0.0.1"
LARGE = b"a" * (512 << 10)


def on_uvloop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """
    Run *test* in the loop that servers have.
    """

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(test(*args, **kwargs))

    return run


@asynccontextmanager
async def standing(
    host: str = LOOPBACK, port: int = 0, **limits: float
) -> AsyncIterator[web.AppRunner]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="in")

    app = web.Application()

    async def answer_at_length(_request: web.Request) -> web.Response:
        return web.Response(body=LARGE)

    app.router.add_get("/", answer)
    app.router.add_get("/large", answer_at_length)
    runner = web.AppRunner(app, shutdown_timeout=1.0, **limits)
    await runner.setup()
    try:
        await Doorway(runner, listen(host, port)).start()
        yield runner
    finally:
        await runner.cleanup()


def to_port(runner: web.AppRunner) -> int:
    return int(runner.addresses[0][1])


def to_count(runner: web.AppRunner) -> Callable[[], int]:
    assert runner.server is not None
    server = runner.server
    return lambda: len(server.connections)


@on_uvloop
async def test_all_that_wait_come_in_at_once() -> None:
    """
    Not one in each turn of the loop: a hundred are in after a few.
    """
    async with standing() as runner, AsyncExitStack() as stack:
        address = (LOOPBACK, to_port(runner))
        for _ in range(100):
            stack.enter_context(socket.create_connection(address))
        count, turns = to_count(runner), 0
        while count() < 100:
            await asyncio.sleep(0)
            turns += 1

    assert turns < 20


@on_uvloop
async def test_every_address_of_a_name_is_listened_on() -> None:
    """
    Each family has a socket; each answers, and none does when it is over.
    """
    async with standing("localhost") as runner, ClientSession() as client:
        addresses = runner.addresses
        for host, port, *_ in addresses:
            shown = f"[{host}]" if ":" in host else host
            async with client.get(f"http://{shown}:{port}/") as answer:
                assert await answer.text() == "in"

    for address in addresses:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address[:2])


@on_uvloop
async def test_an_address_in_use_is_an_error() -> None:
    """
    And nothing is left open.
    """
    async with standing() as first:
        with pytest.raises(OSError, match="in use") as refused:
            async with standing(port=to_port(first)):
                pytest.fail("it stands twice")

    assert refused.value.errno == errno.EADDRINUSE


@on_uvloop
async def test_without_room_for_more_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It says so once, goes on answering who is in, and takes in the others later.
    """
    monkeypatch.setattr(doorway, "PAUSE_S", 0.01)
    limit = doorway.socket.socket.accept

    def refuse(_listening: socket.socket) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    async with standing() as runner, ClientSession() as client:
        url = f"http://{LOOPBACK}:{to_port(runner)}/"
        async with client.get(url) as answer:
            assert answer.status == 200
        with capture_logs() as lines:
            monkeypatch.setattr(doorway.socket.socket, "accept", refuse)
            with socket.create_connection((LOOPBACK, to_port(runner))):
                await until(lambda: bool(lines))
                await asyncio.sleep(0.05)  # several tries
                async with client.get(url) as answer:
                    assert answer.status == 200
                assert to_count(runner)() == 1
                monkeypatch.setattr(doorway.socket.socket, "accept", limit)
                await until(lambda: to_count(runner)() == 2)

    assert [line["event"] for line in lines] == ["server.full"]
    assert lines[0]["error"] == "Too many open files"


@on_uvloop
async def test_slow_heads_are_hung_up_on() -> None:
    """
    A head must be whole as soon as a connection may be idle, after an answer, too; a
    byte now and then makes it no longer.
    """
    head = b"GET / HTTP/1.1\r\nHost: a\r\n"
    async with standing(keepalive_timeout=0.5) as runner:
        for before in (b"", head + b"\r\n"):
            reader, writer = await asyncio.open_connection(LOOPBACK, to_port(runner))
            writer.write(before + head)
            feeding = asyncio.create_task(_feed(writer))
            async with asyncio.timeout(30):
                received = await _read_all(reader)
            feeding.cancel()
            writer.close()
            assert received.count(b"HTTP/1.1 200") == bool(before)
            await until(lambda: to_count(runner)() == 0)


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    """
    Return all that comes before the connection ends, in whatever way.
    """
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while some := await reader.read(1_000):
            received += some
    return received


@on_uvloop
async def test_who_never_reads_an_answer_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    However many answers were asked for; who reads slowly, but reads, gets all of it.
    """
    monkeypatch.setattr(doorway, "UNREAD_S", 3.0)  # for one who is kept from reading
    asked = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
    async with standing() as runner:
        count, address = to_count(runner), (LOOPBACK, to_port(runner))
        with _narrow(address) as silent, _narrow(address) as slow:
            silent.sendall(asked * 500)
            slow.sendall(asked)
            await until(lambda: count() == 2)
            received = 0
            while received < len(LARGE):
                some = await asyncio.to_thread(slow.recv, 65_536)
                assert some
                received += len(some)
                await asyncio.sleep(0.02)
            await until(lambda: count() == 1)

    assert not caplog.records


def _narrow(address: tuple[str, int]) -> socket.socket:
    """
    Return a connection that has little room for what is not read yet.
    """
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.settimeout(30)
    connection.connect(address)
    return connection


async def _feed(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"X")
        await asyncio.sleep(0.1)
