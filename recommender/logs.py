"""
Structured logs: JSON lines, or pretty on a terminal.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import threading
import time

from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Final, Literal

import orjson
import structlog

from structlog.typing import EventDict, Processor

from recommender.masking import Secrets
from recommender.repeats import Repeats


Format = Literal["auto", "json", "console"]
Level = Literal["debug", "info", "warning", "error"]

KEPT: Final = 200  # lines; a page shows no more
LIBRARY: Final = "library.message"
LONGEST: Final = 2_000  # characters of a text that anybody may have sent, as a path
LONGEST_TRACEBACK: Final = 50_000

_LEVELS: Final[dict[str, int]] = logging.getLevelNamesMapping()
# What a terminal obeys instead of showing it; what is left breaks and indents lines.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


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


class Thinning:
    """
    Keeps a defect that is met by every request, or a library that complains without
    end, from flooding the log.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._repeats = Repeats()
        self._monotonic = monotonic

    def process(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """
        Return a line as it is, or with how many like it were `skipped`.

        Raises:
            DropEvent: It is one of those that are.
        """
        kind = _to_kind(event)
        if kind is None:
            return event
        skipped = self._repeats.take(kind, self._monotonic())
        if skipped is None:
            raise structlog.DropEvent
        return {**event, "skipped": skipped} if skipped else event


def configure_logs(
    log_format: Format,
    level: Level,
    *,
    process: str,
    secrets: Secrets = Secrets(),  # noqa: B008 it never changes
) -> None:
    """
    Send every log line of this process to standard output. One that cannot be written,
    to a full disk or to a reader that is gone, is lost, and nothing else happens.

    What libraries say through `logging`, from warnings on, and what they warn of, comes
    as `library.message`. Of that, and of one traceback, only some lines are written in
    half a minute (`Repeats`), and the next says how many it `skipped`.

    Args:
        log_format: "auto" is pretty on a terminal and JSON elsewhere.
        level: Lines below it are dropped before they are built.
        process: "listener" or "server"; part of each line.
        secrets: What no line may show, nor a traceback in it.
    """
    identify(process=process)
    shared: list[Processor] = [
        Thinning().process,
        structlog.contextvars.merge_contextvars,
        _name_self,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide(secrets),
        _shorten,
        RECENT.note,
    ]
    last: list[Processor]
    if is_for_people(log_format):
        pretty = structlog.dev.ConsoleRenderer(
            sort_keys=False,
            # the pretty ones show local variables, and come after secrets are hidden
            exception_formatter=structlog.dev.plain_traceback,
        )
        last = [_spell_out, pretty]
    else:
        last = [structlog.processors.JSONRenderer(serializer=_to_json)]
    output = _Output()
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level.upper()]),
        logger_factory=lambda *_: output,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _Forward)]:
        root.removeHandler(handler)
    root.addHandler(_Forward(logging.WARNING))
    logging.captureWarnings(capture=True)


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


class _Output:
    """
    Standard output, past its buffer: that would keep what it cannot write until the
    process ends, and let it end with another exit code than ours.
    """

    def __init__(self) -> None:
        self._text = sys.stdout
        self._binary = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
        self._lock = threading.Lock()

    def msg(self, line: str) -> None:
        """
        Write a line, if that is possible.
        """
        rest = memoryview(f"{line}\n".encode(errors="backslashreplace"))
        with self._lock, contextlib.suppress(OSError):
            self._text.flush()  # what was printed before
            while rest:
                rest = rest[self._binary.write(rest) or len(rest) :]

    debug = info = warning = error = critical = msg


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


def _to_kind(event: EventDict) -> Hashable | None:
    """
    Return what lines are alike: those of one library without a traceback, and those
    with one that ends at the same place; None for any other.
    """
    error = event.get("exc_info")
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    name = event["event"]
    if isinstance(error, BaseException):
        return (name, type(error), *_to_place(error))
    return (name, event.get("logger")) if name == LIBRARY else None


def _to_place(error: BaseException) -> tuple[str, int]:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return (at.tb_frame.f_code.co_filename, at.tb_lineno) if at else ("", 0)


def _name_self(_logger: object, _method: str, event: EventDict) -> EventDict:
    for name, value in _SELF.items():  # threads do not share context
        event.setdefault(name, value)
    return event


def _hide(secrets: Secrets) -> Processor:
    def hide(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {key: secrets.without_any(value) for key, value in event.items()}

    return hide


def _shorten(_logger: object, _method: str, event: EventDict) -> EventDict:
    """
    Let no line be longer than its reader, or a disk, bears.
    """
    return {
        key: _shortened(of, LONGEST_TRACEBACK if key == "exception" else LONGEST)
        for key, of in event.items()
    }


def _shortened(value: object, longest: int) -> object:
    if isinstance(value, str) and len(value) > longest:
        return f"{value[:longest]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {
            _shortened(key, longest): _shortened(of, longest)
            for key, of in value.items()
        }
    if isinstance(value, list):
        return [_shortened(one, longest) for one in value]
    return value


def _spell_out(_logger: object, _method: str, event: EventDict) -> EventDict:
    """
    Let what anybody may have sent, as a path say, be shown and not obeyed.
    """
    return {
        key: _CONTROL.sub(_to_escape, of) if isinstance(of, str) else of
        for key, of in event.items()
    }


def _to_escape(control: re.Match[str]) -> str:
    return repr(control[0])[1:-1]


def _to_json(event: EventDict, **_: Any) -> str:
    try:
        line = orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # half a surrogate pair, or an integer beyond 64 bits
        return json.dumps(event, default=str, skipkeys=True)
    return line.decode()
