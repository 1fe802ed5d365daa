"""
One line per request; and what the HTTP library has to say, in our log.
"""

from __future__ import annotations

import logging
import time

from http import HTTPStatus
from typing import Final

import structlog

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from server.problems import REQUEST_ID


_log = structlog.get_logger()


@web.middleware
async def request_log_middleware(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """
    Log `request`, at debug level unless the answer tells of a failure.

    503 is none: it tells of a state, which has a line of its own and lasts longer
    than one request. The defect behind a 500 is logged as `request.failed`.
    """
    started_s = time.perf_counter()
    response = await handler(request)
    _log.log(
        logging.ERROR if _is_failure(response.status) else logging.DEBUG,
        "request",
        method=request.method,
        path=request.path,
        status=response.status,
        ms=round((time.perf_counter() - started_s) * 1000, 3),
        request_id=request.get(REQUEST_ID),
    )
    return response


def _is_failure(status: int) -> bool:
    return (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR
        and status != HTTPStatus.SERVICE_UNAVAILABLE
    )


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
