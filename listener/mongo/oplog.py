"""
What the oplog of a replica set reaches over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pymongo import ReadPreference
from pymongo.errors import OperationFailure

from listener.doctor.database import Oplog
from listener.mongo.client import CODEC, Client, Document
from listener.mongo.errors import NOT_ALLOWED, translated


BEGINNING: Final = "initiating set"  # what the first entry of an oplog says
OLDEST: Final = 1
NEWEST: Final = -1


def read_oplog(client: Client) -> Oplog | None:
    """
    Return what the oplog reaches over; None: the user may not read it, or there is none
    here, as behind a router.
    """
    entries: list[Document | None] = []

    def read() -> None:
        entries.extend(_entry(client, end) for end in (OLDEST, NEWEST))

    if not is_allowed(read):
        return None
    first, last = entries
    if first is None or last is None:
        return None
    said = first["o"].get("msg")
    return Oplog(first["ts"].time, last["ts"].time, is_whole=said == BEGINNING)


def is_allowed(ask: Callable[[], object]) -> bool:
    """
    Return whether the user may do what *ask* does.
    """
    with translated():
        try:
            ask()
        except OperationFailure as error:
            if error.code != NOT_ALLOWED:
                raise
            return False
    return True


def _entry(client: Client, end: int) -> Document | None:
    oplog = client.local.get_collection("oplog.rs", CODEC, ReadPreference.PRIMARY)
    return oplog.find_one(sort=[("$natural", end)])
