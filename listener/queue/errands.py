"""
What is done for each kind of job: the listener on this machine is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from listener.assembly import CLOCK, to_remote
from listener.beside import of_orders
from listener.clock import Clock
from listener.queue.job import Kind
from listener.rebuild import Interrupted
from listener.remote import Published
from listener.resync import resync_there
from listener.signals import Stop
from recommender.settings import ListenerSettings, with_schema


ALL: Final = 100  # per cent
HALF: Final = 50  # when there are two collections to read

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

        Where orders are followed, `resync` and `verify` do the same with them
        afterwards; the model of the products is returned.

        Raises:
            NotProven: `verify` found differences, or could not compare everything.
            ListenerError: The listener or the database does not answer.
            RecommenderError: There is no model, or it cannot be loaded.
        """
        match kind:
            case Kind.RETRAIN:
                return to_remote(self.settings).catch_up()
            case Kind.RESYNC:
                return self._resync(tell)
            case Kind.VERIFY:
                with suppress(Interrupted):
                    return self._verify(tell)
        return None

    def _resync(self, tell: Tell) -> Published | None:
        remote = to_remote(self.settings)
        done = resync_there(remote, CLOCK, self.stop, self._first(tell))
        if done is None or not self.settings.orders_collection:
            return done
        show = _Told(tell, after=HALF)
        with of_orders():
            orders = resync_there(remote.of_orders(), CLOCK, self.stop, show)
        return None if orders is None else done

    def _verify(self, tell: Tell) -> Published:
        # only here: scikit-learn takes a second to import, which nobody else needs
        from listener.proof import prove, prove_orders  # noqa: PLC0415
        from listener.verify import say  # noqa: PLC0415

        # what is found out about the documents may be newer than this process
        settings = with_schema(self.settings)
        products = prove(settings, self.uri, self._first(tell), self._check)
        say(products)
        reports = {"products": products}
        if settings.orders_collection:
            with of_orders():
                orders = prove_orders(settings, self.uri, _Told(tell, after=HALF))
                say(orders)
            reports["orders"] = orders
        for of, report in reports.items():
            if not report.is_equal:
                raise NotProven(
                    f"the model of the {of} is not proven to be what the collection "
                    f"says: {len(report.differences)} differences, "
                    f"{len(report.unsettled)} unsettled"
                    + (f", {report.behind}" if report.behind else ""),
                    is_final=bool(report.differences) and not report.behind,
                )
        return Published(products.generation, products.products)

    def _check(self) -> None:
        """
        End the processes that read: as long as they do, this one could not end.
        """
        if self.stop.is_set():
            raise Interrupted

    def _first(self, tell: Tell) -> _Told:
        return _Told(tell, to=HALF if self.settings.orders_collection else ALL)


class _Told:
    """
    Shows how far a read is by telling it, each time it is one per cent further.

    Attributes:
        after: How much, in per cent, is done before it begins.
        to: How much when it has ended.
    """

    def __init__(self, tell: Tell, after: int = 0, to: int = ALL) -> None:
        self._tell = tell
        self._after, self._to = after, to

    def __call__(
        self, batches: Iterable[T], *, total: int, task: str, clock: Clock
    ) -> Iterator[T]:
        del task, clock
        done, said = 0, self._after
        for batch in batches:
            yield batch
            done += len(batch)
            share = done / max(total, done, 1)
            percent = self._after + int((self._to - self._after) * share)
            if percent > said:
                said = percent
                self._tell(percent)
