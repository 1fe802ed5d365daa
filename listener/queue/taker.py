"""
One job at a time: done, answered by a run that has been, put off, or given back.
"""

from __future__ import annotations

import asyncio
import time

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, NoReturn

import structlog

from bullmq import Job
from bullmq.backoffs import Backoffs
from bullmq.custom_errors import DelayedError, UnrecoverableError

from listener.background import in_background
from listener.errors import ListenerError
from listener.queue.errands import Errands, NotProven
from listener.queue.job import Kind
from listener.queue.ledger import Ledger
from listener.queue.server import GONE
from listener.queue.telling import Telling
from listener.remote import Published
from recommender.errors import RecommenderError
from recommender.masking import Secrets


# For senders who say nothing of it: a listener that starts again takes less.
ATTEMPTS: Final = 5
# Before the second; then twice as long each time.
BACKOFF: Final = {"type": "exponential", "delay": 2000}

log = structlog.get_logger()


class Failed(Exception):  # noqa: N818
    """
    A job came to nothing; another try may do better.
    """


@dataclass(frozen=True, slots=True)
class Taker:
    """
    Does the jobs that it is given.

    Attributes:
        stopping: Set when the process is to end; the job at hand goes back then.
        per_hour: Most runs an hour of each kind; 0: any number.
        host: Its name, for who reads results.
        secrets: What must not be told to the queue.
    """

    errands: Errands
    ledger: Ledger
    stopping: asyncio.Event
    per_hour: int
    host: str
    secrets: Secrets

    async def take(self, job: Job, token: str) -> Mapping[str, Any]:
        """
        Do *job*, or find that a run which has been meanwhile did it; return what it
        came to.

        Raises:
            Failed: It came to nothing.
            UnrecoverableError: It will never come to anything.
            DelayedError: It is not its time yet, or this process ends; or the queue's
                server went away, which has the job still and gives it out once more.
        """
        _be_patient(job)
        kind = _to_kind(job)
        try:
            return await self._take(kind, job, token)
        except GONE as error:  # which is no fault of the job's
            log.info("job.left", kind=kind, id=job.id, error=type(error).__name__)
            raise DelayedError from None

    async def _take(self, kind: Kind, job: Job, token: str) -> Mapping[str, Any]:
        past = await self.ledger.past(kind)
        number = _to_number(job)
        if number is not None and past.answers(number, _to_due_ms(job)):
            log.debug("job.answered", kind=kind, id=job.id)
            return past.result
        now_ms = await self.ledger.now_ms()
        if wait_ms := past.wait_ms(now_ms, self.per_hour):
            log.info("job.put_off", kind=kind, id=job.id, in_s=round(wait_ms / 1000, 1))
            await _put_off(job, token, wait_ms)
        covers = await self.ledger.begin(kind, now_ms)
        result = await self._run(kind, job, token)
        await self.ledger.end(kind, covers, result, now_ms)
        return result

    async def _run(self, kind: Kind, job: Job, token: str) -> Mapping[str, Any]:
        log.info("job.started", kind=kind, id=job.id, attempt=job.attemptsMade + 1)
        started = time.monotonic()
        published = await self._published(kind, job)
        if published is None:
            log.info("job.handed_back", kind=kind, id=job.id)
            await _put_off(job, token, 0)
        took_s = round(time.monotonic() - started, 3)
        log.info("job.done", kind=kind, id=job.id, **asdict(published), took_s=took_s)
        return {
            "products_count": published.products,
            "generation": published.generation,
            "took_s": took_s,
            "host": self.host,
        }

    async def _published(self, kind: Kind, job: Job) -> Published | None:
        """
        Return what the errand returns, or None when the process ends before.
        """
        telling = Telling(job)
        work = in_background(partial(self.errands.run, kind, telling.tell), "job")
        running = asyncio.wrap_future(work)
        stopping = asyncio.create_task(self.stopping.wait())
        both: set[asyncio.Future[Any]] = {running, stopping}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if not running.done():
            running.add_done_callback(_forget)  # nobody waits for it any more
            telling.give_up()
            return None
        await telling.end()
        return self._outcome(running, kind, job)

    def _outcome(
        self, done: asyncio.Future[Published | None], kind: Kind, job: Job
    ) -> Published | None:
        try:
            return done.result()
        except (NotProven, ListenerError, RecommenderError, OSError) as error:
            said = self.secrets.without(str(error))
            log.warning(
                "job.failed",
                kind=kind,
                id=job.id,
                attempt=job.attemptsMade + 1,
                attempts=job.opts["attempts"],
                error=said,
            )
            if isinstance(error, NotProven) and error.is_final:
                raise UnrecoverableError(said) from None
            raise Failed(said) from None
        except Exception:
            log.exception("job.crashed", kind=kind, id=job.id)
            msg = "a defect of Evershelf; its log has the traceback"
            raise Failed(msg) from None


def _to_kind(job: Job) -> Kind:
    try:
        return Kind(job.name)
    except ValueError:
        said = f"no job is called {job.name!r}: they are {', '.join(Kind)}"
        log.warning("job.unknown", name=job.name, id=job.id)
        raise UnrecoverableError(said) from None


def _to_number(job: Job) -> int | None:
    """
    Return which one it is of those that were added; None when its sender chose its id.
    """
    is_counted = job.id.isdecimal() and not job.opts.get("jobId")
    return int(job.id) if is_counted else None


def _to_due_ms(job: Job) -> int:
    """
    Return when its sender wants it done at the earliest; 0: as soon as it may be.
    """
    delay_ms = job.opts.get("delay")
    return job.timestamp + int(delay_ms) if delay_ms else 0


def _be_patient(job: Job) -> None:
    """
    Let a job be tried again whose sender said nothing of that, or wants a backoff that
    only it knows; and keep what this process looks like inside from the queue.
    """
    job.opts["stackTraceLimit"] = 0
    if not job.opts.get("attempts"):
        job.opts["attempts"] = ATTEMPTS
        job.opts["backoff"] = BACKOFF
    backoff = job.opts.get("backoff")
    if backoff and not _is_known(backoff):
        job.opts["backoff"] = BACKOFF


def _is_known(backoff: Mapping[str, Any]) -> bool:
    is_timed = isinstance(backoff.get("delay"), int | float)
    return is_timed and backoff.get("type") in Backoffs.builtin_strategies


async def _put_off(job: Job, token: str, wait_ms: int) -> NoReturn:
    """
    Put a job back, to be taken in *wait_ms* by whoever comes.
    """
    await job.moveToDelayed(int(time.time() * 1000) + wait_ms, token)
    raise DelayedError


def _forget(done: asyncio.Future[Any]) -> None:
    if not done.cancelled():
        done.exception()
