"""
How far a job is, told to its queue.
"""

from __future__ import annotations

import asyncio

from contextlib import suppress
from typing import Any

from bullmq import Job

from listener.queue.server import SILENT


# The queue's server is away, or has not the job any more: whoever asks is told less.
_UNHEARD = (*SILENT, TypeError)


class Telling:
    """
    Tells the newest figure, one after the other, so that they never fall; what comes
    while one is on its way, and is not the newest, is left out.
    """

    def __init__(self, job: Job) -> None:
        """
        Tell of *job*, in the running loop.
        """
        self._job = job
        self._loop = asyncio.get_running_loop()
        self._newest = 0
        self._sending: asyncio.Task[Any] | None = None
        self._is_over = False

    def tell(self, percent: int) -> None:
        """
        Take a figure, from any thread, and go on.
        """
        self._loop.call_soon_threadsafe(self._note, percent)

    async def end(self) -> None:
        """
        Wait until all is told; nothing is, afterwards.
        """
        self._is_over = True
        if self._sending is not None:
            await self._sending

    def give_up(self) -> None:
        """
        Tell nothing more: the job is somebody else's.
        """
        self._is_over = True
        if self._sending is not None:
            self._sending.cancel()

    def _note(self, percent: int) -> None:
        if self._is_over:
            return
        self._newest = percent
        if self._sending is None or self._sending.done():
            self._sending = self._loop.create_task(self._send())

    async def _send(self) -> None:
        told = None
        with suppress(*_UNHEARD):
            while told != self._newest:
                told = self._newest
                await self._job.updateProgress(told)
