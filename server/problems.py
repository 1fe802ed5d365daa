"""
What went wrong, as problem JSON (RFC 9457), whoever noticed it.
"""

from __future__ import annotations

import random
import re

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog

from aiohttp import web
from aiohttp.typedefs import Handler


PROBLEM_JSON: Final = "application/problem+json"
REQUEST_ID: Final = web.RequestKey("request_id", str)
TYPE_PREFIX: Final = "urn:evershelf:problem:"

# Printable ASCII, short enough for any log; something else is replaced.
_SANE_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")

_log = structlog.get_logger()


class Problem(Exception):  # noqa: N818 the field's word
    """
    An answer that is not what was asked for.

    Attributes:
        status: Of the answer.
        code: One word for programs, such as "unknown_product".
        detail: For people: what happened, and what to do.
        faults: What is wrong with the request, each a JSON object.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        faults: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class _Kind:
    code: str
    detail: str


_KINDS: Final = {
    404: _Kind("not_found", "There is nothing at this address."),
    405: _Kind("method_not_allowed", "This address does not take this method."),
    413: _Kind("too_large", "The request's body is larger than is taken here."),
    415: _Kind("unsupported_media_type", "The body is of a type not taken here."),
    500: _Kind("internal_error", "This is a defect of the server; it has been logged."),
}


def to_response(problem: Problem, request_id: str) -> web.Response:
    """
    Return *problem* as an answer.
    """
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.code,
        "title": problem.code.replace("_", " ").capitalize(),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id,
    }
    if problem.faults:
        body["errors"] = problem.faults
    return web.Response(
        status=problem.status,
        body=orjson.dumps(body),
        content_type=PROBLEM_JSON,
        headers={"Cache-Control": "no-store"} | problem.headers,
    )


def to_problem(error: web.HTTPException) -> Problem:
    """
    Return what the framework says of a request in our own words.
    """
    kind = _KINDS.get(error.status) or _to_kind(error)
    kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    return Problem(error.status, kind.code, kind.detail, headers=kept)


@web.middleware
async def problem_middleware(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """
    Give the request its id, and turn whatever is raised into an answer; the answer always
    carries the id.
    """
    request_id = request[REQUEST_ID] = to_request_id(request)
    try:
        response = await handler(request)
    except Exception as error:  # noqa: BLE001 the caller gets an answer, the log the rest
        response = to_answer(request, request_id, error)
    response.headers["X-Request-ID"] = request_id
    return response


def to_answer(
    request: web.Request, request_id: str, error: Exception
) -> web.StreamResponse:
    """
    Return what was raised on the way of *request* as an answer. An exception that nobody
    expected is logged, once, as `request.failed`.
    """
    if isinstance(error, Problem):
        return to_response(error, request_id)
    if not isinstance(error, web.HTTPException):
        return _to_failure(request, request_id, error)
    if error.status < HTTPStatus.BAD_REQUEST:
        return web.Response(status=error.status, headers=error.headers)
    return to_response(to_problem(error), request_id)


def to_request_id(request: web.Request) -> str:
    """
    Return the caller's `X-Request-ID` if it is printable ASCII of at most 128 characters,
    else a new one.
    """
    given = request.headers.get("X-Request-ID", "")
    if given and _SANE_ID.fullmatch(given):
        return given
    # Nobody has to be unable to guess it; to ask the system costs ten times as much.
    # Workers draw differently: this generator is seeded anew when a process forks.
    return f"{random.getrandbits(128):032x}"


def _to_failure(
    request: web.Request, request_id: str, error: Exception
) -> web.Response:
    _log.error(
        "request.failed",
        method=request.method,
        path=request.path,
        request_id=request_id,
        exc_info=error,
    )
    kind = _KINDS[500]
    return to_response(Problem(500, kind.code, kind.detail), request_id)


def _to_kind(error: web.HTTPException) -> _Kind:
    phrase = HTTPStatus(error.status).phrase
    return _Kind(re.sub(r"\W+", "_", phrase.lower()), f"{phrase}.")
