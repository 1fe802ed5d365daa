"""
A visitor who never stops asking, and remembers what was wrong with the answers.
"""

from __future__ import annotations

import threading

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol, Self

from recommender.position import ClusterTime
from tests.support.processes import Answer
from tests.support.waiting import wait_for


PAUSE_S: Final = 0.01  # between two questions; the processor is shared
GENERATION: Final = "Evershelf-Generation"


class Door(Protocol):
    """
    Where visitors ask: a server, or several behind one door.
    """

    def get(self, path: str) -> Answer:
        """
        Ask; a refused connection is a 0.
        """


@dataclass(frozen=True, slots=True)
class Visit:
    """
    One question and its answer.

    Attributes:
        product_id: What was asked about.
        status: Of the answer; 0 when none came.
        items: The products that came.
        generation: Of the model; 0 when the answer does not say.
        as_of: Every write up to here is in the answer; None when it does not say.
        reason: Why the answer is stale; empty when it is not.
    """

    product_id: str
    status: int
    items: tuple[dict[str, Any], ...]
    generation: int
    as_of: ClusterTime | None
    reason: str

    @property
    def is_answered(self) -> bool:
        """
        Whether a visitor would be content with it.
        """
        return self.status == HTTPStatus.OK and bool(self.items)


def to_time(text: str) -> ClusterTime:
    """
    Return a time as answers show it, "seconds:increment".
    """
    return ClusterTime(*map(int, text.split(":")))


def to_visit(product_id: str, answer: Answer) -> Visit:
    """
    Return what an answer to a question about a product says.
    """
    body = answer.json if answer.status == HTTPStatus.OK else {}
    model = body.get("model", {})
    time = model.get("cluster_time")
    return Visit(
        product_id=product_id,
        status=answer.status,
        items=tuple(body.get("items", ())),
        generation=int(answer.headers.get(GENERATION, 0)),
        as_of=to_time(time) if time else None,
        reason=model.get("reason", ""),
    )


class Visitor:
    """
    Asks for products similar to each of some, in turn, while the context lasts.

    Those are products that must have answers all the time.
    """

    def __init__(self, door: Door, product_ids: Sequence[str], query: str = "") -> None:
        self.visits: list[Visit] = []
        self._door = door
        self._product_ids = tuple(product_ids)
        self._query = query
        self._failure: Exception | None = None
        self._is_leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="visitor")

    def __enter__(self) -> Self:
        self._thread.start()
        self.look_again()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_leaving.set()
        self._thread.join()

    def look_again(self) -> Visit:
        """
        Return a visit that began after this call.
        """
        count = len(self.visits) + 2  # one may be under way
        wait_for(
            lambda: self._failure is not None or len(self.visits) >= count,
            what="a visit",
        )
        if self._failure is not None:
            raise self._failure
        return self.visits[-1]

    @property
    def reasons(self) -> set[str]:
        """
        Why answers were stale.
        """
        return {visit.reason for visit in self.visits} - {""}

    def assert_content(self, *, gone_from: int | None = None) -> None:
        """
        Fail if there was an error or an empty answer, or if answers went back in time.

        Args:
            gone_from: The generation from which on the database has none of the
                products any more, so that answers say so.
        """
        self.look_again()
        bad = [visit for visit in self.visits if not visit.is_answered]
        for visit in bad:
            assert gone_from is not None, visit
            assert visit.status == HTTPStatus.NOT_FOUND, visit
            assert visit.generation >= gone_from, visit
        self._assert_forward()

    def _assert_forward(self) -> None:
        generations = [visit.generation for visit in self.visits]
        assert generations == sorted(generations), "generations go back"
        times = [visit.as_of for visit in self.visits if visit.as_of is not None]
        assert times == sorted(times), "answers go back in time"

    def _run(self) -> None:
        try:
            while not self._is_leaving.wait(PAUSE_S):
                self.visits.append(self._visit())
        except Exception as error:  # noqa: BLE001 the test must hear of it
            self._failure = error

    def _visit(self) -> Visit:
        product_id = self._product_ids[len(self.visits) % len(self._product_ids)]
        path = f"/v1/products/{product_id}/similar?{self._query}"
        return to_visit(product_id, self._door.get(path))
