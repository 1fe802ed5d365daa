"""
Structured logs: JSON lines, or pretty on a terminal.
"""

from __future__ import annotations

import json
import logging
import sys

from collections import deque
from typing import Any, Final, Literal

import orjson
import structlog

from structlog.typing import EventDict, Processor

from recommender.masking import Secrets


Format = Literal["auto", "json", "console"]
Level = Literal["debug", "info", "warning", "error"]

KEPT: Final = 200  # lines; a page shows no more

_LEVELS: Final[dict[str, int]] = logging.getLevelNamesMapping()


class Recent:
    """
    The last lines of this process, for a page that shows them.
    """

    def __init__(self, most: int = KEPT) -> None:
        self._lines: deque[tuple[str, bytes]] = deque(maxlen=most)

    def note(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """
        Keep a line that is about to be printed, as it is.
        """
        self._lines.append((event["timestamp"], _to_json(event).encode()))
        return event

    def to_json(self, since: str = "") -> bytes:
        """
        Return those with a later `timestamp` than *since*, oldest first, as an array.
        """
        return b"[%b]" % b",".join(line for _, line in self.later(since))

    def later(self, since: str = "") -> list[tuple[str, bytes]]:
        """
        Return the same as pairs of `timestamp` and line.
        """
        return [(at, line) for at, line in tuple(self._lines) if at > since]


RECENT: Final = Recent()

# What each line says of the process that it comes from.
_SELF: Final[dict[str, object]] = {}


def configure_logs(
    log_format: Format,
    level: Level,
    *,
    process: str,
    secrets: Secrets = Secrets(),  # noqa: B008 it never changes
) -> None:
    """
    Send every log line of this process to standard output.

    What libraries say through `logging`, from warnings on, comes as
    `library.message`.

    Args:
        log_format: "auto" is pretty on a terminal and JSON elsewhere.
        level: Lines below it are dropped before they are built.
        process: "listener" or "server"; part of each line.
        secrets: What no line may show, nor a traceback in it.
    """
    identify(process=process)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _name_self,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide(secrets),
        RECENT.note,
    ]
    last: Processor
    if is_for_people(log_format):
        last = structlog.dev.ConsoleRenderer(
            sort_keys=False,
            # the pretty ones show local variables, and come after secrets are hidden
            exception_formatter=structlog.dev.plain_traceback,
        )
    else:
        last = structlog.processors.JSONRenderer(serializer=_to_json)
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level.upper()]),
        # a line and its end in one write, so that those of several workers do not mix
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _Forward)]:
        root.removeHandler(handler)
    root.addHandler(_Forward(logging.WARNING))


def identify(**values: object) -> None:
    """
    Have each line of this process say so from now on.
    """
    _SELF.update(values)


def is_for_people(log_format: Format) -> bool:
    """
    Return whether what goes to standard output is read by people, not programs.
    """
    return log_format == "console" or (log_format == "auto" and sys.stdout.isatty())


class _Forward(logging.Handler):
    """
    Hands what libraries log on to ours.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            structlog.get_logger().log(
                record.levelno,
                "library.message",
                logger=record.name,
                message=record.getMessage(),
                exc_info=record.exc_info,
            )
        except Exception:  # noqa: BLE001 as every handler of logging does
            self.handleError(record)


def _name_self(_logger: object, _method: str, event: EventDict) -> EventDict:
    for name, value in _SELF.items():  # threads do not share context
        event.setdefault(name, value)
    return event


def _hide(secrets: Secrets) -> Processor:
    def hide(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {key: secrets.without_any(value) for key, value in event.items()}

    return hide


def _to_json(event: EventDict, **_: Any) -> str:
    try:
        line = orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # half a surrogate pair, or an integer beyond 64 bits
        return json.dumps(event, default=str, skipkeys=True)
    return line.decode()
