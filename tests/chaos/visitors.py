"""
Visitors: asking all the time, whatever happens to everything else.
"""

from __future__ import annotations

import random
import time

from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import quote, urlencode

from listener.demo.ports import LOOPBACK
from listener.keys import to_key
from recommender.address import to_address
from tests.chaos.journal import Journal
from tests.chaos.shopfront import Shopfront
from tests.chaos.stock import ANCHORS, POOL, anchor_category, anchor_id, make_id
from tests.support.processes import Answer


PATIENCE_S: Final = 20.0  # for an answer, on a machine that does a dozen other things
REST_S: Final = (0.0, 0.06)
REFUSED_REST_S: Final = 0.1
DOORS: Final = ("/", "/v1/model", "/health/live", "/health/ready")
FINE: Final = frozenset({HTTPStatus.OK, HTTPStatus.NOT_MODIFIED})
KNOWN_OR_NOT: Final = FINE | {HTTPStatus.NOT_FOUND}
GENERATION: Final = "Evershelf-Generation"
SHOWN: Final = 400  # bytes of an answer that is no good


class Visitor:
    """
    Asks once when called; returns how long to rest.

    Every answer must be a good one. Only products of the pool may be unknown, and
    anchors in a clearance; only in an outage may a connection fail.
    """

    def __init__(self, shopfront: Shopfront, journal: Journal) -> None:
        self._shopfront = shopfront
        self._journal = journal
        self._connection = HTTPConnection(
            LOOPBACK, shopfront.pair.port, timeout=PATIENCE_S
        )
        self._connected_at = 0.0
        self._generation = 0
        self._tags: dict[str, str] = {}  # of the last answer about an anchor, by path

    def __call__(self, chance: random.Random) -> float:
        """
        Ask for something.
        """
        match chance.randrange(10):
            case 0:
                answer = self._ask(chance.choice(DOORS))
            case 1 | 2 | 3:
                answer = self._ask_pool(chance)
            case _:
                answer = self._ask_anchor(chance)
        return REFUSED_REST_S if answer is None else chance.uniform(*REST_S)

    def close(self) -> None:
        """
        Go home.
        """
        self._connection.close()

    def _ask_pool(self, chance: random.Random) -> Answer | None:
        path = to_path(to_address(to_key(make_id(chance.randrange(POOL)))))
        return self._ask(path + chance.choice(("", "/similar")), fine=KNOWN_OR_NOT)

    def _ask_anchor(self, chance: random.Random) -> Answer | None:
        number = chance.randrange(ANCHORS)
        query = urlencode({"category": anchor_category(number), "limit": 5})
        tail = chance.choice(
            ("", "/similar", "/similar?limit=100", f"/similar?{query}")
        )
        path = to_path(anchor_id(number)) + tail
        asked_at = time.monotonic()
        tag = self._tags.get(path) if chance.random() < 0.2 else None
        answer = self._ask(path, fine=KNOWN_OR_NOT, tag=tag)
        if answer is None:
            return None
        self._tags[path] = answer.headers.get("ETag", "")
        fault = anchor_fault(answer, anchor_id(number), is_itself=not tail)
        if fault and self._shopfront.clearances.was_open(asked_at):
            self._journal.count("excused", fault)
        elif fault:
            self._fail(path, answer, fault)
        return answer

    def _ask(
        self, path: str, *, fine: frozenset[int] = FINE, tag: str | None = None
    ) -> Answer | None:
        """
        Return the answer; None when the server was away, as it may be.
        """
        asked_at = time.monotonic()
        try:
            answer = self._exchange(path, {"If-None-Match": tag} if tag else {})
        except (OSError, HTTPException) as error:
            self._connection.close()
            if self._shopfront.outages.was_open(self._connected_at or asked_at):
                self._journal.count("excused", "no connection")
            else:
                self._journal.fail(f"no answer for {path}: {error!r}")
            return None
        took_ms = int((time.monotonic() - asked_at) * 1000)
        self._journal.note_most("slowest", "answer_ms", took_ms)
        if self._is_draining(answer, asked_at):
            self._journal.count("excused", "draining")
        else:
            self._journal.count("answers", str(answer.status))
            if answer.status not in fine:
                self._fail(path, answer, "an error")
        self._check_generation(path, answer)
        return answer

    def _is_draining(self, answer: Answer, asked_at: float) -> bool:
        """
        Say whether a server that was asked to stop says so, as it does to balancers.
        """
        is_drain = answer.status == HTTPStatus.SERVICE_UNAVAILABLE and (
            b'"code":"draining"' in answer.body
        )
        return is_drain and self._shopfront.outages.was_open(asked_at)

    def _exchange(self, path: str, headers: dict[str, str]) -> Answer:
        if self._connection.sock is None:
            self._connected_at = 0.0
            self._connection.connect()
            self._connected_at = time.monotonic()
        self._connection.request("GET", path, headers=headers)
        response = self._connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read())

    def _check_generation(self, path: str, answer: Answer) -> None:
        generation = int(answer.headers.get(GENERATION, 0))
        if generation < self._generation:
            self._fail(path, answer, f"older than generation {self._generation}")
        self._generation = generation

    def _fail(self, path: str, answer: Answer, what: str) -> None:
        self._journal.fail(
            f"{what}: {answer.status} for {path}: "
            f"{answer.body[:SHOWN]!r} {answer.headers}"
        )


def anchor_fault(answer: Answer, id_: str, *, is_itself: bool) -> str:
    """
    Return what is wrong with an answer about an anchor; empty when nothing is.

    Args:
        id_: The anchor's.
        is_itself: Whether it was asked for the anchor, not for what is like it.
    """
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return ""
    if answer.status != HTTPStatus.OK:
        return "anchor unknown"
    if is_itself:
        return "" if answer.ids == [id_] else "another product"
    if id_ in answer.ids:
        return "anchor like itself"
    return "" if answer.ids else "anchor without neighbours"


def to_path(address: str) -> str:
    """
    Return the path of a product.
    """
    return f"/v1/products/{quote(address, safe='')}"
