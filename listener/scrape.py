"""
What the listener is like at the moment when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from listener.status import NEVER, Status
from recommender.position import ClusterTime, State


class Scrape(Collector):
    """
    Reads a status, which another thread changes meanwhile.
    """

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """
        Yield each fact.
        """
        yield from self._states()
        yield from self._model()
        yield from self._times()
        yield from self._work()
        yield from self._sweep()

    def _states(self) -> Iterator[Metric]:
        status = self._status
        now = status.state
        states = GaugeMetricFamily(
            "evershelf_listener_state",
            "1 for what the listener is doing, 0 for all else.",
            labels=["state"],
        )
        for state in State:
            states.add_metric([state], state is now)
        yield states
        yield GaugeMetricFamily(
            "evershelf_listener_failures",
            "Failures in the trouble that goes on; 0 when all is well.",
            status.failures,
        )
        yield CounterMetricFamily(
            "evershelf_listener_troubles_total",
            "Troubles with the database, however many failures each had.",
            status.troubles,
        )
        yield GaugeMetricFamily(
            "evershelf_listener_silence_seconds",
            "Since the loop last turned.",
            status.silence_s,
        )

    def _model(self) -> Iterator[Metric]:
        served = self._status.served
        yield GaugeMetricFamily(
            "evershelf_listener_generation",
            "Number of the newest published generation; 0 before the first.",
            served.generation,
        )
        yield GaugeMetricFamily(
            "evershelf_listener_products",
            "Products in it.",
            served.products,
        )
        yield GaugeMetricFamily(
            "evershelf_listener_visible_products",
            "Those of them that visitors may see.",
            served.visible,
        )
        yield GaugeMetricFamily(
            "evershelf_listener_segments",
            "Segments that it consists of.",
            served.segments,
        )

    def _times(self) -> Iterator[Metric]:
        status = self._status
        yield _to_time(
            "evershelf_listener_as_of_timestamp_seconds",
            "Every write acknowledged by then is published, by the database's clock.",
            status.served.as_of,
        )
        yield _to_time(
            "evershelf_listener_read_timestamp_seconds",
            "The database's time of its last answer.",
            status.read_time,
        )
        yield _to_time(
            "evershelf_listener_checkpoint_timestamp_seconds",
            "From where the stream is followed again after a crash.",
            status.durable_as_of,
        )
        oplog = status.oplog
        window = GaugeMetricFamily(
            "evershelf_listener_oplog_window_seconds",
            "What the database's oplog reaches over; absent where it may not be read.",
        )
        oldest = GaugeMetricFamily(
            "evershelf_listener_oplog_oldest_timestamp_seconds",
            "Its oldest entry: a checkpoint from before has lost its position.",
        )
        if oplog is not None:
            window.add_metric([], oplog.last_s - oplog.first_s)
            oldest.add_metric([], oplog.first_s)
        yield window
        yield oldest

    def _work(self) -> Iterator[Metric]:
        status = self._status
        yield GaugeMetricFamily(
            "evershelf_listener_waiting_products",
            "Products that were written and wait to be read again.",
            status.waiting,
        )
        yield CounterMetricFamily(
            "evershelf_listener_incomplete_products_total",
            "How often a document was found that lacks sense in places.",
            status.incomplete,
        )
        yield GaugeMetricFamily(
            "evershelf_listener_scan_products",
            "Products that the scan under way is about to read; 0 without one.",
            status.tally.total,
        )
        yield GaugeMetricFamily(
            "evershelf_listener_scanned_products",
            "Those of them that it has read.",
            status.tally.done,
        )

    def _sweep(self) -> Iterator[Metric]:
        swept = self._status.swept
        yield CounterMetricFamily(
            "evershelf_listener_sweep_passes_total",
            "How often the background sweep has been through the collection.",
            swept.passes,
        )
        yield CounterMetricFamily(
            "evershelf_listener_sweep_checked_total",
            "Products that it compared.",
            swept.checked,
        )
        yield CounterMetricFamily(
            "evershelf_listener_sweep_unsettled_total",
            "Products that it did not, because they were written meanwhile.",
            swept.unsettled,
        )
        yield CounterMetricFamily(
            "evershelf_listener_sweep_repaired_total",
            "Products that differed, and were put right.",
            swept.repaired,
        )


def _to_time(name: str, what: str, time: ClusterTime) -> Metric:
    """
    Return a time as a metric without a value when it is not known.
    """
    family = GaugeMetricFamily(name, f"{what}")
    if time > NEVER:
        family.add_metric([], time.seconds)
    return family
