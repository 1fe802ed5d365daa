"""
The three members of the replica set, and what can be done to them.
"""

from __future__ import annotations

import os
import signal
import threading

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final, Self

from bson import Timestamp
from pymongo import MongoClient, WriteConcern
from pymongo.errors import PyMongoError

from listener.demo.mongod import Mongod
from listener.demo.ports import LOOPBACK
from listener.mongo.tokens import to_cluster_time
from recommender.position import ClusterTime
from tests.chaos.insist import insist
from tests.support.mongo import ReplicaSet
from tests.support.waiting import wait_for


Client = MongoClient[dict[str, Any]]

ANSWER_MS: Final = 2_000  # a member that is asked what it is
WRITE_MS: Final = 6_000  # longer than an election takes
WHOLE_S: Final = (
    90.0  # a crash's recovery, a rollback and an election, on a busy machine
)
STEP_DOWN_S: Final = 5
WELL: Final = frozenset({1, 2})  # primary, secondary
CLOSE: Final = timedelta(seconds=1)
FILLER: Final = "x" * 500_000
FILLERS: Final = 8  # documents at once
ROLL_S: Final = 90.0


class Cluster:
    """
    A replica set that may be harmed.

    Attributes:
        lock: Held by whoever harms members, or needs all of them.
        client: Of the whole set.
    """

    def __init__(self, replica_set: ReplicaSet) -> None:
        self.lock = threading.RLock()
        self.uri = replica_set.uri
        self.client: Client = MongoClient(
            self.uri,
            serverSelectionTimeoutMS=WRITE_MS,
            socketTimeoutMS=WRITE_MS,
            connectTimeoutMS=ANSWER_MS,
        )
        self._members = replica_set.members
        self._direct: dict[Mongod, Client] = {
            mongod: _connect(mongod.port) for mongod in self._members
        }
        # A mongod ends with the thread that started it; this one lives long enough.
        self._keeper = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for client in (self.client, *self._direct.values()):
            client.close()
        for mongod in self._members:
            mongod.stop()
        self._keeper.shutdown()

    def primary(self) -> Mongod:
        """
        Return the member that takes writes, once there is one.

        Raises:
            TimeoutError: None does.
        """

        found = wait_for(self._find_primary, timeout_s=WHOLE_S, what="a primary")
        assert found is not None
        return found

    def secondaries(self) -> tuple[Mongod, ...]:
        """
        Return the others.
        """
        primary = self.primary()
        return tuple(mongod for mongod in self._members if mongod is not primary)

    def kill(self, mongod: Mongod) -> None:
        """
        End a member as a crash would.
        """
        mongod.kill()

    def start(self, mongod: Mongod) -> None:
        """
        Start a member again.
        """
        self._keeper.submit(mongod.start).result()

    def suspend(self, mongod: Mongod) -> None:
        """
        Make a member hang.
        """
        os.kill(mongod.pid, signal.SIGSTOP)

    def resume(self, mongod: Mongod) -> None:
        """
        Let it go on.
        """
        os.kill(mongod.pid, signal.SIGCONT)

    def step_down(self) -> None:
        """
        Make the primary give up its office.
        """
        command = {"replSetStepDown": STEP_DOWN_S, "force": True}
        insist(lambda: self._direct[self.primary()].admin.command(command))

    def await_whole(self) -> None:
        """
        Wait until all members are up, none far behind.

        Raises:
            TimeoutError: They never were.
        """
        wait_for(self._is_whole, timeout_s=WHOLE_S, what="the whole replica set")

    def now(self) -> ClusterTime:
        """
        Return the time of the newest write.
        """
        return to_cluster_time(self._time())

    def roll_oplog(self) -> None:
        """
        Write until all that was written before has left the oplog of every member.
        """
        surely = WriteConcern(w=len(self._members), wtimeout=int(ROLL_S * 1000))
        filler = self.client["filler"].get_collection("filler", write_concern=surely)
        now = self._time()

        def is_rolled() -> bool:
            insist(
                lambda: filler.insert_many([{"filler": FILLER} for _ in range(FILLERS)])
            )
            return all(self._has_forgotten(mongod, now) for mongod in self._members)

        wait_for(is_rolled, timeout_s=ROLL_S, what="the oplog's end")
        insist(filler.drop)

    def _time(self) -> Timestamp:
        hello = insist(lambda: self.client.admin.command("hello"))
        assert isinstance(hello["operationTime"], Timestamp)
        return hello["operationTime"]

    def _has_forgotten(self, mongod: Mongod, time: Timestamp) -> bool:
        client = self._direct[mongod]
        try:
            oldest = client["local"]["oplog.rs"].find_one(sort=[("$natural", 1)])
        except PyMongoError:  # busy with a checkpoint
            return False
        return oldest is not None and oldest["ts"] > time

    def _find_primary(self) -> Mongod | None:
        return next(filter(self._is_primary, self._members), None)

    def _is_primary(self, mongod: Mongod) -> bool:
        return bool(self._ask(mongod, "hello").get("isWritablePrimary"))

    def _is_whole(self) -> bool:
        primary = self._find_primary()
        if primary is None:
            return False
        status = self._ask(primary, "replSetGetStatus")
        members = status.get("members")
        if not members:
            return False
        newest = max(member["optimeDate"] for member in members)
        return all(
            member["state"] in WELL and member["optimeDate"] >= newest - CLOSE
            for member in members
        )

    def _ask(self, mongod: Mongod, command: str) -> dict[str, Any]:
        try:
            return self._direct[mongod].admin.command(command)
        except PyMongoError:
            return {}


def _connect(port: int) -> Client:
    return MongoClient(
        LOOPBACK,
        port,
        directConnection=True,
        serverSelectionTimeoutMS=ANSWER_MS,
        socketTimeoutMS=ANSWER_MS,
        connectTimeoutMS=ANSWER_MS,
    )
