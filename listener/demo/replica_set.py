"""
A mongod becomes a replica set, which change streams need.
"""

from __future__ import annotations

import time

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from listener.demo.errors import DemoFault
from listener.demo.ports import LOOPBACK


NONE: Final[Mapping[str, object]] = MappingProxyType({})
REPLICA_SET: Final = "evershelf"
_ALREADY_INITIALIZED: Final = 23
_NOT_YET_INITIALIZED: Final = 94
_POLL_S: Final = 0.01
_ANSWER_MS: Final = 10_000


def to_uri(port: int, database: str = "") -> str:
    """
    Return the address of a database in the replica set of the mongod on *port*.
    """
    return f"mongodb://{LOOPBACK}:{port}/{database}?replicaSet={REPLICA_SET}"


def connect(port: int) -> MongoClient[dict[str, Any]]:
    """
    Return a client of the one mongod on *port*, whatever its state.
    """
    return MongoClient(
        LOOPBACK, port, directConnection=True, serverSelectionTimeoutMS=_ANSWER_MS
    )


def make_primary(port: int, *, timeout_s: float) -> None:
    """
    Make the mongod on *port* a replica set of its own, and wait until it takes writes.

    A set that was made on another port goes on with its data on this one.

    Raises:
        DemoFault: It took longer than *timeout_s*.
    """
    with connect(port) as client:
        hosts = [f"{LOOPBACK}:{port}"]
        _await(lambda: _agrees(client, hosts), timeout_s=timeout_s)
        await_primary(client, timeout_s=timeout_s)


def initiate(
    ports: Sequence[int], *, timeout_s: float, settings: Mapping[str, object] = NONE
) -> None:
    """
    Make the mongods on *ports* one new replica set, and wait until the first of them
    takes writes.

    Args:
        ports: One per member.
        timeout_s: How long to wait.
        settings: Of the replica set, such as "electionTimeoutMillis".

    Raises:
        DemoFault: It took longer than *timeout_s*.
    """
    with connect(ports[0]) as client:
        hosts = [f"{LOOPBACK}:{port}" for port in ports]
        config = {**_to_config(hosts), "settings": dict(settings)}
        client.admin.command("replSetInitiate", config)
        await_primary(client, timeout_s=timeout_s)


def await_primary(client: MongoClient[dict[str, Any]], *, timeout_s: float) -> None:
    """
    Wait until the client's mongod takes writes.

    Raises:
        DemoFault: It took longer than *timeout_s*.
    """
    _await(
        lambda: client.admin.command("hello")["isWritablePrimary"], timeout_s=timeout_s
    )


def _await(is_so: Callable[[], bool], *, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            msg = f"The mongod took no writes within {timeout_s:g} s."
            raise DemoFault(msg, "Look into its log, mongod.log.")
        time.sleep(_POLL_S)


def _agrees(client: MongoClient[dict[str, Any]], hosts: Sequence[str]) -> bool:
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        return _is_initiated(client, hosts)
    if [member["host"] for member in config["members"]] != list(hosts):
        changed = {**config, **_to_config(hosts), "version": config["version"] + 1}
        # Forced, because it has no primary under an address that is no longer its own.
        client.admin.command("replSetReconfig", changed, force=True)
    return True


def _is_initiated(client: MongoClient[dict[str, Any]], hosts: Sequence[str]) -> bool:
    try:
        client.admin.command("replSetInitiate", _to_config(hosts))
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:
            raise
        # While it starts, it says that it is no replica set though it has been one.
        return False
    return True


def _to_config(hosts: Sequence[str]) -> dict[str, Any]:
    members = [
        # Only the first may start as the primary, so that callers know which it is.
        {"_id": place, "host": host, "priority": 1 if place else 2}
        for place, host in enumerate(hosts)
    ]
    return {"_id": REPLICA_SET, "members": members}
