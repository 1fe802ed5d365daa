"""
Callers who mean harm: slow, huge, nonsensical, or very many. Against real processes.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import resource
import socket
import time
import zlib

from collections.abc import Callable, Iterator

import brotli
import psutil
import pytest

from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from server.app import LARGEST_BODY, LONGEST_LINE
from server.body import PATIENCE_S
from tests.support.metrics import to_samples
from tests.support.ports import free_port
from tests.support.processes import Process, ask
from tests.support.products import make_catalogue
from tests.support.shops import make_kettles, make_shop


MANY = 10_000
SPARE_FILES = 500  # of the test's own
MB = 1 << 20
HANGING_S = 30.0
REQUESTS = "evershelf_server_requests_total"


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Process]]:
    """
    A server, and its port.
    """
    folder = tmp_path_factory.mktemp("server")
    port = free_port()
    environment = {
        "EVERSHELF_DATA_DIR": str(folder / "data"),
        "EVERSHELF_PORT": str(port),
        "EVERSHELF_LOG_FORMAT": "json",
        "EVERSHELF_REQUEST_LINES_PER_S": "0",
    }
    products = [*make_kettles(), *make_catalogue(40)]
    with contextlib.closing(make_shop(folder / "data" / "model", products)):
        process = Process("run_server.py", [], environment, folder / "server.log")
        process.start()
        try:
            process.wait_for_log("server.started", timeout_s=60)
            yield port, process
        finally:
            process.kill()


def call(port: int) -> socket.socket:
    """
    Return a connection.
    """
    return socket.create_connection(("127.0.0.1", port), timeout=HANGING_S)


def answer_to(port: int, sent: bytes) -> bytes:
    """
    Return all that comes until the server hangs up, after *sent* and the end of it.
    """
    received = b""
    with call(port) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(sent)
        end(connection)
        while piece := connection.recv(65_536):
            received += piece
    return received


def end(connection: socket.socket) -> None:
    """
    Send no more; the server may have hung up before.
    """
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise


def to_status(answer: bytes) -> int:
    """
    Return the status of a raw answer.
    """
    return int(answer.split()[1])


def assert_well(port: int, process: Process) -> None:
    """
    Fail unless others are answered, and nothing has failed inside.
    """
    answer = ask(f"http://127.0.0.1:{port}/v1/search?q=kettle", timeout_s=HANGING_S)
    assert answer.status == 200
    assert not process.logs("request.failed")
    assert "Traceback" not in process.text


def to_memory(process: Process) -> int:
    """
    Return how many bytes of memory a process holds.
    """
    return int(psutil.Process(process.pid).memory_info().rss)


def least_growth(process: Process, attack: Callable[[], None]) -> int:
    """
    Return by how many bytes of memory a process has grown with the attack of several
    that cost it least: what it keeps it keeps of each, while its allocator may take some
    more at times.
    """
    grown = []
    for _ in range(3):
        before = to_memory(process)
        attack()
        grown.append(to_memory(process) - before)
    return min(grown)


HEADS = {
    "address": b"GET /" + b"a" * (LONGEST_LINE + 100) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "one-field": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * MB + b"\r\n\r\n",
    "many-fields": b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 100_000 + b"\r\n",
    "name-of-a-field": b"GET / HTTP/1.1\r\n" + b"X" * MB + b": a\r\n\r\n",
    "no-end": b"GET / HTTP/1.1\r\nX: " + b"a" * MB,
}


def refused(port: int) -> float:
    """
    Return how many requests the server says that it has refused as none.
    """
    text = ask(f"http://127.0.0.1:{port}/metrics").body.decode()
    return to_samples(text).get(REQUESTS, {}).get(("none", "400"), 0)


@pytest.mark.parametrize(
    "sent",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX y: 1\r\n\r\n"],
    ids=["line", "field"],
)
def test_nonsense_is_counted(server: tuple[int, Process], sent: bytes) -> None:
    """
    Among the requests, though it passes nothing that others do; and each once.
    """
    port, _ = server
    before = refused(port)

    for _ in range(3):
        with call(port) as connection:
            connection.sendall(sent)
            assert to_status(connection.recv(65_536)) == 400

    assert refused(port) == before + 3


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_huge_heads(server: tuple[int, Process], head: bytes) -> None:
    """
    A head that is too large is refused, and not kept.
    """
    port, process = server
    for _ in range(20):  # what the allocator keeps for the next one
        answer_to(port, head)

    def attack() -> None:
        for _ in range(60):
            answer = answer_to(port, head)
            assert not answer or to_status(answer) == 400

    assert least_growth(process, attack) < 24 * MB
    assert_well(port, process)


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_huge_bodies(server: tuple[int, Process], is_chunked: bool) -> None:
    """
    A body is read up to the limit and no further, whether or not it says its length.
    """
    port, process = server
    size = 64 * MB
    head = (
        b"POST /v1/recommendations HTTP/1.1\r\nHost: a\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\n"
    )
    head += (
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % size
        if is_chunked
        else b"Content-Length: %d\r\n\r\n" % size
    )
    before = to_memory(process)
    with call(port) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(head + b"[" * (2 * LARGEST_BODY))
        assert to_status(connection.recv(65_536)) == 413

    assert to_memory(process) - before < 16 * MB
    assert_well(port, process)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_packed_bodies(server: tuple[int, Process], coding: str) -> None:
    """
    What unpacks to a thousand times its size is not unpacked beyond the limit.
    """
    port, process = server
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}
    body = pack[coding](b"[" * (64 * MB))
    assert len(body) < LARGEST_BODY
    before = to_memory(process)

    answer = answer_to(
        port,
        b"POST /v1/recommendations HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Encoding: %s\r\n"
        b"Content-Length: %d\r\n\r\n" % (coding.encode(), len(body)) + body,
    )

    assert to_status(answer) in {400, 413}
    assert to_memory(process) - before < 48 * MB
    assert_well(port, process)


def test_slow_callers_hold_nobody_up(server: tuple[int, Process]) -> None:
    """
    Hundreds whose heads and bodies never end do not slow down others, and who is silent
    in a body is told so and left.
    """
    port, process = server
    head = b"GET /v1/search?q=kettle HTTP/1.1\r\nHost: a\r\n"
    body = (
        b"POST /v1/recommendations HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n"
        b"Content-Type: application/json\r\n\r\n["
    )
    with contextlib.ExitStack() as stack:
        heads = [stack.enter_context(call(port)) for _ in range(200)]
        bodies = [stack.enter_context(call(port)) for _ in range(200)]
        began_s = time.monotonic()
        for connection in heads:
            connection.sendall(head)
        for connection in bodies:
            connection.sendall(body)
        longest_s = max(timed(port) for _ in range(100))
        for connection in bodies:
            assert to_status(connection.recv(65_536)) == 408
        assert time.monotonic() - began_s < PATIENCE_S + HANGING_S
    assert longest_s < 5
    assert_well(port, process)


def timed(port: int) -> float:
    """
    Return how long an answer takes.
    """
    began_s = time.monotonic()
    assert ask(f"http://127.0.0.1:{port}/v1/search?q=kettle").status == 200
    return time.monotonic() - began_s


def allow_files(pid: int, count: int) -> None:
    """
    Let a process have so many files open, which only root may beyond the hard limit.
    """
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    limits = (max(soft, count), max(hard, count))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


def test_thousands_of_idle_connections(server: tuple[int, Process]) -> None:
    """
    Ten thousand that say nothing cost some kilobytes each; others are answered
    meanwhile, and all is given back afterwards.
    """
    port, process = server
    own = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for pid in (os.getpid(), process.pid):
            allow_files(pid, MANY + SPARE_FILES)
    except PermissionError:
        pytest.skip(f"this user may have only {own[1]} open files")
    child = psutil.Process(process.pid)
    before, files = to_memory(process), child.num_fds()
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(MANY):
                stack.enter_context(call(port))
            assert timed(port) < 10
            assert child.num_fds() > MANY
            assert to_memory(process) - before < MANY * 40_000
        deadline = time.monotonic() + HANGING_S
        while child.num_fds() > files + 20 and time.monotonic() < deadline:
            assert timed(port) < 10
        assert child.num_fds() <= files + 20
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, own)
    assert_well(port, process)


LINES = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=100).map(lambda path: b"GET /" + path + b" HTTP/1.1\r\n\r\n"),
    st.binary(max_size=100).map(
        lambda rest: b"GET /v1/search?q=" + rest + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    ),
    st.binary(max_size=100).map(
        lambda rest: b"GET / HTTP/1.1\r\nHost: a\r\n" + rest + b"\r\n\r\n"
    ),
)


def test_any_bytes_are_answered_or_hung_up_on(server: tuple[int, Process]) -> None:
    """
    Whatever is sent, nothing fails inside, and nobody waits.
    """
    port, process = server

    @limits(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(LINES)
    def check(sent: bytes) -> None:
        answer = answer_to(port, sent)
        assert not answer or to_status(answer) < 500

    check()
    assert_well(port, process)
