"""
The driver's errors in the listener's words: what to do, not what happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from bson.errors import BSONError
from pymongo.errors import OperationFailure, PyMongoError

from listener.errors import ListenerError, PositionLost, Refused, Unreachable


# Server error codes after which no token leads on.
LOST: Final[Mapping[int, str]] = MappingProxyType(
    {
        286: "history_lost",  # the oplog has rolled past the token
        280: "stream_fatal",  # the token is not in this oplog, or has no place in it
        260: "invalid_token",  # for example of an invalidated stream
        136: "fell_behind",  # the oplog has rolled past an open cursor
        10334: "event_too_large",
        40647: "bad_token",
        9: "bad_token",  # FailedToParse: the token's text
    }
)
NEVER_RESUMABLE: Final = "NonResumableChangeStreamError"
# A token may be wrong in a hundred ways, most of which have a number and no name.
MALFORMED: Final = frozenset({15, 207})  # Overflow, InvalidUUID
FIRST_NAMELESS: Final = 20_000

LONGEST_TEXT: Final = 500  # of an error; one about a large event shows all of it

NO_REPLICA_SET: Final = 40573
NOT_ALLOWED: Final = 13

# Server error codes that only an operator can mend.
REFUSED: Final[Mapping[int, str]] = MappingProxyType(
    {
        NOT_ALLOWED: (
            "grant this user `find` and `changeStream` on the collection "
            "and `listCollections` on its database; "
            "`run_listener.py doctor` prints the role"
        ),
        18: "check user, password and authSource in MONGODB_URI",
        8000: "check user, password and authSource in MONGODB_URI",
        NO_REPLICA_SET: (
            "change streams need a replica set: start mongod with --replSet and call "
            "rs.initiate(), one member is enough"
        ),
        166: "EVERSHELF_COLLECTION names a view: name the collection behind it",
    }
)


@contextmanager
def translated(*, is_resuming: bool = False) -> Iterator[None]:
    """
    Raise the driver's errors as the listener's, the original as their cause.

    Args:
        is_resuming: Whether a stream is opened from a token, which may be to blame.
    """
    try:
        yield
    except (PyMongoError, BSONError) as error:
        raise translate(error, is_resuming=is_resuming) from error


def translate(error: Exception, *, is_resuming: bool = False) -> ListenerError:
    """
    Return what *error* asks the listener to do.
    """
    if isinstance(error, OperationFailure):
        code = error.code or 0
        if code in LOST:
            return PositionLost(LOST[code], _first_line(error))
        if error.has_error_label(NEVER_RESUMABLE):
            return PositionLost("stream_fatal", _first_line(error))
        if code in REFUSED:
            return Refused(_first_line(error), REFUSED[code])
        if is_resuming and (code in MALFORMED or code >= FIRST_NAMELESS):
            return PositionLost("bad_token", _first_line(error))
    return Unreachable(_first_line(error))


def _first_line(error: Exception) -> str:
    """
    Return what a driver's error says, without the description of the topology.
    """
    text = f"{type(error).__name__}: {error}".split(", full error", 1)[0]
    return text.split(", Timeout:", 1)[0][:LONGEST_TEXT]
