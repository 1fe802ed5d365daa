"""
The servers behind the address.
"""

from __future__ import annotations

from typing import Final

from listener.clock import Clock
from listener.doctor.database import Database
from listener.doctor.finding import Finding, fail, ok, warn
from listener.errors import Refused, Unreachable
from recommender.masking import masked


OLDEST: Final = (6, 0)  # change events say when they were written since then
TESTED: Final = 6
# Of this clock against the database's: beyond it, `publish_ms` in the logs means little.
SKEW_S: Final = 1.0

NO_ANSWER: Final = (
    "see that mongod runs, that host, port and replicaSet in MONGODB_URI are right, "
    "and that no firewall or missing `tls=true` is in between"
)
STANDALONE: Final = (
    "change streams need a replica set: start mongod with --replSet and call "
    "rs.initiate(), one member is enough"
)
NO_PRIMARY: Final = (
    "start more of its members: a majority elects the primary; rs.status() shows them"
)
SECONDARY: Final = "take directConnection out of MONGODB_URI, and name all members"


def look_at_address(database: Database, uri: str, clock: Clock) -> Finding:
    """
    Find out whether anything answers at *uri*, and takes its user and password.
    """
    started = clock.monotonic()
    try:
        server = database.nearest()
        user = database.user()
    except Unreachable as error:
        return fail(f"{masked(uri)} does not answer: {error}", NO_ANSWER)
    except Refused as error:
        return fail(f"{masked(uri)} refuses: {error}", error.remedy)
    took_ms = (clock.monotonic() - started) * 1000
    who = f"to {user.name}" if user.name else "without a user"
    return ok(f"{masked(uri)}: {server.host or 'it'} answers {who} in {took_ms:.0f} ms")


def look_at_replica_set(database: Database) -> Finding:
    """
    Find out whether it is a replica set with a primary.
    """
    server = database.nearest()
    if server.is_router:
        return ok("a sharded cluster, which is written for and not tested")
    if not server.set_name:
        return fail("the server is a standalone", STANDALONE)
    try:
        primary = database.primary()
    except Unreachable as error:
        return fail(f"{server.set_name} has no primary: {error}", NO_PRIMARY)
    if not primary.is_primary:
        return fail(f"the address leads to a secondary, {primary.host}", SECONDARY)
    count = "one member" if primary.members == 1 else f"{primary.members} members"
    return ok(f"{primary.set_name}, {count}, primary {primary.host}")


def look_at_version(database: Database) -> Finding:
    """
    Find out whether the server is new enough.
    """
    return judge_version(database.nearest().version)


def judge_version(version: str) -> Finding:
    """
    Return whether MongoDB *version* will do.
    """
    major, minor = map(int, version.split(".")[:2])
    if (major, minor) < OLDEST:
        return fail(f"MongoDB {version}", "upgrade it to 6.0 or later")
    if major > TESTED:
        return ok(f"MongoDB {version}, which is written for; tests run on 6.0")
    return ok(f"MongoDB {version}")


def look_at_clock(database: Database, clock: Clock) -> Finding:
    """
    Find out how far the clocks of this host and of the primary are apart.
    """
    before = clock.wall()
    time_s = database.primary().time_s
    after = clock.wall()
    skew_s = time_s - min(max(time_s, before), after)  # within the round trip: none
    if abs(skew_s) <= SKEW_S:
        return ok(f"this host and the database agree within {SKEW_S:g} s")
    which = "behind" if skew_s > 0 else "ahead of"
    return warn(
        f"this host's clock is {abs(skew_s):.1f} s {which} the database's",
        "let NTP set both; until then `publish_ms` in the logs is wrong by as much, "
        "nothing else",
    )
