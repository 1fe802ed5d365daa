"""
What to try first, told once.
"""

from __future__ import annotations

import threading

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest

from listener.demo.greeting import STALE_S, Greeter, Site


class Server(ThreadingHTTPServer):
    """
    Answers as the server would, in one of its moods.
    """

    is_ready = False
    is_stale = True
    hits = 1


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path == "/v1/model":
            self._answer({"stale": self.server.is_stale})
        elif self.path.startswith("/v1/products/"):
            self._answer({"items": [{}] * self.server.hits})
        else:
            self._answer({})

    def _answer(self, body: object) -> None:
        self.send_response(200 if self.server.is_ready else 503)
        self.end_headers()
        self.wfile.write(orjson.dumps(body))

    def log_message(self, *_arguments: object) -> None:
        """
        Say nothing.
        """


@pytest.fixture(name="server")
def _server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(name="greeter")
def _greeter(server, mongo_uri, database, collection) -> Greeter:
    collection.insert_one({"_id": "a", "name": "kettle"})
    site = Site("127.0.0.1", server.server_port)
    return Greeter(site, mongo_uri.replace("/?", f"/{database.name}?"), "x", "products")


def test_nothing_is_said_before_the_server_is_ready(server, greeter, capsys):
    """
    While there is no model there is nothing to try.
    """
    greeter.greet_when_ready(0.0)
    greeter.greet_when_ready(1000.0)

    assert capsys.readouterr().out == ""


def test_it_is_said_once(server, greeter, capsys):
    """
    A fresh server is greeted with a request that it answers, and not again.
    """
    server.is_ready, server.is_stale = True, False
    greeter.greet_when_ready(0.0)
    greeter.greet_when_ready(1.0)
    said = capsys.readouterr().out

    assert said.count("Evershelf is ready") == 1
    assert "“kettle”" in said
    assert f":{server.server_port}/v1/products/a/similar?limit=3'" in said
    assert said.rstrip().endswith(f"http://127.0.0.1:{server.server_port}/ui/")


def test_a_stale_model_is_waited_for_but_not_for_ever(server, greeter, capsys):
    """
    Answers from before the restart are announced only when nothing newer comes.
    """
    server.is_ready = True
    greeter.greet_when_ready(0.0)
    greeter.greet_when_ready(STALE_S - 1)
    assert capsys.readouterr().out == ""

    greeter.greet_when_ready(STALE_S)
    assert "Evershelf is ready" in capsys.readouterr().out


def test_a_request_without_hits_is_not_suggested(server, greeter, capsys):
    """
    Where no product has a neighbour the address is all there is to say.
    """
    server.is_ready, server.is_stale, server.hits = True, False, 0
    greeter.greet_when_ready(0.0)

    assert "curl" not in capsys.readouterr().out


def test_a_database_that_is_away_does_not_matter(server, capsys):
    """
    Without products to read the address is told all the same.
    """
    server.is_ready, server.is_stale = True, False
    site = Site("127.0.0.1", server.server_port)
    Greeter(site, "mongodb://127.0.0.1:1/shop", "x", "products").greet_when_ready(0.0)

    assert "Evershelf is ready" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:5002"),
        ("0.0.0.0", "http://127.0.0.1:5002"),  # noqa: S104
        ("::", "http://[::1]:5002"),
        ("shop.example", "http://shop.example:5002"),
    ],
)
def test_the_address_is_one_to_click(host, address):
    """
    A wildcard is told as an address of this machine.
    """
    assert Site(host, 5002).address == address
