"""
Whether a listener holds the store, and is well.
"""

from __future__ import annotations

from typing import Final

from listener.clock import Clock
from listener.doctor.finding import Finding, fail, ok, warn
from listener.remote import NoListener, Remote
from recommender.position import Position, State
from recommender.store import StoreReader


LATE_S: Final = 5.0  # servers take it for silence then
HUNG: Final = "stop it with SIGKILL and start it again; report it with its log"
OTHER_PORT: Final = (
    "see that both have the same EVERSHELF_CONTROL_PORT and EVERSHELF_ADMIN_KEYS"
)


def look_at_listener(reader: StoreReader, remote: Remote, clock: Clock) -> Finding:
    """
    Find out who holds the store, and what it says of itself.
    """
    position = reader.read_position()
    if reader.is_held():
        return _of_holder(position, remote, clock)
    if _is_answered(remote):
        return fail(
            f"none holds {reader.folder}, but port {remote.port} is taken",
            "stop what listens there, perhaps a listener of another store, or set "
            "another EVERSHELF_CONTROL_PORT",
        )
    if position is not None and position.state not in {State.STOPPING, State.FAILED}:
        return warn(
            f"none runs; the last one ended while {position.state}, without a stop",
            "start it: it goes on where it was",
        )
    return ok("none runs; the store and its port are free")


def _of_holder(position: Position | None, remote: Remote, clock: Clock) -> Finding:
    age_s = clock.wall() - position.written_at_s if position else 0.0
    if position is not None and age_s > LATE_S:
        return fail(f"one holds the store and has said nothing for {age_s:.0f} s", HUNG)
    try:
        health = remote.health()
    except NoListener as error:
        return fail(
            f"one holds the store, but on port {remote.port}: {error}", OTHER_PORT
        )
    why = f": {health.reason}" if health.reason else ""
    found = f"one runs and answers on port {remote.port}; it is {health.state}{why}"
    if health.state == State.RETRYING:
        return warn(found, "mend what its log says in `error`")
    return ok(found)


def _is_answered(remote: Remote) -> bool:
    try:
        remote.silence_s()
    except NoListener:
        return False
    return True
