"""
One line per request; and what the HTTP library has to say, in our log.
"""

from __future__ import annotations

import logging
import time

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import structlog

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from server.problems import REQUEST_ID


ROUTINE: Final = ("/health/", "/metrics")  # asked by machines, without end
FAILURES_PER_S: Final = 10  # beside the others
FAILED: Final = HTTPStatus.INTERNAL_SERVER_ERROR.value
UNAVAILABLE: Final = HTTPStatus.SERVICE_UNAVAILABLE.value

_log = structlog.get_logger()


class _Budget:
    """
    So many in a second.
    """

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._second = -1
        self._taken = 0

    def take(self, second: int) -> bool:
        """
        Return whether there is room for one more.
        """
        if second != self._second:
            self._second, self._taken = second, 0
        self._taken += 1
        return self._taken <= self._per_s


class RequestLog:
    """
    Logs `request` once for each, at most so many a second of those that went well, and
    `FAILURES_PER_S` of those that did not.
    """

    def __init__(
        self, per_s: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Log at most *per_s* a second of those that went well above debug level.
        """
        self._well, self._failed = _Budget(per_s), _Budget(FAILURES_PER_S)
        self._monotonic = monotonic
        self._skipped = 0

    def note(self, request: web.Request, status: int, took_s: float) -> None:
        """
        Log what *request* was answered with.
        """
        level = self._to_level(request.path, status)
        skipped = 0
        if level >= logging.INFO:
            skipped, self._skipped = self._skipped, 0
        if not _log.is_enabled_for(level):  # as most are not
            return
        _log.log(
            level,
            "request",
            method=request.method,
            path=request.path,
            status=status,
            ms=round(took_s * 1000, 3),
            request_id=request.get(REQUEST_ID),
            skipped=skipped,
        )

    def _to_level(self, path: str, status: int) -> int:
        """
        Return the level of a request's line; count it when that is too low to be seen.

        503 is no failure: it tells of a state, which has a line of its own and lasts
        longer than one request. The defect behind a 500 is logged as `request.failed`.
        """
        second = int(self._monotonic())
        if _is_failure(status):
            level, budget = logging.ERROR, self._failed
        elif path.startswith(ROUTINE):
            return logging.DEBUG
        else:
            level, budget = logging.INFO, self._well
        if budget.take(second):
            return level
        self._skipped += 1
        return logging.DEBUG


def _is_failure(status: int) -> bool:
    return status >= FAILED and status != UNAVAILABLE


class _Translator(logging.Handler):
    """
    Turns the library's records into our lines.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """
        Log bytes that are no request at debug level: anybody can send them.
        """
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            # not what it says: that quotes the request, which may hold a key
            _log.debug("http.malformed", reason=type(error).__name__)
        else:
            _log.error("http.failed", reason=record.getMessage(), exc_info=error)


def _to_logger() -> logging.Logger:
    logger = logging.getLogger("server.http")
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    logger.addHandler(_Translator())
    return logger


HTTP_LOGGER: Final = _to_logger()
