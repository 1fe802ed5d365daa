"""
The server of a queue, and who takes its jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from listener.doctor.finding import Finding, fail, ok, warn
from recommender.masking import masked, without_secrets


ANSWER_S: Final = 5.0
OLDEST: Final = (6, 2)
KEEP: Final = "noeviction"
START_ONE: Final = "start run_listener.py work, with the same settings"


def look_at_queue(url: str, name: str) -> Finding:
    """
    Find out whether the queue called *name* can be had at *url*, and whether anybody
    takes its jobs.
    """
    try:
        with Redis.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=ANSWER_S,
            socket_timeout=ANSWER_S,
        ) as client:
            return judge_queue(masked(url), name, client.info(), client.client_list())
    except (RedisError, ValueError) as error:
        return fail(
            f"{masked(url)} cannot be used: {without_secrets(str(error), url)}",
            "start it, or correct EVERSHELF_QUEUE_URL; the collection is followed "
            "without it",
        )


def judge_queue(
    address: str,
    name: str,
    info: Mapping[str, Any],
    clients: Sequence[Mapping[str, Any]],
) -> Finding:
    """
    Return whether a server that says *info* of itself is good for a queue, and whether
    one of its *clients* is a worker.
    """
    version = str(info["redis_version"])
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        return fail(
            f"{address} is of version {version}, which is too old for BullMQ",
            f"upgrade it to {'.'.join(map(str, OLDEST))} or later",
        )
    policy = info.get("maxmemory_policy", KEEP)
    if policy != KEEP:
        return warn(
            f"{address} may forget jobs: its maxmemory-policy is {policy}",
            f"set maxmemory-policy {KEEP} in its configuration",
        )
    if not any(str(one.get("name")).startswith(f"bull:{name}:w") for one in clients):
        return warn(f"{address} answers, but no worker waits for its jobs", START_ONE)
    return ok(f"{address} answers, and a worker waits for its jobs")
