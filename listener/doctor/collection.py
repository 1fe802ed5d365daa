"""
The collection, what the user may do with it, and its stream.
"""

from __future__ import annotations

import difflib

from typing import Final

from listener.clock import Clock
from listener.doctor.database import Database
from listener.doctor.finding import Finding, fail, ok, warn
from listener.doctor.role import to_commands
from listener.errors import PositionLost, Refused
from listener.feed import Source


PULSE_S: Final = 0.25
PATIENCE_S: Final = 20.0  # for a stream to say something; it does within a second


def look_at_privileges(database: Database) -> Finding:
    """
    Find out what the user may do, by doing it.
    """
    missing = [f"`{right}`" for right in _missing(database, database.collection)]
    if database.listed() is None:
        missing.append("`listCollections`")
    for name in database.lookups:
        missing += [f"`{right}` on {name}" for right in _missing(database, name)]
    if missing:
        return fail(f"{' and '.join(missing)} missing", to_commands(database))
    which = " and on ".join(("the collection", *database.lookups))
    return ok(f"`find` and `changeStream` on {which}, `listCollections`")


def _missing(database: Database, collection: str) -> list[str]:
    if not database.may_find(collection):
        return ["find"]  # changeStream needs it too: without it, nothing is known
    return [] if _may_watch(database, collection) else ["changeStream"]


def look_at_collection(database: Database) -> Finding:
    """
    Find out what the collection's name stands for.
    """
    full = f"{database.name}.{database.collection}"
    listed = database.listed()
    if listed is None or listed.kind is None:
        others = () if listed is None else listed.others
        return warn(f"{full} does not exist", _of_others(database, others))
    if listed.kind == "view":
        return fail(
            f"{full} is a view",
            f"name the collection behind it: EVERSHELF_COLLECTION={listed.behind}",
        )
    if listed.kind == "timeseries":
        return fail(
            f"{full} is a time series, which has no change stream",
            "name a collection of products in EVERSHELF_COLLECTION",
        )
    count = database.count()
    if not count:
        return warn(f"{full} is empty", "write products into it: they will be followed")
    return ok(f"{full}, about {count:,} documents")


def look_at_stream(source: Source, clock: Clock) -> Finding:
    """
    Find out whether the change stream opens and speaks.
    """
    started = clock.monotonic()
    if not _is_opened(source, None, clock):
        return fail(f"nothing came for {PATIENCE_S:g} s", "see the server's log")
    return ok(f"it opens and answers in {(clock.monotonic() - started) * 1000:.0f} ms")


def look_at_position(source: Source, checkpoint: str | None, clock: Clock) -> Finding:
    """
    Find out whether the stream leads on from where the model is.
    """
    if checkpoint is None:
        return ok("there is no position yet: the first start reads the collection")
    try:
        is_opened = _is_opened(source, checkpoint, clock)
    except PositionLost as error:
        return warn(
            f"the stream does not lead on from the model's position: {error.reason}",
            "nothing: the model is rebuilt aside at the next start; if this comes "
            "again, enlarge the oplog",
        )
    if not is_opened:
        return warn(
            f"the stream has not come to anything new within {PATIENCE_S:g} s",
            "nothing: it has many other writes to pass, and will come through",
        )
    return ok("the stream leads on from the model's position")


def _may_watch(database: Database, collection: str) -> bool:
    try:
        return database.may_watch(collection)
    except Refused:
        return True  # not for want of a right: what the collection is, is said of it


def _is_opened(source: Source, checkpoint: str | None, clock: Clock) -> bool:
    deadline = clock.monotonic() + PATIENCE_S
    with source.follow(checkpoint) as feed:
        while clock.monotonic() < deadline:
            batch = feed.take(PULSE_S)
            if batch is not None and batch.reached is not None:
                return True  # so have all streams, where there are several
    return False


def _of_others(database: Database, others: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(database.collection, others, 3, 0.5)
    known = near or sorted(others)[:3]
    hint = f"; {database.name} has {', '.join(known)}" if known else ""
    return (
        "create it, or name another in EVERSHELF_COLLECTION (and the database in "
        f"MONGODB_URI){hint}; it is followed as soon as it is there"
    )
