"""
A witness of what answers claim: that each write up to a time is in them.
"""

from __future__ import annotations

import random
import time

from datetime import datetime
from http import HTTPStatus
from typing import Final

from bson import Timestamp
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from listener.mongo.tokens import to_cluster_time
from recommender.position import ClusterTime
from tests.chaos.journal import Journal
from tests.chaos.shopfront import Shopfront, to_time
from tests.chaos.stock import Document
from tests.chaos.visitors import to_path
from tests.chaos.windows import Windows
from tests.chaos.writers import AFTER_ERROR_S, is_excused
from tests.support.processes import Answer


ID: Final = "witness"
PATIENCE_S: Final = 10.0  # for an answer to claim a write; outages last longer
POLL_S: Final = 0.01
REST_S: Final = 0.1


class Witness:
    """
    Writes once when called, waits for an answer that claims the write, and looks whether
    it is in it; returns how long to rest.

    What is acknowledged while the collection is swapped may be lost with the old one.
    """

    def __init__(
        self,
        products: Collection[Document],
        shopfront: Shopfront,
        swaps: Windows,
        journal: Journal,
    ) -> None:
        self._products = products
        self._shopfront = shopfront
        self._swaps = swaps
        self._journal = journal
        self._count = 0

    def __call__(self, _chance: random.Random) -> float:
        """
        Write, and ask.

        Raises:
            PyMongoError: The write failed in a way that no fault explains.
        """
        began_at = time.monotonic()
        self._count += 1
        try:
            written_at = self._write()
        except PyMongoError as error:
            if not is_excused(error):
                raise
            return AFTER_ERROR_S
        answer = self._await_claim(written_at)
        if answer is None or self._swaps.was_open(began_at):
            self._journal.count("claims", "not made in time, or swapped away")
        elif to_count(answer) < self._count:
            self._journal.fail(
                f"{self._count}, written at {written_at}, is not in {answer.body!r} "
                f"{answer.headers}"
            )
        else:
            self._journal.count("claims", "kept")
        return REST_S

    def _write(self) -> ClusterTime:
        """
        Return the time at which the write was acknowledged by a majority.
        """
        document = {"_id": ID, "name": "witness", "price": self._count}
        with self._products.database.client.start_session() as session:
            self._products.replace_one(
                {"_id": ID}, document, upsert=True, session=session
            )
            assert isinstance(session.operation_time, Timestamp)
            return to_cluster_time(session.operation_time)

    def _await_claim(self, at: ClusterTime) -> Answer | None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            answer = self._shopfront.ask(to_path(ID))
            if answer.status and claims(answer, at):
                return answer
            time.sleep(POLL_S)
        return None


def claims(answer: Answer, at: ClusterTime) -> bool:
    """
    Return whether an answer claims to hold each write up to *at*.

    One without a product tells its time in a header only, to the second.
    """
    if answer.status == HTTPStatus.OK:
        return to_time(answer.json["model"]["cluster_time"]) >= at
    as_of = datetime.fromisoformat(answer.headers["Evershelf-As-Of"])
    return as_of.timestamp() > at.seconds


def to_count(answer: Answer) -> float:
    """
    Return which write an answer shows; 0 when none.
    """
    if answer.status != HTTPStatus.OK:
        return 0
    return float(answer.json["items"][0]["product"]["price"])
