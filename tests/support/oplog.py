"""
An oplog that forgets.
"""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient

from tests.support.waiting import wait_for


def roll_oplog(client: MongoClient[dict[str, Any]]) -> None:
    """
    Write until all that was written before has left the oplog.
    """
    oplog = client["local"]["oplog.rs"]
    now = client.admin.command("hello")["operationTime"]
    filler = client["filler"]["filler"]

    def is_rolled() -> bool:
        filler.insert_many([{"filler": "x" * 36_000} for _ in range(200)])
        filler.drop()
        client.admin.command("fsync")
        oldest = oplog.find_one(sort=[("$natural", 1)])
        return oldest is not None and oldest["ts"] > now

    wait_for(is_rolled, timeout_s=120, what="the oplog's end")
