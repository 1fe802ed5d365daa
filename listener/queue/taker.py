"""
One job at a time: done, answered by a run that has been, put off, or given back.
"""

from __future__ import annotations

import asyncio
import time

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, NoReturn

import structlog

from bullmq import Job
from bullmq.custom_errors import DelayedError, UnrecoverableError

from listener.background import in_background
from listener.errors import ListenerError
from listener.queue.errands import Errands, NotProven
from listener.queue.job import Kind
from listener.queue.ledger import Ledger
from listener.remote import Published
from recommender.errors import RecommenderError
from recommender.masking import Secrets


# For senders who say nothing of it: a listener that starts again takes less.
ATTEMPTS: Final = 5
BACKOFF_MS: Final = 2000  # before the second; then twice as long each time

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
            DelayedError: It is not its time yet, or this process ends.
        """
        _be_patient(job)
        kind = _to_kind(job)
        past = await self.ledger.past(kind)
        if past.answers(job.id):
            log.debug("job.answered", kind=kind, id=job.id)
            return past.result
        now_ms = await self.ledger.now_ms()
        if wait_ms := past.wait_ms(now_ms, self.per_hour):
            log.info("job.put_off", kind=kind, id=job.id, in_s=round(wait_ms / 1000, 1))
            await _put_off(job, token, wait_ms)
        covers = await self.ledger.begin(kind, now_ms)
        result = await self._run(kind, job, token)
        await self.ledger.end(kind, covers, result)
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
        tell = _teller(job)
        work = in_background(partial(self.errands.run, kind, tell), "job")
        running = asyncio.wrap_future(work)
        stopping = asyncio.create_task(self.stopping.wait())
        both: set[asyncio.Future[Any]] = {running, stopping}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if not running.done():
            running.add_done_callback(_forget)  # nobody waits for it any more
            return None
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


def _be_patient(job: Job) -> None:
    """
    Let a job be tried again whose sender said nothing of that, and keep what this
    process looks like inside from the queue.
    """
    job.opts["stackTraceLimit"] = 0
    if not job.opts.get("attempts"):
        job.opts["attempts"] = ATTEMPTS
        job.opts["backoff"] = {"type": "exponential", "delay": BACKOFF_MS}


async def _put_off(job: Job, token: str, wait_ms: int) -> NoReturn:
    """
    Put a job back, to be taken in *wait_ms* by whoever comes.
    """
    await job.moveToDelayed(int(time.time() * 1000) + wait_ms, token)
    raise DelayedError


def _teller(job: Job) -> Callable[[int], None]:
    """
    Return what tells the queue, from another thread, how far a job is.
    """
    loop = asyncio.get_running_loop()

    def tell(percent: int) -> None:
        asyncio.run_coroutine_threadsafe(job.updateProgress(percent), loop)

    return tell


def _forget(done: asyncio.Future[Any]) -> None:
    if not done.cancelled():
        done.exception()
