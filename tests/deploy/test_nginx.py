"""
nginx before two servers, as it is shipped.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
import urllib.request

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.support.nginx import NGINX, nginx
from tests.support.ports import free_port
from tests.support.processes import Answer, Process, ask
from tests.support.shops import Shop, make_kettles, make_shop
from tests.support.waiting import wait_for


PATIENCE_S: Final = 60.0
VISITORS: Final = 4
SIMILAR: Final = "/v1/products/k1/similar?limit=3"
WIDGETS: Final = json.dumps({"requests": [{"items": ["k1"], "limit": 3}]})
UNLIMITED: Final = 1_000_000

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


class Server(Process):
    """
    A server of the shop, on a port that it keeps through restarts.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        environment = {
            "EVERSHELF_DATA_DIR": str(folder / "data"),
            "EVERSHELF_PORT": str(port),
            "EVERSHELF_LOG_FORMAT": "json",
            "EVERSHELF_TRUSTED_PROXIES": "127.0.0.1",
            **settings,
        }
        log = folder / f"server-{port}.log"
        super().__init__("run_server.py", [], environment, log)

    def start(self) -> None:
        """
        Start it, and wait until it has the model.
        """
        super().start()
        ready = f"http://{self.address}/health/ready"
        wait_for(lambda: ask(ready).status == 200, timeout_s=PATIENCE_S)


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Iterator[Shop]:
    """
    A shop of kettles whose listener says that it follows.
    """
    with contextlib.closing(
        make_shop(tmp_path / "data" / "model", make_kettles())
    ) as shop:
        shop.say()
        yield shop


@contextlib.contextmanager
def serving(
    folder: Path, *, running: int = 1, **settings: str
) -> Iterator[tuple[Server, Server]]:
    """
    Yield two servers, of which so many run.
    """
    servers = Server(folder, **settings), Server(folder, **settings)
    try:
        for server in servers[:running]:
            server.start()
        yield servers
    finally:
        for server in servers:
            if server.is_running:
                server.kill()


class Visitors:
    """
    People who go on asking, over connections that they keep; and what they got.
    """

    def __init__(self, address: str) -> None:
        self._address = urlsplit(address).netloc
        self._end = threading.Event()
        self.statuses: Counter[int | str] = Counter()
        self._threads = [threading.Thread(target=self._visit) for _ in range(VISITORS)]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _visit(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=PATIENCE_S)
        while not self._end.is_set():
            for method, path, body in (
                ("GET", SIMILAR, None),
                ("POST", "/v1/recommendations", WIDGETS),
            ):
                self.statuses[self._ask(connection, method, path, body)] += 1
        connection.close()

    @staticmethod
    def _ask(
        connection: http.client.HTTPConnection, method: str, path: str, body: str | None
    ) -> int | str:
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return repr(error)
        return response.status

    def wait_for_more(self, count: int) -> None:
        """
        Wait until they have got so many more answers.
        """
        wanted = self.statuses.total() + count
        wait_for(lambda: self.statuses.total() >= wanted, timeout_s=PATIENCE_S)


def end_gracefully(server: Server) -> None:
    assert server.stop() == 0


@pytest.mark.parametrize("end", [end_gracefully, Server.kill], ids=["asked", "killed"])
def test_no_request_fails_while_servers_restart(
    tmp_path: Path, shop: Shop, end: Callable[[Server], object]
) -> None:
    """
    Under load each server in turn ends, as one that is asked to or at once, and is
    started again: every visitor gets every answer.
    """
    with (
        serving(tmp_path, running=2) as servers,
        nginx(
            tmp_path / "nginx", [one.address for one in servers], rate_per_s=UNLIMITED
        ) as address,
        Visitors(address) as visitors,
    ):
        for server in servers:
            visitors.wait_for_more(100)
            end(server)
            visitors.wait_for_more(100)
            server.start()
        visitors.wait_for_more(100)

    assert shop.store
    assert set(visitors.statuses) == {200}
    assert visitors.statuses.total() >= 500


