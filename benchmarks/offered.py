"""
A load that comes at its own pace, whether or not it is answered: what visitors are.

Who asks again only when answered (as `benchmarks.driver` and most load generators do)
slows down with the server, and can never ask for more than it gives.
"""

from __future__ import annotations

import asyncio
import itertools

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, cast

import uvloop

from benchmarks.connection import END, LOOPBACK, answer_length, to_request


MOST_CONNECTIONS: Final = 2_000
BEAT_S: Final = 0.001
LAST_S: Final = 15.0  # for what is not answered yet in the end
HEALTH: Final = "/health/live"
HEALTH_EVERY_S: Final = 0.05
ADVICE: Final = b"retry-after: "


@dataclass(slots=True)
class Offered:
    """
    What came of it; times are seconds since a request was due.

    Attributes:
        sent: How many requests were due.
        seconds: From the first until all were answered.
        good_s: Of those answered with 200.
        shed_s: Of those answered with 503.
        unadvised: Those of the latter that were not told when to come back.
        failed: Those answered otherwise, or not at all.
        health_s: Of the health checks among them, all of which must be answered.
        health_failed: Those that were not, or not with 200.
    """

    sent: int = 0
    seconds: float = 0.0
    good_s: list[float] = field(default_factory=list)
    shed_s: list[float] = field(default_factory=list)
    unadvised: int = 0
    failed: int = 0
    health_s: list[float] = field(default_factory=list)
    health_failed: int = 0


def offer(
    ports: Sequence[int], paths: Sequence[str], per_s: float, seconds: float
) -> Offered:
    """
    Ask for *paths*, over and over, *per_s* times a second in all, for so long; and for
    the health of the first server 20 times a second.

    Args:
        ports: Of servers, among which the connections are divided evenly.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_offer(ports, paths, per_s, seconds))


async def _offer(
    ports: Sequence[int], paths: Sequence[str], per_s: float, seconds: float
) -> Offered:
    crowd, watch = _Crowd(ports), _Crowd(ports[:1])
    requests = itertools.cycle([to_request(path) for path in paths])
    health = itertools.repeat(to_request(HEALTH))
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (passed := loop.time() - began) < seconds:
        crowd.keep_up(requests, began, per_s, passed)
        watch.keep_up(health, began, 1 / HEALTH_EVERY_S, passed)
        await asyncio.sleep(BEAT_S)
    last = loop.time() + LAST_S
    while (crowd.is_busy or watch.is_busy) and loop.time() < last:  # noqa: ASYNC110 a poll is what keeps the pace, too
        await asyncio.sleep(BEAT_S)
    done = crowd.done
    done.seconds = loop.time() - began
    crowd.close()
    watch.close()
    done.failed = done.sent - len(done.good_s) - len(done.shed_s)
    done.health_s = watch.done.good_s
    done.health_failed = watch.done.sent - len(done.health_s)
    return done


class _Crowd:
    """
    As many callers as are needed at once, up to a limit; others wait for one to be free.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self.done = Offered()
        self._ports = itertools.cycle(ports)
        self._callers: list[_Caller] = []
        self._free: deque[_Caller] = deque()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._calling = 0
        self._opening: set[asyncio.Task[None]] = set()

    @property
    def is_busy(self) -> bool:
        """
        Whether something is not answered yet.
        """
        return bool(self._calling or self._waiting)

    def keep_up(
        self, requests: Iterator[bytes], began: float, per_s: float, passed: float
    ) -> None:
        """
        Ask for all that has become due.
        """
        for number in range(self.done.sent, int(passed * per_s)):
            self._ask(began + (number + 1) / per_s, next(requests))
            self.done.sent = number + 1

    def note(self, caller: _Caller, due: float, head: bytes) -> None:
        """
        Take an answer, and let the caller ask the next.
        """
        self._calling -= 1
        took_s = asyncio.get_running_loop().time() - due
        status = int(head[9:12])
        if status == HTTPStatus.OK:
            self.done.good_s.append(took_s)
        elif status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.done.shed_s.append(took_s)
            self.done.unadvised += ADVICE not in head.lower()
        self.release(caller)

    def release(self, caller: _Caller) -> None:
        """
        Let a caller ask what waits, if anything does.
        """
        if self._waiting:
            self._calling += 1
            caller.ask(*self._waiting.popleft())
        else:
            self._free.append(caller)

    def lose(self, caller: _Caller, *, is_asking: bool) -> None:
        """
        Forget a caller whose connection was closed.
        """
        self._calling -= is_asking
        self._callers.remove(caller)
        if caller in self._free:
            self._free.remove(caller)

    def close(self) -> None:
        """
        Hang up.
        """
        for caller in self._callers:
            caller.close()

    def _ask(self, due: float, request: bytes) -> None:
        if self._free:
            self._calling += 1
            self._free.popleft().ask(due, request)
            return
        self._waiting.append((due, request))
        if len(self._callers) < MOST_CONNECTIONS:
            self._open()

    def _open(self) -> None:
        caller = _Caller(self)
        self._callers.append(caller)
        task = asyncio.create_task(self._connect(caller))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self, caller: _Caller) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: caller, LOOPBACK, next(self._ports))
        except OSError:
            self._callers.remove(caller)


class _Caller(asyncio.Protocol):
    """
    One connection.
    """

    def __init__(self, crowd: _Crowd) -> None:
        self._crowd = crowd
        self._received = b""
        self._due: float | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._crowd.release(self)

    def ask(self, due: float, request: bytes) -> None:
        """
        Ask once.
        """
        self._due = due
        if self._transport is not None:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data
        end = received.find(END)
        if end < 0 or self._due is None:
            return
        head = received[: end + 2]
        if len(received) < end + len(END) + answer_length(head):
            return
        due, self._due, self._received = self._due, None, b""
        self._crowd.note(self, due, head)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._crowd.lose(self, is_asking=self._due is not None)

    def close(self) -> None:
        """
        Hang up.
        """
        if self._transport is not None:
            self._transport.abort()
