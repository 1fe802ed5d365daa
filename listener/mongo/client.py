"""
One driver client, set up so that nothing hangs and nothing fails to decode.
"""

from __future__ import annotations

import logging
import threading

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.timestamp import Timestamp
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, InvalidURI
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from recommender.errors import SettingsFault
from recommender.masking import without_secrets


Document = dict[str, Any]
Client = MongoClient[Document]

APP_NAME: Final = "evershelf-listener"
# How long a stream may have nothing to say before the server answers all the same;
# so often `as_of` moves on when only other collections are written.
AWAIT_S: Final = 0.1
# A server that does not answer a read for so long hangs; scans answer in pieces.
SILENCE_S: Final = 10.0
# A stream that is opened again may first have to pass millions of other writes.
LONGEST_PASSAGE_S: Final = 600.0
SELECTION_S: Final = 2.0  # the daemon tries again by itself, and says so
CONNECT_S: Final = 5.0
# How long the driver may believe of a server what it was once told; ten by default.
HEARTBEAT_S: Final = 2.0

# Whatever can be stored can be read: odd dates stay numbers, broken text is replaced.
CODEC: Final = CodecOptions[Document](
    document_class=dict,
    tz_aware=True,
    uuid_representation=UuidRepresentation.STANDARD,
    unicode_decode_error_handler="replace",
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)


class LastReply(threading.local, CommandListener):
    """
    What this thread's last `aggregate` or `getMore` brought; the driver does not say.

    Attributes:
        size: Documents in the reply.
        time: The database's time when it answered, if it said.
        opened: How many cursors have been opened, also by the driver of its own accord.
    """

    size: int = 0
    time: Timestamp | None = None
    opened: int = 0

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """
        Note a reply; the driver calls this in the thread that waits for it.
        """
        if event.command_name in {"aggregate", "getMore"}:
            cursor = event.reply["cursor"]
            self.size = len(cursor.get("nextBatch", cursor.get("firstBatch", ())))
            self.time = event.reply.get("operationTime")
            self.opened += event.command_name == "aggregate"

    def started(self, event: CommandStartedEvent) -> None:
        """
        Nothing to note.
        """

    def failed(self, event: CommandFailedEvent) -> None:
        """
        Nothing to note: the error is raised where the reply was waited for.
        """


class Clients:
    """
    One for the stream, which may be silent for long, and one for reads, which may not.
    """

    def __init__(self, make: Callable[[], tuple[Client, Client]]) -> None:
        """
        Args:
            make: Returns both.
        """
        self._make = make
        self._lock = threading.Lock()
        self._both = make()

    @property
    def stream(self) -> Client:
        """
        The stream's.
        """
        return self._both[0]

    @property
    def reads(self) -> Client:
        """
        The one of all else.
        """
        return self._both[1]

    def renew(self, failed: Client) -> None:
        """
        Begin anew, unless *failed* has been replaced already.
        """
        with self._lock:
            if failed not in self._both:
                return
            left, self._both = self._both, self._make()
        # It may wait for a server that does not answer.
        threading.Thread(target=_close, args=left, daemon=True).start()

    def close(self) -> None:
        """
        Let go of all connections.
        """
        _close(*self._both)


def _close(*clients: Client) -> None:
    for client in clients:
        client.close()


@contextmanager
def connected(uri: str) -> Iterator[tuple[Clients, LastReply]]:
    """
    Yield clients of the database at *uri*, and the tap on the stream's replies; their
    connections are let go of with the context.

    Raises:
        SettingsFault: As `connect`.
    """
    replies = LastReply()
    clients = connect(uri, replies)
    try:
        yield clients, replies
    finally:
        clients.close()


def connect(uri: str, replies: LastReply) -> Clients:
    """
    Return clients of the database at *uri*; they connect when first used.

    Raises:
        SettingsFault: The address cannot be one, or names a file that cannot be read.
    """
    # What it could not tidy up where it may not go any more; real errors are raised.
    logging.getLogger("pymongo.client").setLevel(logging.CRITICAL)
    with faults_said(uri, "MONGODB_URI"):
        return Clients(
            lambda: (
                _client(uri, LONGEST_PASSAGE_S, [replies]),
                _client(uri, SILENCE_S, []),
            )
        )


@contextmanager
def connected_once(uri: str, setting: str) -> Iterator[Client]:
    """
    Yield one client of the database at *uri*, of which no answer may take long.

    Args:
        uri: Where.
        setting: The variable that says so.

    Raises:
        SettingsFault: As `connect`.
    """
    with faults_said(uri, setting):
        client = _client(uri, SILENCE_S, [])
    with client:
        yield client


@contextmanager
def faults_said(uri: str, setting: str) -> Iterator[None]:
    """
    Raise what the driver has against an address as a fault of the setting that it is
    from, without its password.
    """
    try:
        yield
    except (InvalidURI, ConfigurationError, ValueError) as error:
        said = without_secrets(str(error), uri)
        fault = f"{setting}: {said}: write mongodb://host:port/database"
        raise SettingsFault([fault]) from None  # its text may hold the password
    except OSError as error:
        said = without_secrets(error.strerror or str(error), uri)
        fault = f"{setting}: {said}: name a file that this user can read"
        raise SettingsFault([fault]) from None


def _client(uri: str, timeout_s: float, listeners: Sequence[CommandListener]) -> Client:
    return MongoClient(
        uri,
        appname=APP_NAME,
        event_listeners=listeners,
        socketTimeoutMS=int(timeout_s * 1000),
        connectTimeoutMS=int(CONNECT_S * 1000),
        serverSelectionTimeoutMS=int(SELECTION_S * 1000),
        heartbeatFrequencyMS=int(HEARTBEAT_S * 1000),
    )


def database_name(client: Client, default: str) -> str:
    """
    Return the database that the address names, else *default*.
    """
    return client.get_default_database(default).name
