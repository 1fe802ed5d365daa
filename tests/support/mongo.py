"""
Real mongods for tests.
"""

from __future__ import annotations

import os

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from listener.demo.binary import find_mongod
from listener.demo.mongod import Mongod
from listener.demo.ports import free_port
from listener.demo.replica_set import initiate


TEST_PARAMETERS: Final[Mapping[str, str]] = {"enableTestCommands": "1"}
OPLOG_MB: Final = 16
ELECTION_S: Final = 30.0
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
