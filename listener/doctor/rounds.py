"""
All that is looked at, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from listener.clock import Clock
from listener.doctor.checks import Check, made
from listener.doctor.collection import (
    look_at_collection,
    look_at_position,
    look_at_privileges,
    look_at_stream,
)
from listener.doctor.coverage import look_at_fields, look_at_visible
from listener.doctor.database import Database, Document
from listener.doctor.disk import PRODUCT_BYTES, look_at_disk
from listener.doctor.estimate import rebuild_s
from listener.doctor.finding import Finding, fail, ok, warn
from listener.doctor.holder import look_at_listener
from listener.doctor.model import checkpoint, look_at_model, model_bytes
from listener.doctor.oplog import look_at_oplog
from listener.doctor.outlet import look_at_outlet
from listener.doctor.schema import expected, look_at_schema
from listener.doctor.server import (
    look_at_address,
    look_at_clock,
    look_at_replica_set,
    look_at_version,
)
from listener.errors import ListenerError
from listener.feed import Source
from listener.mapping import Mapper, fingerprint
from listener.remote import Remote
from recommender.errors import SettingsFault
from recommender.settings import ListenerSettings, unknown_settings
from recommender.store import StoreReader


SAMPLE: Final = 500  # documents; shares are known to a few per cent


@dataclass(frozen=True, slots=True)
class Drawn:
    """
    A sample of the collection.

    Attributes:
        documents: Drawn by chance.
        took_s: How long it took to read them.
    """

    documents: Sequence[Document]
    took_s: float


class Rounds:
    """
    Looks at everything once. What several checks need is asked for once.
    """

    def __init__(
        self,
        settings: ListenerSettings,
        *,
        address: Callable[[], str],
        open_database: Callable[[str], tuple[Database, Source]],
        remote: Remote,
        clock: Clock,
    ) -> None:
        """
        Get ready; nothing is looked at yet.

        Args:
            settings: Those of the listener.
            address: Returns the database's, or raises SettingsFault.
            open_database: Opens what an address leads to; may raise SettingsFault.
            remote: How to ask a listener that runs.
            clock: Of this host.
        """
        self._settings = settings
        self._find_address = address
        self._open = open_database
        self._remote = remote
        self._clock = clock
        self._reader = StoreReader(settings.store_dir)

    def findings(self) -> Iterator[tuple[str, Finding]]:
        """
        Yield the name of each check with what it found.
        """
        return made(
            (
                Check("settings", self._look_at_settings),
                *self._of_the_database(),
                *self._of_the_documents(),
                *self._of_this_host(),
            )
        )

    def _of_the_database(self) -> Iterator[Check]:
        clock = self._clock
        yield Check(
            "address", lambda: look_at_address(self._database, self._address, clock)
        )
        for name, look, needs in (
            ("version", look_at_version, "address"),
            ("replica set", look_at_replica_set, "address"),
            ("privileges", look_at_privileges, "replica set"),
            ("collection", look_at_collection, "privileges"),
        ):
            yield Check(name, self._asking(look), (needs,))
        stream = ("replica set", "privileges", "collection")
        yield Check("stream", lambda: look_at_stream(self._source, clock), stream)
        yield Check(
            "position",
            lambda: look_at_position(self._source, self._checkpoint, clock),
            ("stream",),
        )
        yield Check(
            "clock", lambda: look_at_clock(self._database, clock), ("replica set",)
        )

    def _of_the_documents(self) -> Iterator[Check]:
        needs = ("settings", "collection")
        yield Check(
            "schema",
            lambda: look_at_schema(self._drawn.documents, self._settings),
            needs,
        )
        yield Check("fields", self._look_at_fields, needs)
        yield Check(
            "visible",
            lambda: look_at_visible(self._drawn.documents, self._in_effect),
            needs,
        )
        yield Check(
            "oplog", lambda: look_at_oplog(self._database, self._rebuild_s()), needs
        )

    def _of_this_host(self) -> Iterator[Check]:
        settings = self._settings
        yield Check(
            "disk", lambda: look_at_disk(settings.store_dir, self._model_bytes())
        )
        yield Check(
            "model",
            lambda: look_at_model(
                self._reader, settings.collection, fingerprint(settings)
            ),
        )
        yield Check(
            "listener",
            lambda: look_at_listener(self._reader, self._remote, self._clock),
        )
        if settings.publish_to is not None:
            uri = settings.publish_to.get_secret_value()
            yield Check("publications", lambda: look_at_outlet(uri, self._clock))
        if settings.queue_url is not None:
            yield Check("queue", self._look_at_queue)

    def _look_at_queue(self) -> Finding:
        settings = self._settings
        try:
            # only here: what it needs is an extra
            from listener.doctor.queue import look_at_queue  # noqa: PLC0415
        except ModuleNotFoundError:
            return fail(
                "the packages for a queue are not installed",
                "pip install 'evershelf[queue]'",
            )
        url = settings.queue_url.get_secret_value() if settings.queue_url else ""
        return look_at_queue(url, settings.queue_name)

    def _look_at_settings(self) -> Finding:
        try:
            Mapper(self._settings)
        except SettingsFault as error:
            return fail(
                "; ".join(error.faults), "correct it; see docs/configuration.md"
            )
        strange = list(unknown_settings())
        if strange:
            hints = (
                f"{one.name} in {one.place}: "
                f"{f'did you mean {one.nearest}?' if one.nearest else 'remove it'}"
                for one in strange
            )
            names = ", ".join(one.name for one in strange)
            return warn(f"these mean nothing: {names}", "\n".join(hints))
        return ok(f"they make sense; data in {self._settings.data_dir}")

    def _asking(self, look: Callable[[Database], Finding]) -> Callable[[], Finding]:
        return lambda: look(self._database)

    def _look_at_fields(self) -> Finding:
        documents = self._drawn.documents
        names = self._database.names(documents)
        return look_at_fields(documents, self._in_effect, names)

    @cached_property
    def _in_effect(self) -> ListenerSettings:
        if self._checkpoint is not None:
            return self._settings
        return expected(self._drawn.documents, self._settings)

    @property
    def _database(self) -> Database:
        return self._opened[0]

    @property
    def _source(self) -> Source:
        return self._opened[1]

    @cached_property
    def _opened(self) -> tuple[Database, Source]:
        return self._open(self._address)

    @cached_property
    def _address(self) -> str:
        return self._find_address()

    @property
    def _checkpoint(self) -> str | None:
        return checkpoint(self._reader, self._settings.collection)

    @cached_property
    def _drawn(self) -> Drawn:
        started = self._clock.monotonic()
        documents = self._database.sample(SAMPLE)
        return Drawn(documents, self._clock.monotonic() - started)

    def _rebuild_s(self) -> float:
        drawn, count = self._drawn, self._database.count()
        return rebuild_s(
            drawn.documents, drawn.took_s, count, self._settings, self._clock
        )

    def _model_bytes(self) -> int:
        known = model_bytes(self._reader)
        if known is not None:
            return known
        try:
            return self._database.count() * PRODUCT_BYTES
        except (ListenerError, SettingsFault):
            return 0  # the disk may be nearly full all the same
