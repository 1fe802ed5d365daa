"""
What is done for each kind of job: the listener on this machine is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import TypeVar

from listener.assembly import CLOCK, to_remote
from listener.clock import Clock
from listener.queue.job import Kind
from listener.remote import Published
from listener.resync import resync_there
from listener.signals import Stop
from recommender.settings import ListenerSettings, with_schema


Tell = Callable[[int], None]  # how much is done, in per cent
T = TypeVar("T", bound=Sized)


class NotProven(Exception):  # noqa: N818
    """
    The model is not proven to be what the collection says.

    Attributes:
        is_final: Whether it was compared and differs; else it is worth another try.
    """

    def __init__(self, message: str, *, is_final: bool) -> None:
        super().__init__(message)
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class Errands:
    """
    Does jobs, one after the other, in whatever thread.

    Attributes:
        settings: Those of the listener that is asked.
        uri: Of the database.
        stop: Ends what has an end of its own.
    """

    settings: ListenerSettings
    uri: str
    stop: Stop

    def run(self, kind: Kind, tell: Tell) -> Published | None:
        """
        Do one, and *tell* how far it is; return what the model is then, or None when
        this process was told to stop before.

        Raises:
            NotProven: `verify` found differences, or could not compare everything.
            ListenerError: The listener or the database does not answer.
            RecommenderError: There is no model, or it cannot be loaded.
        """
        match kind:
            case Kind.RETRAIN:
                return to_remote(self.settings).catch_up()
            case Kind.RESYNC:
                remote = to_remote(self.settings)
                return resync_there(remote, CLOCK, self.stop, _Told(tell))
            case Kind.VERIFY:
                return self._verify(tell)

    def _verify(self, tell: Tell) -> Published:
        # only here: scikit-learn takes a second to import, which nobody else needs
        from listener.proof import prove  # noqa: PLC0415
        from listener.verify import say  # noqa: PLC0415

        # what is found out about the documents may be newer than this process
        report = prove(with_schema(self.settings), self.uri, _Told(tell))
        say(report)
        if report.is_equal:
            return Published(report.generation, report.products)
        differs = bool(report.differences) and not report.behind
        raise NotProven(
            f"the model is not proven to be what the collection says: "
            f"{len(report.differences)} differences, {len(report.unsettled)} unsettled"
            + (f", {report.behind}" if report.behind else ""),
            is_final=differs,
        )


class _Told:
    """
    Shows how far a read is by telling it, each time it is one per cent further.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def __call__(
        self, batches: Iterable[T], *, total: int, task: str, clock: Clock
    ) -> Iterator[T]:
        del task, clock
        done = said = 0
        for batch in batches:
            yield batch
            done += len(batch)
            percent = min(100 * done // max(total, done, 1), 100)
            if percent > said:
                said = percent
                self._tell(percent)
