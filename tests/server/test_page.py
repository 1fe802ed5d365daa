import gzip
import re

from fnmatch import fnmatch
from pathlib import Path
from tomllib import loads

import pytest

from server.app import House
from server.origins import Origins


ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server"
UI = SERVER / "ui"
LARGEST_CLIENT = 8_000  # bytes, compressed
LARGEST_PAGE = 150_000


def to_files():
    return sorted(path for path in UI.iterdir() if path.is_file())


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/ui/", "text/html; charset=utf-8"),
        ("/ui/style.css", "text/css; charset=utf-8"),
        ("/ui/app.js", "text/javascript; charset=utf-8"),
        ("/ui/icon.svg", "image/svg+xml"),
        ("/client.js", "text/javascript; charset=utf-8"),
        ("/client.d.ts", "text/plain; charset=utf-8"),
    ],
)
async def test_files_have_their_types(serve, path, content_type):
    """
    Each kind of file says what it is, and browsers may not guess otherwise; caches ask
    each time.
    """
    answer = await (await serve()).get(path)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert await answer.read()


async def test_a_cache_that_has_the_file_gets_none(serve):
    """
    Whoever has the file gets 304 without a body, however it was compressed.
    """
    client = await serve()
    tag = (await client.get("/ui/app.js")).headers["ETag"]

    for coding in ("br", "gzip", "identity"):
        asked = {"Accept-Encoding": coding, "If-None-Match": tag}
        again = await client.get("/ui/app.js", headers=asked)
        assert (again.status, await again.read()) == (304, b"")
        assert again.headers["ETag"] == tag
    other = await client.get("/ui/app.js", headers={"If-None-Match": '"x"'})
    assert other.status == 200


async def test_files_are_compressed_where_that_is_understood(serve):
    """
    The same bytes come either way, and caches are told what they depend on.
    """
    client = await serve()
    path = "/ui/style.css"
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    packed = await client.get(path, headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert await packed.read() == await plain.read() == (UI / "style.css").read_bytes()


async def test_the_page_takes_nothing_from_elsewhere(serve):
    """
    The policy allows this server only, no inline script, no frame around the page.
    """
    answer = await (await serve()).get("/ui/")
    policy = dict(
        rule.split(" ", 1)
        for rule in answer.headers["Content-Security-Policy"].split("; ")
    )

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"]
    assert policy["script-src"] == "'self'"
    assert policy["img-src"] == "'self' data:"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("origins", [[], ["https://shop.example"], ["*"]], ids=str)
async def test_any_page_may_load_the_client(serve, origins):
    """
    A module of another origin needs to be allowed, once; the client is no secret.
    """
    house = House(origins=Origins.of(origins))
    asked = {"Origin": "https://shop.example"}
    answer = await (await serve(house=house)).get("/client.js", headers=asked)

    assert answer.headers.getall("Access-Control-Allow-Origin") == ["*"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("path", ["/ui/missing.js", "/ui/..%2fapp.py", "/ui/a/b"])
async def test_what_is_not_there(serve, path):
    """
    Other addresses lead nowhere, and certainly not to other files.
    """
    answer = await (await serve()).get(path)

    assert answer.status == 404
    assert answer.content_type == "application/problem+json"


async def test_the_slash_is_added(serve):
    """
    Relative addresses of the page need it.
    """
    answer = await (await serve()).get("/ui", allow_redirects=False)

    assert (answer.status, answer.headers["Location"]) == (308, "/ui/")


def test_the_client_is_small():
    """
    Under 8 kB compressed, types not counted.
    """
    packed = gzip.compress((SERVER / "client" / "client.js").read_bytes(), mtime=0)
    assert len(packed) < LARGEST_CLIENT


def test_the_page_is_small():
    """
    All its files together are far below what it may transfer.
    """
    packed = sum(len(gzip.compress(path.read_bytes())) for path in to_files())
    assert packed < LARGEST_PAGE / 2


@pytest.mark.parametrize("path", to_files(), ids=lambda path: path.name)
def test_files_name_only_what_is_served_here(path):
    """
    What a file imports or links to is a file beside it, or the client.
    """
    text = path.read_text()
    named = re.findall(r'(?:from |import\(|src=|href=)"([^"#$]+)"', text)
    local = {name.removeprefix("./") for name in named if not name.startswith("/")}

    assert local <= {one.name for one in to_files()}
    assert {name for name in named if name.startswith("/")} <= {"/client.js", "/docs"}
    assert not re.search(r"https?://(?!www\.w3\.org/)", text)


@pytest.mark.parametrize("folder", ["ui", "client"])
def test_a_wheel_holds_every_file(folder):
    """
    What is served is part of the package.
    """
    tools = loads((ROOT / "pyproject.toml").read_text())["tool"]
    patterns = tools["setuptools"]["package-data"]["server"]

    for path in (SERVER / folder).iterdir():
        assert any(fnmatch(f"{folder}/{path.name}", pattern) for pattern in patterns)
