"""
What a body asks, typed.
"""

from __future__ import annotations

import asyncio

from collections.abc import Sequence
from typing import Any, Final, TypeVar, get_args

from aiohttp import web
from pydantic import BaseModel, ValidationError

from server.faults import Fault, to_problem, unknown_name
from server.parsing import Parameters, to_message
from server.problems import Problem


PATIENCE_S: Final = 10.0  # for the body to arrive
JSON: Final = "application/json"

T = TypeVar("T", bound=Parameters)


async def receive(request: web.Request) -> bytes:
    """
    Return the body of *request*.

    Raises:
        Problem: 408 when it does not arrive in time.
        web.HTTPRequestEntityTooLarge: It is too large.
    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await request.read()
    except TimeoutError as error:
        detail = f"The body has not arrived within {PATIENCE_S:g} s."
        raise Problem(408, "too_slow", detail) from error


async def read_body(kind: type[T], request: web.Request) -> T:
    """
    Return what the body of *request* asks.

    Raises:
        Problem: 400 when it is wrong, with all faults; 408 when it does not arrive in
            time; 415 when it is not said to be JSON.
        web.HTTPRequestEntityTooLarge: It is too large.
    """
    if request.content_type != JSON:
        detail = f"Send the body as {JSON}, and say so in Content-Type."
        raise Problem(415, "unsupported_media_type", detail)
    body = await receive(request)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _to_problem(kind, error) from error


def _to_problem(kind: type[Parameters], error: ValidationError) -> Problem:
    faults = error.errors(include_url=False)
    if faults[0]["type"] == "json_invalid":
        detail = f"The body is no JSON: {faults[0]['msg'].partition(': ')[2]}."
        return Problem(400, "bad_json", detail)
    return to_problem([_to_fault(kind, fault) for fault in _own(faults)])


def _own(faults: Sequence[Any]) -> list[Any]:
    """
    Return *faults* but for arrays that are too short because of what is wrong in them.
    """
    places = [fault["loc"] for fault in faults]
    return [
        fault
        for fault in faults
        if fault["type"] != "too_short"
        or not any(
            place[: len(fault["loc"])] == fault["loc"] != place for place in places
        )
    ]


def _to_fault(kind: type[Parameters], fault: Any) -> Fault:
    *within, name = fault["loc"] or ("body",)
    holder = _holder(kind, within)
    path = "".join(f"{place}." for place in within)
    shown = "" if fault["type"] == "missing" else str(fault["input"])
    if fault["type"] == "extra_forbidden":
        return unknown_name(str(name), holder.model_fields, path, shown)
    field = holder.model_fields.get(str(name))
    if field is None and within:  # an element of an array
        field = _holder(kind, within[:-1]).model_fields.get(str(within[-1]))
    what = field.description if field else holder.__doc__
    remedy = f"Give {what}." if field else " ".join((what or "").split())
    return Fault(f"{path}{name}", shown, to_message(fault["msg"]), remedy)


def _holder(kind: type[BaseModel], within: list[Any]) -> type[BaseModel]:
    """
    Return the model that holds what lies at a path.
    """
    for name in within:
        field = kind.model_fields.get(str(name))
        found = _models(field.annotation) if field else []
        kind = found[0] if found else kind
    return kind


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
