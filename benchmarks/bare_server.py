"""
What every server in Python must pay: aiohttp on uvloop, with nothing behind it.

`python -m benchmarks.bare_server PORT FILE` answers everything with the file's bytes.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop

from aiohttp import web

from benchmarks.arrival import await_answer
from listener.demo.ports import LOOPBACK, free_port


ROOT: Final = Path(__file__).parents[1]
PATH: Final = "/v1/products/1/similar"
ENDING_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class BareServer:
    """
    One that answers.

    Attributes:
        started_s: How long it took to its first answer.
    """

    port: int
    pid: int
    started_s: float


@contextmanager
def bare_server(body: bytes) -> Iterator[BareServer]:
    """
    Yield a server that answers everything with *body*.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.bare_server", str(port), file.name]
        process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603
        try:
            started_s = await_answer(port, PATH, lambda: process.poll() is None)
            yield BareServer(port, process.pid, started_s)
        finally:
            process.terminate()
            process.wait(ENDING_S)


def main(arguments: list[str]) -> None:
    """
    Serve until terminated.
    """
    port, path = arguments
    body = Path(path).read_bytes()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(port), body))


async def _serve(port: int, body: bytes) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/v1/products/{id}/similar", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