def get(address: str, path: str, **headers: str) -> Answer:
    """
    Return what a visitor gets who sends these headers.
    """
    request = urllib.request.Request(
        address + path,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def test_answers_are_cached_by_their_etag(tmp_path: Path, shop: Shop) -> None:
    """
    For a second nginx answers by itself; then it asks whether the answer is still
    right, and a visitor who has it gets nothing but that. Who shows a key gets what the
    server says to him alone. With no server left, the last answer stands in.
    """
    settings = {
        "EVERSHELF_CACHE_S": "1",
        "EVERSHELF_CACHE_STALE_S": "0",
        "EVERSHELF_ADMIN_KEYS": "an-admin-key",
    }
    with (
        serving(tmp_path, **settings) as servers,
        nginx(
            tmp_path / "nginx", [one.address for one in servers], rate_per_s=UNLIMITED
        ) as address,
    ):

        def cached(status: str) -> Callable[[], Answer | None]:
            def ask_again() -> Answer | None:
                shop.say()  # an answer that is out of date is not cached
                answer = get(address, SIMILAR)
                return answer if answer.headers["X-Cache"] == status else None

            return ask_again

        first = wait_for(cached("HIT"))
        again = wait_for(cached("REVALIDATED"))
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.body == first.body

        known = get(address, SIMILAR, If_None_Match=first.headers["ETag"])
        assert (known.status, known.body) == (304, b"")

        alone = get(address, SIMILAR, X_API_Key="an-admin-key")
        assert alone.headers["X-Cache"] == "BYPASS"

        servers[0].kill()
        last = wait_for(cached("STALE"))
        assert (last.status, last.body) == (200, first.body)


def test_who_asks_too_much_waits(tmp_path: Path, shop: Shop) -> None:
    """
    More than the burst at once is refused, as the server refuses; and after a while the
    visitor is served again.
    """
    with (
        serving(tmp_path) as servers,
        nginx(
            tmp_path / "nginx", [one.address for one in servers], rate_per_s=1
        ) as address,
    ):
        answers = [get(address, SIMILAR) for _ in range(110)]
        refused = [answer for answer in answers if answer.status != 200]

        assert shop.store
        assert len(answers) - len(refused) >= 100
        assert {answer.status for answer in refused} == {429}
        assert refused[0].headers["Retry-After"] == "1"
        assert refused[0].headers["Content-Type"] == "application/problem+json"
        assert refused[0].json["code"] == "too_many_requests"
        wait_for(lambda: get(address, SIMILAR).status == 200)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ui/",
        "/metrics",
        "/train",
        "/openapi.json",
        "/desk",
        "/logs",
        "/v1/store/manifest",
        "/health/ready",
    ],
)
def test_nothing_else_is_for_visitors(tmp_path: Path, path: str) -> None:
    """
    What is not the public API is not passed on, whether or not a server would answer.
    """
    with nginx(
        tmp_path / "nginx", [f"127.0.0.1:{free_port()}" for _ in range(2)]
    ) as address:
        assert get(address, path).status == 404


def test_who_asks_is_told_truly(tmp_path: Path, shop: Shop) -> None:
    """
    A visitor cannot pass for another one: the server counts the address that nginx saw,
    not the one that the visitor names.
    """
    with (
        serving(tmp_path, EVERSHELF_RATE_PER_ADDRESS="2") as servers,
        nginx(tmp_path / "nginx", [one.address for one in servers]) as address,
    ):
        path = f"{SIMILAR}&x="
        statuses = [
            get(address, path + str(n), X_Forwarded_For=f"10.0.0.{n}").status
            for n in range(8)
        ]
    assert shop.store
    assert 429 in statuses


def test_events_come_as_they_happen(tmp_path: Path, shop: Shop) -> None:
    """
    The stream of generations is passed on without a delay.
    """
    with (
        serving(tmp_path) as servers,
        nginx(tmp_path / "nginx", [one.address for one in servers]) as address,
        urllib.request.urlopen(f"{address}/v1/events", timeout=20) as stream,
    ):
        started = time.monotonic()
        shop.remove("k2")
        shop.publish()
        line = b""
        while b"k2" not in line:
            line = stream.readline()
        assert time.monotonic() - started < 20
