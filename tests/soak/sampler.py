"""
One look at everything that must not grow.
"""

from __future__ import annotations

import os
import time

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import psutil  # type: ignore[import-untyped]

from benchmarks.figures import NEARLY_ALL, to_ms
from benchmarks.footprint import MB
from benchmarks.process_stats import (
    private_bytes,
    processor_s,
    proportional_bytes,
)
from listener.upkeep import GARBAGE_S
from recommender.store import GRACE_S, StoreReader
from tests.chaos.cluster import Cluster
from tests.chaos.shopfront import Shopfront, to_time
from tests.soak.prober import Prober
from tests.soak.timed import Timed
from tests.support.processes import Process


KEPT_S: Final = GRACE_S + GARBAGE_S  # how long the store keeps what is not needed

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
        self._published: deque[tuple[float, int]] = deque()

    def look(self) -> Sample:
        """
        Return a number for each measure that has one now: what belongs to a process
        that is not running has none.
        """
        pair, taken = self._shopfront.pair, self._prober.take()
        return {
            **self._of_process("listener", pair.listener),
            **self._of_process("server", pair.server),
            **self._of_store(pair.data_dir / "model"),
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
                f"{name}_uss": sum(private_bytes(one.pid) for one in family) / MB,
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
        }

    def _of_store(self, folder: Path) -> Sample:
        """
        Return what the newest generation consists of, and what is kept beside it: what
        was removed stays for a minute, so that its number follows that of generations.
        """
        sizes = list(_sizes(folder))
        manifest = StoreReader(folder).read_manifest()
        now = time.monotonic()
        self._published.append((now, manifest.generation))
        while self._published[0][0] < now - KEPT_S:
            self._published.popleft()
        published = max(1, manifest.generation - self._published[0][1])
        return {
            "generation": manifest.generation,
            "segments": len(manifest.segments),
            "model_bytes": sum(segment.size for segment in manifest.segments) / MB,
            "store_files": len(sizes),
            "store_bytes": sum(sizes) / MB,
            "kept_files": (len(sizes) - len(manifest.segments)) / published,
        }


def _sizes(folder: Path) -> Iterator[int]:
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # removed meanwhile
                yield (Path(root) / name).stat().st_size


def _of_times(name: str, took_s: Sequence[float]) -> Sample:
    if not took_s:
        return {}
    return {
        f"{name}_p50": to_ms(took_s, 50.0),
        f"{name}_p99": to_ms(took_s, NEARLY_ALL),
    }
