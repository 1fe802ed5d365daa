"""
The newest snapshot, swapped in when it is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
import time

from collections.abc import AsyncIterator, Callable, Set
from typing import Final

import structlog

from recommender.snapshot import Snapshot
from recommender.store import StoreReader
from recommender.text import TEXT_VERSION
from server.history import History
from server.loader import Served, read_next
from server.metrics import Metrics
from server.remembered import Remembered
from server.watch import ALL, Watch, watch


RECHECK_S: Final = 1.0  # also how often a generation that cannot be loaded is retried
# Who answers needs the interpreter, of which this thread would not let go before it has
# noted and logged what is new.
GIVE_WAY_S: Final = 0.0002
JOIN_S: Final = 2.0  # a load under way when the process stops is not waited for longer

_log = structlog.get_logger()


class Live:
    """
    Follows the store in a thread of its own; whoever answers takes `served` once.

    Attributes:
        metrics: Where it is noted what was loaded.
        remembered: Answers that hold for what is served.
    """

    def __init__(self, reader: StoreReader, loop: asyncio.AbstractEventLoop) -> None:
        """
        Start with nothing.

        Args:
            loop: Where `wait_until` is awaited.
        """
        self.reader = reader
        self.history = History()
        self.metrics = Metrics()
        self.remembered = Remembered(self.metrics.note_remembered)
        self._loop = loop
        self._served = Served()
        self._changed = asyncio.Event()
        self._stopping = threading.Event()

    @property
    def served(self) -> Served:
        """
        What answers are made from now.
        """
        return self._served

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """
        Load what there is, then follow the store until the context ends.
        """
        with contextlib.closing(watch(self.reader.folder)) as watching:
            await asyncio.to_thread(self.refresh)
            if self._served.snapshot is None:
                _log.info("model.awaited", folder=str(self.reader.folder))
            context = contextvars.copy_context()  # what its log lines say, too
            thread = threading.Thread(
                target=context.run,
                args=[self._follow, watching],
                name="follow",
                daemon=True,
            )
            thread.start()
            try:
                yield
            finally:
                self._stopping.set()
                watching.stop()
                await asyncio.to_thread(thread.join, JOIN_S)

    async def wait_until(
        self, is_reached: Callable[[Served], bool], timeout_s: float
    ) -> bool:
        """
        Return True as soon as *is_reached* holds for what is served, False when it
        does not within the timeout.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not is_reached(self._served):
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def wake(self) -> None:
        """
        Let those who wait look again; to be called in their loop.
        """
        self._tell()

    def refresh(self, moved: Set[str] = ALL) -> None:
        """
        Look at the store once, where pointers may have *moved*; one thread at a time.
        """
        before, started_s = self._served, time.perf_counter()
        after = read_next(self.reader, before, moved)
        if after is before:
            return
        self._served = after
        self._tell_soon()
        took_s, now_s = time.perf_counter() - started_s, time.time()
        time.sleep(GIVE_WAY_S)
        if after.snapshot is not None and after.snapshot is not before.snapshot:
            self._note_load(before.snapshot, after.snapshot, took_s, now_s)
            _note_words(before.snapshot, after.snapshot)
            change = self.history.note(before.snapshot, after.snapshot)
            self._tell_soon()
            self.remembered.note(before.snapshot, after.snapshot, change)
        self._note_fault(before, after)

    def _note_load(
        self, before: Snapshot | None, after: Snapshot, took_s: float, now_s: float
    ) -> None:
        manifest = after.manifest
        delay_s = now_s - manifest.published_s
        whole_s = None if manifest.written_s is None else now_s - manifest.written_s
        if before is None:
            whole_s = None  # it is the start that was late, not the write
        self.metrics.note_load(took_s=took_s, delay_s=delay_s, whole_s=whole_s)
        _log.info(
            "model.loaded",
            generation=manifest.generation,
            products=manifest.products,
            visible=manifest.visible,
            segments=len(manifest.segments),
            load_ms=round(took_s * 1000, 3),
            since_publish_ms=round(delay_s * 1000, 3),
        )

    def _note_fault(self, before: Served, after: Served) -> None:
        """
        Say when trouble begins and when it ends, however often it is met between.
        """
        serving = after.snapshot.generation if after.snapshot else None
        if after.fault and not before.fault:
            self.metrics.note_fault()
            _log.error("model.load_failed", reason=after.fault, serving=serving)
        elif before.fault and not after.fault:
            _log.info("model.load_recovered", serving=serving)

    def _follow(self, watching: Watch) -> None:
        while not self._stopping.is_set():
            try:
                self.refresh(watching.wait(RECHECK_S))
            except Exception:  # noqa: BLE001 a server that has gone deaf looks well
                with contextlib.suppress(Exception):  # the log may be what fails
                    _log.exception("model.follow_failed")
                self._stopping.wait(RECHECK_S)

    def _tell_soon(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _note_words(before: Snapshot | None, after: Snapshot) -> None:
    """
    Say once that nothing is found by words, until that has changed.
    """
    version = after.manifest.text_version
    known = before.manifest.text_version if before else TEXT_VERSION
    if version not in (TEXT_VERSION, known):
        _log.warning("model.other_words", text_version=version, reads=TEXT_VERSION)
