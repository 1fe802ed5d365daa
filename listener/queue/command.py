"""
`run_listener.py work`: takes jobs until it is stopped.
"""

from __future__ import annotations

import asyncio
import socket

from contextlib import suppress
from typing import Any, Final

import structlog

from bullmq import Worker
from redis.asyncio import Redis

from listener.assembly import CLOCK
from listener.queue.errands import Errands
from listener.queue.ledger import Ledger
from listener.queue.pulse import Pulse
from listener.queue.server import (
    SILENT,
    Home,
    check_pattern,
    learn_version,
    open_client,
)
from listener.queue.taker import Taker
from listener.signals import Stop
from recommender.masking import Secrets, masked
from recommender.settings import ListenerSettings, secrets_of


STEP_S: Final = 0.1
BEAT_S: Final = 2.0
PARTING_S: Final = 5.0
# Who is killed has its job taken by another after so long, and one interval. Renewed
# while the job is done, four times as often.
LOCK_MS: Final = 15_000
STALLED_MS: Final = 5_000
# How often a job may have killed its worker; then it fails.
MOST_STALLS: Final = 3
RETRY_MS: Final = 1_000

log = structlog.get_logger()


def work(settings: ListenerSettings, uri: str, url: str, stop: Stop) -> None:
    """
    Take jobs from the queue at *url* until told to *stop*, and give back the one at
    hand then. While the queue's server is away, wait for it.

    Args:
        uri: Of the database, for `verify`.

    Raises:
        SettingsFault: The address makes no sense, or the hours of `verify`.
    """
    check_pattern(settings.queue_verify_at)
    asyncio.run(_work(settings, uri, url, stop))


async def _work(settings: ListenerSettings, uri: str, url: str, stop: Stop) -> None:
    client = open_client(url)
    home = Home(settings.queue_name, client, settings.queue_verify_at)
    taker = Taker(
        errands=Errands(settings, uri, stop),
        ledger=Ledger(client, home.keys),
        stopping=asyncio.Event(),
        per_hour=settings.queue_per_hour,
        host=socket.gethostname(),
        secrets=Secrets(secrets_of(settings)),
    )
    pulse = Pulse(CLOCK)
    log.info("worker.started", queue=settings.queue_name, server=masked(url))
    keeping = asyncio.create_task(_keep(home, pulse))
    taking = asyncio.create_task(_take(taker, home, client, pulse))
    while not (stop.is_set() or taking.done()):  # noqa: ASYNC110 a signal sets it
        await asyncio.sleep(STEP_S)
    taker.stopping.set()
    with suppress(TimeoutError):
        await asyncio.wait_for(taking, PARTING_S)
    keeping.cancel()
    _, outcome = await asyncio.gather(keeping, taking, return_exceptions=True)
    await client.aclose()
    if isinstance(outcome, Exception):
        raise outcome
    log.info("worker.stopped")


async def _keep(home: Home, pulse: Pulse) -> None:
    while True:
        try:
            await home.keep()
            pulse.note_found()
        except SILENT as error:
            pulse.note_lost(error)
        await asyncio.sleep(BEAT_S)


async def _take(taker: Taker, home: Home, client: Redis, pulse: Pulse) -> None:
    """
    Take jobs until *taker* is stopping, with another worker when one has ended.
    """
    while not taker.stopping.is_set():
        try:
            await home.keep()  # before any job is taken
            await _take_until_lost(taker, home.queue.name, client, pulse)
        except SILENT as error:
            pulse.note_lost(error)
        await _or_stopping(taker, RETRY_MS / 1000)


async def _take_until_lost(
    taker: Taker, name: str, client: Redis, pulse: Pulse
) -> None:
    options = {
        "autorun": False,
        "connection": client,
        "name": taker.host,
        "lockDuration": LOCK_MS,
        "stalledInterval": STALLED_MS,
        "maxStalledCount": MOST_STALLS,
        "runRetryDelay": RETRY_MS,
    }
    worker = Worker(name, taker.take, options)

    def note(error: Exception, *_: Any) -> None:
        if not worker.isConnectionError(error):
            pulse.note_fault(error)

    worker.on("error", note)
    await learn_version(worker)
    running = asyncio.create_task(worker.run())
    stopping = asyncio.create_task(taker.stopping.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await worker.pause(do_not_wait_active=True)
            while worker.jobs:  # noqa: ASYNC110 the one at hand is given back
                await asyncio.sleep(STEP_S)
    finally:
        stopping.cancel()
        await worker.close(force=True)
        running.cancel()
        await asyncio.wait([running])
    if not running.cancelled():
        running.result()


async def _or_stopping(taker: Taker, timeout_s: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(taker.stopping.wait(), timeout_s)
