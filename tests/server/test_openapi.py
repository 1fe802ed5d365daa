"""
The contract, held against the specification and against the real server.
"""

import contextlib
import json

from urllib.parse import urlsplit

import pytest
import schemathesis

from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from server.app import LONGEST_LINE
from server.contract import OPERATIONS
from server.openapi import to_document
from tests.support.processes import Process
from tests.support.products import make_catalogue
from tests.support.shops import make_kettles, make_shop


EXAMPLES = 10
# A stream has no end, and `train` needs a listener to do what it says.
ASKED = [o for o in OPERATIONS if o.path not in {"/v1/events", "/train"}]
CASES = [
    (operation, mode)
    for operation in ASKED
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.takes.model_fields or operation.body
]
# JSON Schema cannot say what parameters mean together, nor what a moment is.
UNTOLD = ["positive_data_acceptance"]
# Also a body that is wrong, and so large that nobody reads it.
REFUSED = [400, 401, 403, 404, 405, 406, 413, 415]
PATIENCE_S = 60  # an answer may be one that waits for a write, on a busy machine


def to_id(value):
    """
    Return the name of a case.
    """
    if isinstance(value, GenerationMode):
        return value.value
    return f"{value.method} {value.path}"


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory):
    """
    A real server process on a store with some products, and its address.
    """
    folder = tmp_path_factory.mktemp("server")
    environment = {
        "EVERSHELF_DATA_DIR": str(folder / "data"),
        "EVERSHELF_PORT": "0",
        "EVERSHELF_ADMIN_KEYS": "secret",
        "EVERSHELF_LOG_FORMAT": "json",
    }
    products = [*make_kettles(), *make_catalogue(40)]
    with contextlib.closing(make_shop(folder / "data" / "model", products)):
        process = Process("run_server.py", [], environment, folder / "server.log")
        process.start()
        try:
            port = process.wait_for_log("server.started", timeout_s=60)["port"]
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()


def test_document_is_openapi():
    """
    The document is valid OpenAPI 3.1, as JSON.
    """
    document = json.loads(json.dumps(to_document()))

    validate(document)

    assert document["openapi"] == "3.1.0"


async def test_every_door_is_described(serve, shop):
    """
    Each route of the application is in the contract, and each of the contract is a
    route; pages and the contract itself describe no data.
    """
    assert shop.index.visible == 4
    client = await serve()
    routes = {
        (route.method, route.resource.canonical)
        for route in client.app.router.routes()
        if route.method != "HEAD"
    }

    described = {(operation.method, operation.path) for operation in OPERATIONS}
    others = {path for _, path in routes - described}
    files = {"/v1/store/manifest", "/v1/store/segments/{name}"}
    pages = {"/openapi.json", "/docs", "/client.js", "/client.d.ts", "/metrics", "/ui"}
    assert described <= routes
    assert {path for path in others if not path.startswith("/ui/")} == pages | files


async def test_names_are_unique():
    """
    Generated clients have one function for each.
    """
    names = [operation.name for operation in OPERATIONS]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("operation", "mode"), CASES, ids=to_id)
def test_server_keeps_the_contract(server, operation, mode):
    """
    Whatever is asked, rightly or wrongly, the status, type, headers and body of the
    answer are those described; what is wrong is refused, and nothing fails.
    """
    address, process = server
    refusal = {"negative_data_rejection": {"expected-statuses": REFUSED}}
    config = SchemathesisConfig.from_dict({"checks": refusal})
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)
    described = schema[operation.path][operation.method]
    excluded = CHECKS.get_by_names(UNTOLD)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(described.as_strategy(generation_mode=mode))
    def check(case):
        answer = case.call(base_url=address, timeout=PATIENCE_S)
        if len(answer.request.path_url) > LONGEST_LINE:  # which reaches no door
            assert answer.status_code == 400
            return
        case.validate_response(answer, excluded_checks=excluded)

    check()
    assert not process.logs("request.failed")


async def test_page_needs_nobody_else(serve, shop):
    """
    The page shows every address, parameter and shape, without script or other host.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.get("/docs")

    page = await answer.text()
    assert answer.content_type == "text/html"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<script" not in page
    assert "://" not in page
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in page
        for name in operation.takes.model_fields:
            assert f"<code>{name}</code>" in page
    for name in to_document()["components"]["schemas"]:
        assert f'id="shape-{name}"' in page


async def test_document_is_served(serve, shop):
    """
    Programs get the same document.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.get("/openapi.json")

    assert await answer.json() == json.loads(json.dumps(to_document()))
    assert urlsplit(str(answer.url)).path == "/openapi.json"
