"""
Three databases that are one, any of which may be harmed, with a shop that is followed
and served.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pymongo import MongoClient, WriteConcern

from tests.support.mongo import ReplicaSet, replica_set
from tests.support.processes import running, to_uri
from tests.support.shop import make_document
from tests.support.stage import SETTINGS, STOCK, Document, Stage


WRITE_MS: Final = 10_000  # a member that hangs must not hang the test
ALL: Final = WriteConcern(w=3)
ALONE: Final = WriteConcern(w=1)  # acknowledged by the primary, whoever else has it


@dataclass(frozen=True, slots=True)
class SetStage(Stage):
    """
    A stage on a replica set; its `mongod` is the one that prefers to be the primary.
    """

    members: ReplicaSet

    def set_up(self) -> None:
        """
        Have all members well, the stock in the collection, and a pair that follows.
        """
        self.members.heal()
        Stage.set_up(self)


@contextmanager
def set_staged(
    folder: Path, settings: Mapping[str, str] | None = None, options: str = ""
) -> Iterator[SetStage]:
    """
    Yield a stage of three members.

    Args:
        settings: Further ones of the pair.
        options: Of the pair's address, such as "&readPreference=secondary".
    """
    with (
        replica_set(folder / "set", options=("--syncdelay=1",)) as members,
        MongoClient[Document](members.uri, timeoutMS=WRITE_MS) as client,
    ):
        stock = client["shop"]["products"].with_options(write_concern=ALL)
        stock.insert_many(map(make_document, range(STOCK)))
        uri = to_uri(members.uri, "shop") + options
        with running(folder / "data", uri, {**SETTINGS, **(settings or {})}) as pair:
            yield SetStage(members.members[0], client, pair, members)
