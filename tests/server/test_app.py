"""
The server as a process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from recommender.errors import SettingsFault
from recommender.exits import Exit
from recommender.settings import ServerSettings, load_settings
from server import app
from server.app import serve
from server.process import main
from tests.support.ports import free_port
from tests.support.processes import Answer, Process, ask
from tests.support.products import make_key
from tests.support.shops import Shop, make_kettles, make_shop
from tests.support.waiting import wait_for


PATIENCE_S = 60.0  # to import what is compiled, on a busy machine


class Server(Process):
    """
    `run_server.py` on a free port.
    """

    def __init__(self, folder: Path, log: str, settings: Mapping[str, str]) -> None:
        environment = {
            "EVERSHELF_DATA_DIR": str(folder / "data"),
            "EVERSHELF_PORT": "0",
            "EVERSHELF_LOG_FORMAT": "json",
            "EVERSHELF_LOG_LEVEL": "debug",
            **settings,
        }
        super().__init__("run_server.py", [], environment, folder / log)
        self.port = 0

    def start(self) -> None:
        """
        Start it, and wait until it listens.
        """
        super().start()
        started = self.wait_for_log("server.started", timeout_s=PATIENCE_S)
        self.port = started["port"]

    def ask(self, path: str, method: str = "GET") -> Answer:
        """
        Return what it answers.
        """
        return ask(f"http://127.0.0.1:{self.port}{path}", method)

    def signal(self, number: int) -> None:
        """
        Send it a signal.
        """
        assert self._process is not None
        self._process.send_signal(number)


@pytest.fixture(name="make_server")
def _make_server(tmp_path):
    """
    Makes servers on one store, not started yet; ends those that run afterwards.
    """
    made = []

    def make(**settings: str) -> Server:
        made.append(Server(tmp_path, f"server-{len(made)}.log", settings))
        return made[-1]

    yield make
    for server in made:
        if server.is_running:
            server.kill()


@pytest.fixture(name="shop")
def _shop(tmp_path) -> Iterator[Shop]:
    with contextlib.closing(
        make_shop(tmp_path / "data" / "model", make_kettles())
    ) as s:
        yield s


class SlowListener(HTTPServer):
    """
    A control port that answers when it is let.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SlowHandler)
        self.asked = threading.Event()
        self.let = threading.Event()


class _SlowHandler(BaseHTTPRequestHandler):
    server: SlowListener

    def do_POST(self) -> None:
        self.server.asked.set()
        self.server.let.wait(30)
        content = {"message": "m", "products_count": 5, "generation": 1}
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(name="slow_listener")
def _slow_listener() -> Iterator[SlowListener]:
    with SlowListener() as listener:
        thread = threading.Thread(target=listener.serve_forever, args=[0.01])
        thread.start()
        yield listener
        listener.let.set()
        listener.shutdown()
        thread.join()


def test_life_of_a_server(make_server, shop):
    """
    It starts, answers, follows publications, stops when asked, and tells of all that
    in its log.
    """
    server = make_server()
    server.start()
    first = server.ask("/v1/products/k1/similar")
    shop.put(make_kettles()[0]._replace(key=make_key("k5")))
    shop.publish()
    server.wait_for_log("model.loaded", generation=2)
    second = server.ask("/v1/products/k1/similar?limit=1")

    assert server.stop() == Exit.OK

    assert (first.status, first.ids) == (200, ["k2", "k4"])
    assert second.ids == ["k5"]
    events = [line["event"] for line in server.logs()]
    assert events == [
        "model.loaded",
        "server.started",
        "request",
        "model.loaded",
        "request",
        "server.stopping",
        "server.stopped",
    ]
    assert {line["process"] for line in server.logs()} == {"server"}
    assert server.logs("server.started")[0]["host"] == "127.0.0.1"
    assert server.logs("server.stopped")[0]["finished"] is True
    assert len(server.text.splitlines()) == len(events)


def test_server_comes_before_the_store(make_server, tmp_path):
    """
    The order in which the processes start does not matter.
    """
    server = make_server()
    server.start()
    before = server.ask("/v1/products/k1/similar")
    with contextlib.closing(make_shop(tmp_path / "data" / "model", make_kettles())):
        wait_for(lambda: server.ask("/health/ready").status == 200)
        after = server.ask("/v1/products/k1/similar")
    server.signal(signal.SIGINT)

    assert server.wait() == Exit.OK
    assert (before.status, after.status) == (503, 200)
    assert server.logs("model.awaited")[0]["folder"] == str(tmp_path / "data" / "model")


def test_request_in_flight_is_finished(make_server, shop, slow_listener):
    """
    Who waits for an answer when the server is stopped still gets it; nobody else
    gets in.
    """
    assert shop.index.products == 5
    server = make_server(EVERSHELF_CONTROL_PORT=str(slow_listener.server_port))
    server.start()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(server.ask, "/train", "POST")
        assert slow_listener.asked.wait(60)
        server.signal(signal.SIGTERM)
        server.wait_for_log("server.stopping")
        wait_for(lambda: server.ask("/").status == 0)
        slow_listener.let.set()
        answer = asking.result()

    assert server.wait() == Exit.OK
    assert (answer.status, answer.json["products_count"]) == (200, 5)
    assert server.logs("server.stopped")[0]["finished"] is True


