"""
Real mongods for tests.
"""

from __future__ import annotations

import os
import signal

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, PyMongoError

from listener.demo.binary import find_mongod
from listener.demo.mongod import Mongod
from listener.demo.replica_set import connect, initiate
from tests.support.ports import free_port
from tests.support.waiting import wait_for


TEST_PARAMETERS: Final[Mapping[str, str]] = {"enableTestCommands": "1"}
OPLOG_MB: Final = 16
ELECTION_S: Final = 30.0
HEALTHY: Final = ["primary", "secondary", "secondary"]
STOP_REPLICATION: Final = "stopReplProducer"  # a fail point of those who replicate
IMPATIENT: Final[Mapping[str, Any]] = {
    "serverSelectionTimeoutMS": 500,
    "socketTimeoutMS": 500,
}
# An election in a second instead of ten.
PROMPT: Final = {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 200}


class Standalone(Mongod):
    """
    A mongod that is no replica set; pass `is_alone=False`.
    """

    def _arguments(self) -> list[str]:
        arguments = super()._arguments()
        return [text for text in arguments if not text.startswith("--replSet")]


def make_mongod(
    folder: Path,
    *,
    oplog_mb: int = OPLOG_MB,
    kind: type[Mongod] = Mongod,
    **more: Any,
) -> Mongod:
    """
    Return a mongod with fail points, not started yet: `with make_mongod(…) as mongod`,
    or `start`, `stop` and `kill` it at will. More arguments are those of `Mongod`.
    """
    chosen = os.environ.get("EVERSHELF_MONGOD")
    binary = find_mongod(Path(chosen) if chosen else None, aside=folder / "bin")
    parameters = {**TEST_PARAMETERS, **more.pop("parameters", {})}
    options = (f"--oplogSize={oplog_mb}", *more.pop("options", ()))
    return kind(binary, folder, parameters=parameters, options=options, **more)


@contextmanager
def replica_set(folder: Path, *, members: int = 3, **more: Any) -> Iterator[ReplicaSet]:
    """
    Yield a replica set of several mongods, the first of which is the primary.
    """
    with ExitStack() as stack:
        mongods = [
            make_mongod(folder / str(place), port=free_port(), is_alone=False, **more)
            for place in range(members)
        ]
        for mongod in mongods:
            stack.enter_context(mongod)
        ports = [mongod.port for mongod in mongods]
        initiate(ports, timeout_s=ELECTION_S, settings=PROMPT)
        yield ReplicaSet(mongods)


class ReplicaSet:
    """
    Several mongods that are one database.
    """

    def __init__(self, members: Sequence[Mongod]) -> None:
        self.members = tuple(members)

    @property
    def uri(self) -> str:
        """
        The address that names all members.
        """
        hosts = ",".join(f"127.0.0.1:{mongod.port}" for mongod in self.members)
        return f"mongodb://{hosts}/?replicaSet=evershelf"

    @property
    def primary(self) -> Mongod:
        """
        The member that takes writes, as soon as there is one.
        """
        return wait_for(self._find_primary, timeout_s=ELECTION_S, what="a primary")

    @property
    def secondaries(self) -> tuple[Mongod, ...]:
        """
        The other members.
        """
        primary = self.primary
        return tuple(mongod for mongod in self.members if mongod is not primary)

    def fail(self, members: Iterable[Mongod], name: str, mode: Any) -> None:
        """
        Set a fail point of some members, "alwaysOn" or "off", as soon as each takes it:
        one that steps down or rolls back hangs up on whoever asks.
        """
        for mongod in members:
            wait_for(
                partial(_is_set, mongod, name, mode),
                timeout_s=ELECTION_S,
                what=f"the fail point {name}",
            )

    def heal(self) -> None:
        """
        Let all members run and replicate, and wait until they do.
        """
        for mongod in self.members:
            if mongod.is_running:
                os.kill(mongod.pid, signal.SIGCONT)
            else:
                mongod.start()
        self.fail(self.members, STOP_REPLICATION, "off")
        wait_for(
            lambda: sorted(map(_to_role, self.members)) == HEALTHY,
            timeout_s=2 * ELECTION_S,
            what="a primary and secondaries",
        )

    def _find_primary(self) -> Mongod | None:
        found = (m for m in self.members if m.is_running and _to_role(m) == "primary")
        return next(found, None)


def _is_set(mongod: Mongod, name: str, mode: Any) -> bool:
    """
    Set a fail point; return False when the connection ends meanwhile.
    """
    with connect(mongod.port) as client:
        try:
            client.admin.command("configureFailPoint", name, mode=mode)
        except AutoReconnect:
            return False
    return True


def _to_role(mongod: Mongod) -> str:
    """
    Return what a member is; empty when it does not say in time.
    """
    address = f"mongodb://127.0.0.1:{mongod.port}/?directConnection=true"
    with MongoClient[dict[str, Any]](address, **IMPATIENT) as client:
        try:
            hello = client.admin.command("hello")
        except PyMongoError:
            return ""
    if hello["isWritablePrimary"]:
        return "primary"
    return "secondary" if hello["secondary"] else ""


@contextmanager
def suspended(members: Iterable[Mongod]) -> Iterator[None]:
    """
    Make some mongods hang for as long as the context lasts.
    """
    pids = [mongod.pid for mongod in members]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
