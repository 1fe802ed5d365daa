"""
What loads a server, and what is asked of it.
"""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus

import pytest

from benchmarks.__main__ import main
from benchmarks.bare_server import PATH, bare_server
from benchmarks.connection import Connection, answer_length
from benchmarks.driver import drive
from benchmarks.process_stats import processor_s, proportional_bytes, written_bytes
from benchmarks.zipf import Popularity


def test_popular_things_come_often() -> None:
    """
    By Zipf's law one thing comes about twice as often as the next, and most seldom.
    """
    counts = Counter(Popularity(range(10_000), seed=1).draw(50_000)).most_common()

    assert 1.7 < counts[0][1] / counts[1][1] < 2.4
    assert counts[len(counts) // 2][1] < 20


def test_once_means_once() -> None:
    """
    Cold ids come no second time, and all there are when more are asked for.
    """
    drawn = Popularity(range(100), seed=1).once(1_000)

    assert sorted(drawn) == list(range(100))


def test_bare_server_is_driven() -> None:
    """
    A connection and a driver get the very bytes; what the server used is counted.
    """
    body = b'{"items":[]}'
    with bare_server(body) as server, Connection(server.port) as connection:
        before_s = processor_s(server.pid)
        answer = connection.get(PATH)
        driven = drive(server.port, [PATH], 0.2)
        used_s = processor_s(server.pid) - before_s

        assert (answer.status, answer.body) == (HTTPStatus.OK, body)
        assert connection.get("/nowhere").status == HTTPStatus.NOT_FOUND
        assert driven.answers > 10
        assert driven.errors == 0
        assert driven.body_bytes == driven.answers * len(body)
        assert 0 < used_s < 5
        assert proportional_bytes(server.pid) > 1_000_000
        assert written_bytes(server.pid) >= 0
        assert server.started_s > 0


def test_errors_are_counted() -> None:
    """
    An answer other than 200 is an error.
    """
    with bare_server(b"{}") as server:
        driven = drive(server.port, ["/nowhere"], 0.1)

    assert driven.errors == driven.answers > 0


def test_length_of_an_answer_is_in_its_head() -> None:
    """
    Whatever the case of the header; an answer without a body has none.
    """
    assert answer_length(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n") == 12
    assert answer_length(b"HTTP/1.1 304 Not Modified\r\n") == 0


@pytest.mark.parametrize(
    "arguments", [["--sizes", "many"], ["--sizes", "0"], ["--only", "speed"]]
)
def test_wrong_arguments_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A size that is none and a measurement that is not known end it before it begins.
    """
    with pytest.raises(SystemExit):
        main(arguments)

    assert arguments[1] in capsys.readouterr().err
