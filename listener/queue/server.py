"""
The queue's server, and what is ours in it.
"""

from __future__ import annotations

import asyncio
import warnings

from typing import Any, Final

from bullmq import Queue
from bullmq.job_scheduler import default_repeat_strategy
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from recommender.errors import SettingsFault


CONNECT_S: Final = 3.0
ANSWER_S: Final = 15.0  # more than anything waits there for a job
PULSE_S: Final = 5.0
SCHEDULE: Final = "evershelf-verify"  # its name in the queue
NO_ADDRESS: Final = (
    "EVERSHELF_QUEUE_URL: it is no address that makes sense; what is special in its "
    "password must be escaped, such as / as %2F"
)

# what it means that a server does not answer, or takes no writes
SILENT: Final = (RedisError, OSError)
# the first of it alone
GONE: Final = (RedisConnectionError, RedisTimeoutError, OSError)


def open_client(url: str) -> Redis:
    """
    Return a client of the server at *url*, which connects when it is used, and again
    after a loss.

    Raises:
        SettingsFault: That is no address.
    """
    try:
        return Redis.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=ANSWER_S,
            # a connection that a restart has cut is noticed when it is used
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError:  # it would say parts of the password
        raise SettingsFault([NO_ADDRESS]) from None


class Home:
    """
    The queue as it should be: one job at a time, and a `verify` at its hours.
    """

    def __init__(self, name: str, client: Redis, verify_at: str) -> None:
        """
        Get ready; nothing is asked yet.

        Args:
            name: Of the queue.
            client: Of its server.
            verify_at: A cron pattern, in UTC; empty: never by itself.
        """
        self.queue = Queue(name, {"connection": client})
        self._verify_at = verify_at
        self._is_set = False

    @property
    def keys(self) -> dict[str, str]:
        """
        What the queue's parts are called on the server.
        """
        return dict(self.queue.keys)

    async def keep(self) -> None:
        """
        Make it so, also when a server has come back without what it had.

        Raises:
            RedisError: The server does not answer, or takes no writes.
        """
        async with asyncio.timeout(PULSE_S):
            # so it is a write that tells whether it takes writes
            if await self.queue.setGlobalConcurrency(1):
                self._is_set = False  # it has forgotten, or has never known
            if not self._is_set:
                self._is_set = await self._schedule()

    async def _schedule(self) -> bool:
        """
        Return whether that is done; else it is to be tried again.
        """
        if not self._verify_at:
            await self.queue.removeJobScheduler(SCHEDULE)
            return True
        if await self._is_scheduled():
            return True
        pattern = {"pattern": self._verify_at}
        try:
            await self.queue.upsertJobScheduler(SCHEDULE, pattern, "verify", {})
        except TypeError:  # the one of that hour was done before it, by hand
            return False
        return True

    async def _is_scheduled(self) -> bool:
        """
        Return whether the next `verify` waits already. To schedule it once more would
        take it away, and with it one whose hour came while there was no worker.
        """
        # all: asked for one that is not there, the library fails
        for known in await self.queue.getJobSchedulers():
            if known["key"] == SCHEDULE and known.get("pattern") == self._verify_at:
                its = await self.queue.getJob(f"repeat:{SCHEDULE}:{known['next']}")
                return its is not None and not its.finishedOn
        return False


def check_pattern(verify_at: str) -> None:
    """
    Do nothing with a pattern that has hours.

    Raises:
        SettingsFault: It has none.
    """
    try:
        if verify_at:
            default_repeat_strategy(0, {"pattern": verify_at})
    except ValueError as error:
        fault = f"EVERSHELF_QUEUE_VERIFY_AT={verify_at}: {error}; such as 0 3 * * *"
        raise SettingsFault([fault]) from error


async def learn_version(worker: Any) -> None:
    """
    Let a worker know what its server can do: without that it waits whole seconds only.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the eviction policy; `doctor` looks at it
        await worker.backend.blocking_connection.getRedisVersion()
