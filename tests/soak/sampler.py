"""
One look at everything that must not grow.
"""

from __future__ import annotations

import os
import time

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]

from benchmarks.figures import NEARLY_ALL, to_ms
from benchmarks.footprint import MB
from benchmarks.process_stats import processor_s, proportional_bytes
from tests.chaos.cluster import Cluster
from tests.chaos.shopfront import Shopfront, to_time
from tests.soak.prober import Prober
from tests.soak.timed import Timed
from tests.support.processes import Process


Sample = Mapping[str, float]


class Used(NamedTuple):
    """
    Processor time of some processes, up to a moment on the monotonic clock.
    """

    pids: tuple[int, ...]
    at_s: float
    used_s: float


class Sampler:
    """
    Looks at both processes, the store and the answers.
    """

    def __init__(
        self, shopfront: Shopfront, cluster: Cluster, prober: Prober, witness: Timed
    ) -> None:
        self._shopfront = shopfront
        self._cluster = cluster
        self._prober = prober
        self._witness = witness
        self._used: dict[str, Used] = {}

    def look(self) -> Sample:
        """
        Return a number for each measure that has one now: what belongs to a process
        that is not running has none.
        """
        pair, taken = self._shopfront.pair, self._prober.take()
        return {
            **self._of_process("listener", pair.listener),
            **self._of_process("server", pair.server),
            **_of_folder(pair.data_dir / "model"),
            **_of_times("read", taken.ours),
            **_of_times("bare", taken.bare),
            **_of_times("served", self._witness.take()),
            **self._of_model(),
            "load": os.getloadavg()[0],
        }

    def _of_process(self, name: str, process: Process) -> Sample:
        """
        Return what a process and those that it has started hold and do.
        """
        if not process.is_running:
            return {}
        try:
            first = psutil.Process(process.pid)
            family = [first, *first.children(recursive=True)]
            return {
                f"{name}_pss": sum(proportional_bytes(one.pid) for one in family) / MB,
                f"{name}_rss": sum(one.memory_info().rss for one in family) / MB,
                f"{name}_files": sum(one.num_fds() for one in family),
                f"{name}_processes": len(family),
                **self._of_work(name, [one.pid for one in family]),
            }
        except (psutil.Error, OSError):  # it has ended meanwhile
            return {}

    def _of_work(self, name: str, pids: Sequence[int]) -> Sample:
        """
        Return the processor time since the last look, while the processes are the same.
        """
        now = Used(tuple(pids), time.monotonic(), sum(map(processor_s, pids)))
        before = self._used.get(name)
        self._used[name] = now
        if before is None or before.pids != now.pids:
            return {}
        used_s, passed_s = now.used_s - before.used_s, now.at_s - before.at_s
        return {f"{name}_work": used_s / passed_s * 1000}

    def _of_model(self) -> Sample:
        try:
            model = self._shopfront.read_model()
        except AssertionError:  # the server is being started again
            return {}
        behind = self._cluster.now().seconds - to_time(model["cluster_time"]).seconds
        return {
            "lag": max(0, behind),
            "products": model["products"],
            "generation": model["generation"],
        }


def _of_folder(folder: Path) -> Sample:
    sizes: list[int] = []
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # removed meanwhile
                sizes.append((Path(root) / name).stat().st_size)
    return {"store_files": len(sizes), "store_bytes": sum(sizes) / MB}


def _of_times(name: str, took_s: Sequence[float]) -> Sample:
    if not took_s:
        return {}
    return {
        f"{name}_p50": to_ms(took_s, 50.0),
        f"{name}_p99": to_ms(took_s, NEARLY_ALL),
    }
