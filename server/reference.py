"""
The contract for programs and for people: `/openapi.json` and `/docs`.

The page is made here, whole: it needs no script and nothing from another host.
"""

from __future__ import annotations

import functools
import html

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from aiohttp import web

from server.openapi import to_document


CACHED: Final = "public, max-age=300"  # it changes with the program only
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"
STYLE: Final = """
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
h2{margin-top:3rem;font-size:1.15rem;overflow-wrap:anywhere}
h2 b{font-family:monospace;padding:.1rem .5rem;border:1px solid;border-radius:.3rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-top:1px solid #8886}
code{font-family:ui-monospace,monospace}
nav ul{list-style:none;padding:0}
"""


def routes() -> Iterable[web.RouteDef]:
    """
    Return the doors.
    """
    return (web.get("/openapi.json", describe), web.get("/docs", explain))


async def describe(_request: web.Request) -> web.Response:
    """
    Answer with the OpenAPI document.
    """
    headers = {"Content-Type": "application/json", "Cache-Control": CACHED}
    return web.Response(body=_to_json(), headers=headers)


async def explain(_request: web.Request) -> web.Response:
    """
    Answer with a page to read.
    """
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": CACHED,
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=_to_page(), headers=headers)


@functools.cache
def _to_json() -> bytes:
    return orjson.dumps(to_document())


@functools.cache
def _to_page() -> bytes:
    document = to_document()
    info, schemas = document["info"], document["components"]["schemas"]
    operations = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{_text(info['title'])} API</title><style>{STYLE}</style>",
        f"<main><h1>{_text(info['title'])} API</h1><p>{_text(info['description'])} ",
        'For programs: <a href="/openapi.json">/openapi.json</a>.</p>',
        "<nav><ul>",
        *(_to_link(*operation) for operation in operations),
        "</ul></nav>",
        *(part for operation in operations for part in _to_section(*operation)),
        "<h1>Shapes</h1>",
        *(part for name in sorted(schemas) for part in _to_shape(name, schemas[name])),
        "</main></html>",
    ]
    return "".join(parts).encode()


def _to_link(method: str, path: str, operation: Mapping[str, Any]) -> str:
    return (
        f'<li><a href="#{operation["operationId"]}"><code>{method} {_text(path)}</code>'
        f"</a> {_text(operation['summary'])}"
    )


def _to_section(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h2 id="{operation["operationId"]}"><b>{method}</b> {_text(path)}</h2>'
    yield f"<p>{_text(operation['summary'])}</p>"
    if operation["parameters"]:
        yield "<table><tr><th>parameter<th>type<th>value"
        for one in operation["parameters"]:
            yield _to_row(
                one["name"], one["schema"], one["description"], one["required"]
            )
        yield "</table>"
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        yield f"<p>Body: {_to_type(schema)}</p>"
    yield "<table><tr><th>status<th>content<th>what"
    for status, answer in operation["responses"].items():
        for kind, content in answer["content"].items():
            yield (
                f"<tr><td>{status}<td>{_to_type(content['schema'])} as "
                f"<code>{_text(kind)}</code><td>{_text(answer['description'])}"
            )
    yield "</table>"


def _to_shape(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    options = schema.get("anyOf", [schema])
    yield f'<h2 id="shape-{_text(name)}">{_text(name)}</h2>'
    for option in options:
        if "properties" not in option:
            yield f"<p>{_to_type(option)}, or:</p>"
            continue
        yield f"<p>{_text(option.get('description', ''))}</p>"
        yield "<table><tr><th>field<th>type<th>what"
        required = option.get("required", ())
        for field, value in option["properties"].items():
            about = value.get("description", "")
            yield _to_row(field, value, about, field in required)
        yield "</table>"


def _to_row(name: str, schema: Mapping[str, Any], about: str, is_needed: bool) -> str:
    notes = [about] if about else []
    if is_needed:
        notes.append("always there" if not about else "required")
    if schema.get("default") not in (None, []):
        notes.append(f"default {orjson.dumps(schema['default']).decode()}")
    return (
        f"<tr><td><code>{_text(name)}</code><td>{_to_type(schema)}"
        f"<td>{_text('; '.join(notes))}"
    )


def _to_type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = _text(schema["$ref"].rpartition("/")[2])
        return f'<a href="#shape-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_to_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_to_type(schema['items'])}"
    return _text(schema.get("format") or schema.get("type", "anything"))


def _text(value: object) -> str:
    return html.escape(str(value))
