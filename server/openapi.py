"""
The contract as an OpenAPI 3.1 document.
"""

from __future__ import annotations

import functools

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from recommender.position import ClusterTime
from server.contract import ADMIN_KEY, NO_KEY, OPERATIONS, Operation
from server.params import LONGEST_NAME
from server.parsing import Parameters
from server.problems import PROBLEM_JSON
from server.shapes import ProblemShape


REF: Final = "#/components/schemas/{model}"
ABOUT: Final = (
    "Recommendations that follow a shop's MongoDB catalogue. Every answer says how "
    "fresh it is."
)
HEADERS: Final[Mapping[str, tuple[str, str]]] = {
    "Evershelf-Generation": ("integer", "number of the model it is made from"),
    "Evershelf-As-Of": ("string", "every write acknowledged by then is in it"),
    "Evershelf-Cluster-Time": ("string", "the same, as seconds:increment"),
    "Evershelf-Lag-Ms": ("integer", "how far that is behind the database"),
    "Evershelf-Stale": ("string", "true when newer writes may be missing for long"),
    "Evershelf-Stale-Reason": ("string", "why"),
    "Evershelf-Reached": ("string", "whether what was waited for is in it"),
    "X-Request-ID": ("string", "the caller's, or a new one"),
}


@functools.cache
def to_document() -> Mapping[str, Any]:
    """
    Return the description of every operation.
    """
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        entry = paths.setdefault(operation.path, {})
        entry[operation.method.lower()] = _to_operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Evershelf", "version": "1", "description": ABOUT},
        "paths": paths,
        "components": {
            "schemas": _to_schemas(OPERATIONS),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _to_operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_in_path(operation), *_in_query(operation.takes)],
        "responses": {
            "200": _to_success(operation.answer),
            **{str(status): _to_problem(status) for status in operation.problems},
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(operation.body)}},
        }
    if operation.key != NO_KEY:
        free: list[dict[str, list[str]]] = [] if operation.key == ADMIN_KEY else [{}]
        described["security"] = [{"bearer": []}, {"header": []}, *free]
    return described


def _in_path(operation: Operation) -> Iterator[dict[str, Any]]:
    if "{id}" in operation.path:
        yield {
            "name": "id",
            "in": "path",
            "required": True,
            "description": "the id of a product, as answers show it",
            "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
        }


def _in_query(kind: type[Parameters]) -> Iterator[dict[str, Any]]:
    schema = kind.model_json_schema()
    required = schema.get("required", ())
    for name, value in schema.get("properties", {}).items():
        yield {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": value.pop("description"),
            "schema": _without_null(value),
        }


def _without_null(value: dict[str, Any]) -> dict[str, Any]:
    """
    Return a parameter's schema; a query string has no null.
    """
    some = [one for one in value.get("anyOf", ()) if one.get("type") != "null"]
    plain = dict(some[0]) if some else dict(value)
    plain.pop("title", None)
    return plain


def _to_success(answer: type[BaseModel] | None) -> dict[str, Any]:
    if answer is None:
        content = {"text/event-stream": {"schema": {"type": "string"}}}
        return {"description": "A stream.", "content": content}
    headers = {
        name: {"description": what, "schema": {"type": kind}}
        for name, (kind, what) in HEADERS.items()
    }
    return {
        "description": " ".join((answer.__doc__ or "").split()),
        "headers": headers,
        "content": {"application/json": {"schema": _ref(answer)}},
    }


def _to_problem(status: int) -> dict[str, Any]:
    return {
        "description": f"{HTTPStatus(status).phrase}.",
        "content": {PROBLEM_JSON: {"schema": _ref(ProblemShape)}},
    }


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REF.format(model=model.__name__)}


def _to_schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    bodies = [o.body for o in operations if o.body is not None]
    answers = [o.answer for o in operations if o.answer is not None]
    wanted: list[tuple[type[BaseModel], Any]] = [
        *((body, "validation") for body in dict.fromkeys(bodies)),
        *((answer, "validation") for answer in dict.fromkeys(answers)),
        (ProblemShape, "validation"),
    ]
    _, definitions = models_json_schema(wanted, ref_template=REF)
    found: dict[str, Any] = _without_defaults(definitions["$defs"])
    del found[ClusterTime.__name__]  # is written as text
    return found


def _without_defaults(schema: Any) -> Any:
    """
    Return a schema without defaults of null, which stand for what is absent.
    """
    if isinstance(schema, dict):
        return {
            name: _without_defaults(value)
            for name, value in schema.items()
            if (name, value) != ("default", None)
        }
    if isinstance(schema, list):
        return [_without_defaults(one) for one in schema]
    return schema