def test_rolling_restart_loses_nothing(make_server, shop):
    """
    While one server stops and another goes on, a balancer that looks at
    `/health/ready` loses no request.
    """
    assert shop.index.products == 5
    old, new = make_server(EVERSHELF_DRAIN_S="2"), make_server()
    old.start()
    new.start()
    statuses, stopped = [], threading.Event()

    def is_ready() -> bool:
        try:
            return old.ask("/health/ready").status == 200
        except ConnectionError:  # a probe may come just when the door closes
            return False

    def visit() -> None:
        while not stopped.is_set():
            server = old if is_ready() else new
            statuses.append((server is old, server.ask("/v1/products/k1").status))

    with ThreadPoolExecutor(2) as pool:
        visits = [pool.submit(visit) for _ in range(2)]
        wait_for(lambda: len(statuses) > 3)
        old.signal(signal.SIGTERM)
        assert old.wait(PATIENCE_S) == Exit.OK
        stopped.set()
        for one in visits:
            one.result()

    assert set(statuses) == {(True, 200), (False, 200)}
    assert old.logs("server.stopped")[0]["finished"] is True


def test_second_signal_means_now(make_server, shop, slow_listener):
    """
    Who sends a second signal does not want to wait for what is in flight.
    """
    assert shop.index.products == 5
    server = make_server(EVERSHELF_CONTROL_PORT=str(slow_listener.server_port))
    server.start()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(server.ask, "/train", "POST")
        assert slow_listener.asked.wait(60)
        server.signal(signal.SIGTERM)
        server.wait_for_log("server.stopping")
        server.signal(signal.SIGINT)
        code = server.wait(PATIENCE_S)
        with contextlib.suppress(OSError):
            asking.result()

    assert code == Exit.OK
    assert server.logs("server.stopped")[0]["finished"] is False
    assert not server.logs(level="error")


def test_port_in_use(make_server):
    """
    The log says which address cannot be had, and what to do.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = make_server(EVERSHELF_PORT=str(port))
        Process.start(server)
        code = server.wait(PATIENCE_S)

    assert code == Exit.UNAVAILABLE
    (line,) = server.logs("server.failed")
    assert f"EVERSHELF_PORT={port}" in line["error"]
    assert "set another port" in line["error"]


def test_settings_that_are_wrong(monkeypatch, capsys):
    """
    Each fault is a line that begins with the setting; nothing is started.
    """
    monkeypatch.setenv("EVERSHELF_PORT", "x")
    monkeypatch.setenv("EVERSHELF_LOG_LEVEL", "loud")

    assert main([]) is Exit.SETTINGS

    output = capsys.readouterr()
    assert not output.out
    lines = output.err.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "EVERSHELF_LOG_LEVEL=loud",
        "EVERSHELF_PORT=x",
    ]


def test_open_to_others_without_a_key():
    """
    Another address than loopback is refused without keys, before anything is started.
    """
    settings = load_settings(ServerSettings, ["--host", "0.0.0.0"])  # noqa: S104

    with pytest.raises(SettingsFault, match=r"EVERSHELF_HOST=0\.0\.0\.0.*ADMIN_KEYS"):
        serve(settings)


def test_head_that_never_ends(monkeypatch, tmp_path, shop):
    """
    The server hangs up on who has not sent all of a head by the time that a connection
    may be idle.
    """
    assert shop.index.products == 5
    monkeypatch.setattr(app, "KEEP_ALIVE_S", 0.5)
    settings = ServerSettings(data_dir=tmp_path / "data", port=free_port())

    def send() -> bytes:
        wait_for(lambda: ask(f"http://127.0.0.1:{settings.port}/").status)
        try:
            address = ("127.0.0.1", settings.port)
            with socket.create_connection(address, timeout=30) as caller:
                caller.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
                return caller.recv(1)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with ThreadPoolExecutor() as pool:
        received = pool.submit(send)
        assert serve(settings) is Exit.OK
    assert received.result() == b""


def test_what_the_log_says_and_what_not(make_server, shop):
    """
    A variable that means nothing is told, with the one that was meant; bytes that are
    no request are none of our defects; and no key is ever shown.
    """
    assert shop.index.products == 5
    server = make_server(EVERSHELF_PROT="1", EVERSHELF_ADMIN_KEYS="hidden-key")
    server.start()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nno header\r\n\r\n")
        refused = connection.recv(100)
    for sent in (
        b"GET / HTTP/1.1\r\nHost: a\r\nX-API-Key: hidden-key\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-API-Key hidden-key\r\n\r\n",
        b"GET /v1/events?key=hidden-key HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET /v1/events?key=hidden-key&x=1 HTTP/1.1\r\nHost: a\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(sent)
            assert connection.recv(100).split()[1] == b"400"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            b"GET /v1/products/k3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            b"Authorization: Bearer hidden-key\r\n\r\n"
        )
        allowed = connection.recv(100)
    server.stop()

    assert refused.startswith(b"HTTP/1.0 400")
    assert allowed.startswith(b"HTTP/1.1 200")
    (line,) = server.logs("settings.unknown")
    assert (line["name"], line["nearest"]) == ("EVERSHELF_PROT", "EVERSHELF_PORT")
    assert server.logs("http.malformed")[0]["level"] == "debug"
    assert not server.logs(level="error")
    assert "hidden-key" not in server.text
