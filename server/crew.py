"""
Several workers on one port: started, watched, and started again when one ends.

They are forked from a process that has imported everything and begun nothing, so they
share what was imported, and the next one is there at once. Each has sockets of its own,
among which the kernel divides connections. The leader keeps them open, too: who comes
to a worker that has just ended waits for the next.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import socket
import time

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import Any, Final

import structlog

from recommender.backoff import delay_s
from recommender.exits import Exit
from recommender.logs import identify
from recommender.settings import ServerSettings
from recommender.supervisor import Supervisor
from server.app import House, have_sockets, make_house, work
from server.line import (
    HURRY,
    PATIENCE_S,
    Line,
    Message,
    Word,
    be_impatient,
    receive,
    send,
)


HUNG_S: Final = 20.0  # without a word, until a worker is killed
STARTING_S: Final = 300.0  # the same before it is ready: a disk may be slow
LONGEST_DELAY_S: Final = 10.0  # before one that ended is started again
SOUND_S: Final = 60.0  # one that has lived so long did not end for its beginning
PULSE_S: Final = 0.5
PARTING_S: Final = 10.0  # beyond the time to drain, for those that will not end
HURRY_S: Final = 2.0  # the same after a second signal
# A worker that ends so before it was ready would always do so.
FINAL: Final = frozenset({Exit.SETTINGS, Exit.UNAVAILABLE, Exit.REFUSED})

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Worker:
    """
    One place in the crew, and who has it.

    Attributes:
        number: From 1.
        sockets: Its own; they outlast each of its processes.
        connection: The leader's end of the line.
        heard_at: When it last said something.
    """

    number: int
    sockets: Sequence[socket.socket]
    process: ForkProcess | None = None
    connection: Connection[Any, Any] | None = None
    is_ready: bool = False
    began_at: float = 0.0
    heard_at: float = 0.0
    failures: int = 0
    due_at: float = 0.0


@dataclass(slots=True)
class _Question:
    """
    What a worker wants to know of the others.
    """

    asker: _Worker
    number: int
    missing: set[int]
    until: float
    texts: dict[str, str] = field(default_factory=dict)


def lead(settings: ServerSettings) -> Exit:
    """
    Have `settings.workers` processes answer until SIGTERM or SIGINT, then let them
    finish; a second signal is passed on, too.

    Raises:
        SettingsFault: The address is open to others, and there is no admin key.
        CannotBind: The address is in use, or not this machine's.
    """
    house = make_house(settings)
    sockets = have_sockets(settings, settings.workers)
    supervisor = Supervisor.of(os.environ, time.monotonic)
    return Crew(settings, house, sockets, supervisor).run()


class Crew:
    """
    The leader. One thread, no event loop.
    """

    def __init__(
        self,
        settings: ServerSettings,
        house: House,
        sockets: Sequence[Sequence[socket.socket]],
        supervisor: Supervisor,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            house: The rules that all workers keep together.
            sockets: Of each worker.
            supervisor: Is told when all are ready.
        """
        self._settings = settings
        self._house = house
        self._supervisor = supervisor
        self._monotonic = monotonic
        self._context = multiprocessing.get_context("fork")
        self._workers = [_Worker(n, some) for n, some in enumerate(sockets, 1)]
        self._questions: dict[int, _Question] = {}
        self._asked = 0
        self._signals = 0
        self._is_told = False  # whether the supervisor knows that all are ready
        self._stops_at: float | None = None  # who is still there then is killed
        self._code = Exit.OK

    def run(self) -> Exit:
        """
        Lead until told to stop; return why it ended.
        """
        hearing, waking = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_signal)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        log.info("server.workers", count=len(self._workers))
        while self._stops_at is None or any(w.process for w in self._workers):
            self._start_due()
            self._hear(hearing)
            self._note_ends()
            self._answer_late()
            self._end_hung()
            self._tell_supervisor()
        log.info("server.workers_stopped", code=int(self._code))
        return self._code

    def _note_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _start_due(self) -> None:
        if self._stops_at is not None:
            return
        now = self._monotonic()
        for worker in self._workers:
            if worker.process is None and now >= worker.due_at:
                self._start(worker, now)

    def _start(self, worker: _Worker, now: float) -> None:
        ours, theirs = self._context.Pipe()
        be_impatient(ours)
        # a line ends when its last copy is closed
        to_close = [ours, *(w.connection for w in self._workers if w.connection)]
        others = [one for w in self._workers if w is not worker for one in w.sockets]
        worker.process = self._context.Process(
            target=_work,
            args=(self._settings, self._house, worker.number, worker.sockets, theirs),
            kwargs={"to_close": [*to_close, *others]},
        )
        # what comes before the worker can obey it waits: it would go to a handler that
        # is the leader's
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            worker.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        theirs.close()
        worker.connection = ours
        worker.is_ready = False
        worker.began_at = worker.heard_at = now

    def _hear(self, hearing: int) -> None:
        """
        Wait for something to happen, and take in what was said.
        """
        lines = {w.connection: w for w in self._workers if w.connection is not None}
        ends = [w.process.sentinel for w in self._workers if w.process is not None]
        for one in wait([hearing, *lines, *ends], PULSE_S):
            if one == hearing:
                os.read(hearing, 64)
                self._pass_signals_on()
            elif isinstance(one, Connection):
                self._take_all(lines[one], one)

    def _take_all(self, worker: _Worker, connection: Connection[Any, Any]) -> None:
        try:
            while connection.poll():
                self._take(worker, receive(connection))
        except (EOFError, OSError):
            worker.connection = None
            connection.close()

    def _take(self, worker: _Worker, message: Message) -> None:
        worker.heard_at = self._monotonic()
        match message["is"]:
            case Word.READY:
                worker.is_ready = True
            case Word.ASK:
                self._ask(worker, message)
            case Word.ANSWER:
                question = self._questions.get(message["question"])
                if question is not None:
                    question.texts[str(worker.number)] = message["text"]
                    question.missing.discard(worker.number)

    def _ask(self, asker: _Worker, message: Message) -> None:
        """
        Ask all others.
        """
        self._asked += 1
        others = [w for w in self._workers if w is not asker and w.is_ready]
        question = _Question(
            asker,
            message["question"],
            {other.number for other in others},
            self._monotonic() + PATIENCE_S,
        )
        self._questions[self._asked] = question
        for other in others:
            _say(other, {**message, "is": Word.TELL, "question": self._asked})

    def _answer_late(self) -> None:
        """
        Pass on what was told, when it is all or time is up.
        """
        now = self._monotonic()
        for key, question in list(self._questions.items()):
            if not question.missing or now >= question.until:
                del self._questions[key]
                answer = {"question": question.number, "texts": question.texts}
                _say(question.asker, {"is": Word.TOLD, **answer})

    def _pass_signals_on(self) -> None:
        if not self._signals:
            return
        self._signals = 0
        if self._stops_at is not None:
            self._hurry(self._stops_at)
            return
        self._supervisor.stopping()
        self._stop()

    def _stop(self) -> None:
        patience_s = self._settings.drain_s + PARTING_S
        self._stops_at = self._monotonic() + patience_s
        for worker in self._workers:
            if worker.process is not None:
                worker.process.terminate()

    def _hurry(self, stops_at: float) -> None:
        self._stops_at = min(stops_at, self._monotonic() + HURRY_S)
        for worker in self._workers:
            if worker.process is not None and worker.process.pid is not None:
                os.kill(worker.process.pid, HURRY)

    def _note_ends(self) -> None:
        for worker in self._workers:
            process = worker.process
            if process is None or process.is_alive():
                continue
            process.join()
            code = process.exitcode
            process.close()
            worker.process = None
            if worker.connection is not None:
                worker.connection.close()
                worker.connection = None
            if self._stops_at is None:
                self._note_end(worker, code)

    def _note_end(self, worker: _Worker, code: int | None) -> None:
        if not worker.is_ready and code in FINAL:
            self._code = Exit(code)
            self._stop()
            return
        now = self._monotonic()
        if now - worker.began_at >= SOUND_S:
            worker.failures = 0
        worker.failures += 1
        luck = random.random()  # noqa: S311 no secret
        wait_s = delay_s(worker.failures, luck, LONGEST_DELAY_S)
        worker.due_at = now + wait_s
        worker.is_ready = False
        log.error(
            "server.worker_ended",
            worker=worker.number,
            code=code,
            again_in_s=round(wait_s, 2),
        )

    def _end_hung(self) -> None:
        """
        Kill who says nothing any more.
        """
        now = self._monotonic()
        is_over = self._stops_at is not None and now >= self._stops_at
        for worker in self._workers:
            if worker.process is None:
                continue
            patience_s = HUNG_S if worker.is_ready else STARTING_S
            if is_over or now - worker.heard_at >= patience_s:
                log.error("server.worker_hung", worker=worker.number)
                worker.process.kill()
                worker.heard_at = now  # once is enough

    def _tell_supervisor(self) -> None:
        if not self._is_told and all(worker.is_ready for worker in self._workers):
            self._is_told = True
            self._supervisor.ready()
        self._supervisor.feed()


def _say(worker: _Worker, message: Message) -> None:
    if worker.connection is None:
        return
    try:
        send(worker.connection, message)
    except OSError:
        # it has ended, or does not read; after half a message nothing more is understood
        worker.connection.close()
        worker.connection = None


def _work(  # noqa: PLR0913 what a worker is made of
    settings: ServerSettings,
    house: House,
    number: int,
    sockets: Sequence[socket.socket],
    connection: Connection[Any, Any],
    *,
    to_close: Sequence[Connection[Any, Any] | socket.socket],
) -> None:
    """
    Be a worker: what a fork has inherited is given back.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the leader
    signal.signal(signal.SIGTERM, lambda *_: os._exit(Exit.OK))  # nothing has begun
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    for one in to_close:
        one.close()
    identify(worker=number)
    raise SystemExit(work(settings, house, sockets, Line(number, connection)))
