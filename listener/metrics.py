"""
What the listener counts and measures as it happens.

Labels are few and known: never a product's id, a key or an address.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

from listener.feed import Batch
from recommender.index import Counts
from recommender.position import ClusterTime
from recommender.registry import new_registry


# Most writes are published after some milliseconds, a debounce may take minutes.
DELAY_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
WORK_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
LAG_S: Final = (0, 1, 2, 5, 10, 30, 60, 300, 1800)  # the database tells whole seconds
KINDS: Final = ("insert", "update", "replace", "delete", "other")
CAUSES: Final = ("changes", "rebuild", "restart", "merge")
# Why models are trained from scratch: at a start, on request, or a position was lost.
REASONS: Final = (
    "first_start",
    "store_damaged",
    "settings_changed",
    "other_collection",
    "requested",
    "bad_token",
    "collection_dropped",
    "collection_renamed",
    "collection_replaced",
    "database_dropped",
    "event_too_large",
    "fell_behind",
    "history_changed",
    "history_lost",
    "invalid_token",
    "position_in_future",
    "reader_failed",
    "stream_fatal",
    "stream_invalidated",
)
OTHER: Final = "other"
CHANGES: Final = ("inserted", "updated", "deleted", "unchanged")


class Metrics:
    """
    One thread tells it, any may read its registry.
    """

    def __init__(self) -> None:
        self.registry = registry = new_registry()
        self._events = Counter(
            "evershelf_listener_events_total",
            "Change events applied, by their kind in MongoDB.",
            ["kind"],
            registry=registry,
        )
        self._batches = Counter(
            "evershelf_listener_batches_total",
            "Batches with at least one change event or repair that were applied.",
            registry=registry,
        )
        self._changes = Counter(
            "evershelf_listener_changes_total",
            "What applying them did to products of the model.",
            ["change"],
            registry=registry,
        )
        self._apply = Histogram(
            "evershelf_listener_apply_seconds",
            "Time to apply such a batch to the model.",
            registry=registry,
            buckets=WORK_S,
        )
        self._lag = Histogram(
            "evershelf_listener_lag_seconds",
            "How far the model was behind the database's time of its last answer, at "
            "each answer of the stream; in whole seconds.",
            registry=registry,
            buckets=LAG_S,
        )
        self._publications = Counter(
            "evershelf_listener_publications_total",
            "Generations published, by what was the cause.",
            ["cause"],
            registry=registry,
        )
        self._failures = Counter(
            "evershelf_listener_publish_failures_total",
            "Publications that could not be written.",
            registry=registry,
        )
        self._publish = Histogram(
            "evershelf_listener_publish_seconds",
            "Time to write and publish a generation.",
            registry=registry,
            buckets=WORK_S,
        )
        self._delay = Histogram(
            "evershelf_listener_write_to_publish_seconds",
            "From the oldest write in a generation, by the database's clock, to its "
            "publication.",
            registry=registry,
            buckets=DELAY_S,
        )
        self._rebuilds = Counter(
            "evershelf_listener_rebuilds_total",
            "Models trained from scratch that took the old one's place, by reason.",
            ["reason"],
            registry=registry,
        )
        self._losses = Counter(
            "evershelf_listener_positions_lost_total",
            "How often the stream could not go on from where it was, by reason.",
            ["reason"],
            registry=registry,
        )
        self._failed_rebuilds = Counter(
            "evershelf_listener_rebuild_failures_total",
            "Rebuilds that were asked for and came to nothing.",
            registry=registry,
        )
        self._push = Histogram(
            "evershelf_listener_push_seconds",
            "Time to publish a generation to `EVERSHELF_PUBLISH_TO`.",
            registry=registry,
            buckets=DELAY_S,
        )
        self._push_failures = Counter(
            "evershelf_listener_push_failures_total",
            "How often that failed.",
            registry=registry,
        )
        self._merges = Counter(
            "evershelf_listener_merges_total",
            "Merges of segments that came into the model.",
            registry=registry,
        )
        self._begin()

    def _begin(self) -> None:
        """
        Let what has not happened yet be 0, so that the first time is an increase.
        """
        for kind in KINDS:
            self._events.labels(kind)
        for change in CHANGES:
            self._changes.labels(change)
        for cause in CAUSES:
            self._publications.labels(cause)
        for reason in (*REASONS, OTHER):
            self._rebuilds.labels(reason)
            self._losses.labels(reason)

    def note_batch(
        self, batch: Batch, counts: Counts, as_of: ClusterTime, took_s: float
    ) -> None:
        """
        Record a batch that was applied, what it changed, and how far the model is.
        """
        if batch.reached is not None:
            self._lag.observe(max(0, batch.read_time.seconds - as_of.seconds))
        for kind, count in batch.events.items():
            self._events.labels(kind).inc(count)
        if batch.mutations:
            self._batches.inc()
            self._apply.observe(took_s)
            for change in CHANGES:
                self._changes.labels(change).inc(getattr(counts, change))

    def note_publication(
        self, cause: str, *, took_s: float, delay_s: float | None
    ) -> None:
        """
        Record a publication.

        Args:
            cause: One of `CAUSES`.
            took_s: How long it took.
            delay_s: Since the oldest write in it; None without any. Less than 0 where
                the clocks of the database and of this host differ.
        """
        self._publications.labels(cause).inc()
        self._publish.observe(took_s)
        if delay_s is not None:
            self._delay.observe(max(0.0, delay_s))

    def note_publish_failure(self) -> None:
        """
        Record a publication that could not be written.
        """
        self._failures.inc()

    def note_push(self, took_s: float) -> None:
        """
        Record a generation that was published elsewhere.
        """
        self._push.observe(took_s)

    def note_push_failure(self) -> None:
        """
        Record that it could not be.
        """
        self._push_failures.inc()

    def note_loss(self, reason: str) -> None:
        """
        Record a position that was lost.
        """
        self._losses.labels(_to_reason(reason)).inc()

    def note_rebuild(self, reason: str) -> None:
        """
        Record a model that took the old one's place.
        """
        self._rebuilds.labels(_to_reason(reason)).inc()

    def note_rebuild_failure(self) -> None:
        """
        Record a rebuild that was asked for and came to nothing.
        """
        self._failed_rebuilds.inc()

    def note_merge(self) -> None:
        """
        Record a merge that has come into the model.
        """
        self._merges.inc()


def _to_reason(reason: str) -> str:
    return reason if reason in REASONS else OTHER
