"""
Between a worker and the process that leads it: small JSON messages over a pipe.

A worker says that it is ready and that its loop turns, and asks what the others count
or have logged. The leader asks each and passes the answers on. When the leader is gone
the line ends, and the worker with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import struct

from collections.abc import Callable, Mapping
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Any, Final

import orjson


EVERY_S: Final = 1.0  # that a worker says that it turns
PATIENCE_S: Final = 2.0  # for the answers of others
# From the leader, to a worker that is stopping: what a second signal is to a process of
# its own. SIGTERM may come to a worker from others, too: a service manager may send it
# to each process of a service. That is one stop, however often it comes.
HURRY: Final = signal.SIGUSR1

Message = dict[str, Any]
Answers = Mapping[str, Callable[[str], str]]


class Word(StrEnum):
    """
    What a message is.
    """

    READY = "ready"  # requests are answered
    TURNING = "turning"  # the loop turns
    ASK = "ask"  # what do the others say to this?
    TELL = "tell"  # what do you?
    ANSWER = "answer"  # that
    TOLD = "told"  # what the others do


def be_impatient(connection: Connection[Any, Any]) -> None:
    """
    Let whoever sends by *connection* wait at most `PATIENCE_S` for the other end to
    read: two that both wait for that would do so for ever.
    """
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        whole_s, rest_s = divmod(PATIENCE_S, 1)
        patience = struct.pack("@ll", int(whole_s), int(rest_s * 1e6))
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)


def send(connection: Connection[Any, Any], message: Message) -> None:
    """
    Send a message.

    Raises:
        OSError: The other end is gone, or does not read; see `be_impatient`.
    """
    connection.send_bytes(orjson.dumps(message))


def receive(connection: Connection[Any, Any]) -> Message:
    """
    Return the next message.

    Raises:
        EOFError: The other end is gone.
    """
    message: Message = orjson.loads(connection.recv_bytes())
    return message


class Line:
    """
    A worker's end. It is told what a service manager would be (`recommender.supervisor`).

    Attributes:
        every_s: How often the leader is told that the loop turns.
    """

    every_s = EVERY_S

    def __init__(self, number: int, connection: Connection[Any, Any]) -> None:
        """
        Args:
            number: The worker's, from 1.
            connection: Its end of the pipe.
        """
        self.number = number
        self._connection = connection
        self._asked: dict[int, asyncio.Future[Mapping[int, str]]] = {}
        self._questions = itertools.count()
        self._answers: Answers = {}
        self._on_end: Callable[[], None] = lambda: None

    def open(self, answers: Answers, on_end: Callable[[], None]) -> None:
        """
        Listen from now on, in the running loop.

        Args:
            answers: What this worker says, by what it is asked; each takes what may be
                asked more exactly.
            on_end: Called when the leader is gone.
        """
        self._answers, self._on_end = answers, on_end
        asyncio.get_running_loop().add_reader(self._connection.fileno(), self._hear)

    def close(self) -> None:
        """
        Listen no more.
        """
        asyncio.get_running_loop().remove_reader(self._connection.fileno())

    def ready(self) -> None:
        """
        Tell that requests are answered.
        """
        self._say({"is": Word.READY})

    def feed(self) -> None:
        """
        Tell that the loop turns.
        """
        self._say({"is": Word.TURNING})

    def stopping(self) -> None:
        """
        Nothing: the leader is who says so.
        """

    async def gather(self, what: str, more: str = "") -> Mapping[int, str]:
        """
        Return what each worker says when it is asked *what*, by its number; of those
        that do not say so in time, nothing.
        """
        question = next(self._questions)
        asked = self._asked[question] = asyncio.get_running_loop().create_future()
        asking = {"question": question, "what": what, "more": more}
        self._say({"is": Word.ASK, **asking})
        try:
            async with asyncio.timeout(PATIENCE_S + 1):
                others = await asked
        except TimeoutError:
            others = {}
        finally:
            del self._asked[question]
        return {**others, self.number: self._answers[what](more)}

    def _hear(self) -> None:
        try:
            while self._connection.poll():
                self._take(receive(self._connection))
        except (EOFError, OSError):
            self.close()
            self._on_end()

    def _take(self, message: Message) -> None:
        if message["is"] == Word.TELL:
            text = self._answers[message["what"]](message["more"])
            self._say({**message, "is": Word.ANSWER, "text": text})
        elif message["is"] == Word.TOLD:
            asked = self._asked.get(message["question"])
            if asked is not None and not asked.done():
                texts = message["texts"]
                asked.set_result({int(number): texts[number] for number in texts})

    def _say(self, message: Message) -> None:
        with contextlib.suppress(OSError):  # gone; `_hear` finds out
            send(self._connection, message)
