"""
What all workers of a queue know of its runs, kept beside the queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from redis.asyncio import Redis

from listener.queue.job import Kind, Past


PREFIX: Final = "evershelf"
# Of the last run that began, if the server has not forgotten meanwhile that it did.
END: Final = """
if redis.call("HGET", KEYS[1], ARGV[1]) == ARGV[2] then
    redis.call("HSET", KEYS[1], ARGV[3], ARGV[4])
end
"""


class Ledger:
    """
    Fields of the queue's own hash, which ends with it: the numbers of jobs begin anew
    then.
    """

    def __init__(self, client: Redis, keys: Mapping[str, str]) -> None:
        """
        Use *client* for what is under the *keys* of a queue.
        """
        self._client = client
        self._meta = keys["meta"]
        self._counter = keys["id"]

    async def now_ms(self) -> int:
        """
        Return the time by the clock that all workers share.
        """
        seconds, microseconds = await self._client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def past(self, kind: Kind) -> Past:
        """
        Return what is known of earlier runs.
        """
        began, done = await self._client.hmget(
            self._meta, [f"{PREFIX}:{kind}:began", f"{PREFIX}:{kind}:done"]
        )
        return Past(int(began or 0), *(orjson.loads(done) if done else ()))

    async def begin(self, kind: Kind, now_ms: int) -> int:
        """
        Record that a run begins; return the number of the last job added before.
        """
        await self._client.hset(self._meta, f"{PREFIX}:{kind}:began", str(now_ms))
        return int(await self._client.get(self._counter) or 0)

    async def end(
        self, kind: Kind, covers: int, result: Mapping[str, Any], began_ms: int
    ) -> None:
        """
        Record that a run went well, and for which jobs.

        Of a run that began before the server lost what it had nothing is recorded: jobs
        are numbered anew since, and it is no answer for any of those.
        """
        done = orjson.dumps([covers, result, began_ms]).decode()
        began, ended = f"{PREFIX}:{kind}:began", f"{PREFIX}:{kind}:done"
        await self._client.eval(END, 1, self._meta, began, str(began_ms), ended, done)
