"""
A listener and two servers on one store, behind a balancer; each may run another version
of the code.
"""

from __future__ import annotations

import random

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from tests.support.ports import free_port
from tests.support.processes import ROOT, Answer, Process, ask
from tests.support.visitor import GENERATION
from tests.support.waiting import wait_for


ELSEWHERE: Final = {0, HTTPStatus.SERVICE_UNAVAILABLE}  # the balancer tries the next


class Server:
    """
    One of several servers: its port stays, its code may change.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self._log = folder / f"server-{self.port}.log"
        self._environment = {**environment, "EVERSHELF_PORT": str(self.port)}
        self.process = self._make(ROOT)

    def start(self, code: Path) -> None:
        """
        Start it with some code; it must not run.
        """
        self.process = self._make(code)
        self.process.start()

    def replace(self, code: Path) -> None:
        """
        Stop it, and start it with other code; return once it is ready.
        """
        assert self.process.stop() == 0
        self.start(code)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """
        Return once it has a model.
        """
        wait_for(lambda: self.get("/health/ready").status == HTTPStatus.OK)

    def get(self, path: str) -> Answer:
        """
        Ask it; a connection that is refused or closed is a 0.
        """
        try:
            return ask(f"http://127.0.0.1:{self.port}{path}")
        except OSError as error:
            return Answer(0, {}, str(error).encode())

    def _make(self, code: Path) -> Process:
        return Process(str(code / "run_server.py"), [], self._environment, self._log)


class Fleet:
    """
    The processes, and the door of the balancer.
    """

    def __init__(self, data_dir: Path, uri: str, settings: Mapping[str, str]) -> None:
        self.data_dir = data_dir
        self.environment = {
            "MONGODB_URI": uri,
            "EVERSHELF_DATA_DIR": str(data_dir),
            "EVERSHELF_CONTROL_PORT": str(free_port()),
            "EVERSHELF_LOG_FORMAT": "json",
            "EVERSHELF_REQUEST_LINES_PER_S": "0",
            **settings,
        }
        self.listener = self.make_listener(ROOT)
        self.servers = [Server(data_dir, self.environment) for _ in range(2)]
        self.answers: dict[int, list[Answer]] = defaultdict(list)  # by the port
        self._chance = random.Random(4)

    def make_listener(self, code: Path, *arguments: str, **settings: str) -> Process:
        """
        Return a listener of some code, not started yet, with a log of its own.
        """
        return Process(
            str(code / "run_listener.py"),
            arguments,
            {**self.environment, **settings},
            self.data_dir / f"listener-{free_port()}.log",
        )

    def start(self, code: Path) -> None:
        """
        Start all of them; return when they are fresh.
        """
        self.follow(code)
        for server in self.servers:
            server.start(code)
        for server in self.servers:
            server.wait_until_ready()

    def follow(self, code: Path, **settings: str) -> None:
        """
        Start a listener in the place of the one before, which must not run; return once
        it follows.
        """
        self.listener = self.make_listener(code, **settings)
        self.listener.start()
        self.listener.wait_for_log("listener.state", state="following", timeout_s=60)

    def verify(self, code: Path, **settings: str) -> None:
        """
        Fail unless the model is what the collection says, as some code sees it.
        """
        process = self.make_listener(code, "verify", **settings)
        process.start()
        assert process.wait(120) == 0, process.text[-4000:]

    def get(self, path: str) -> Answer:
        """
        Ask a server by chance; if it is away or not ready, the other.
        """
        first, second = self._chance.sample(self.servers, 2)
        asked, answer = first, first.get(path)
        if answer.status in ELSEWHERE:
            asked, answer = second, second.get(path)
        if answer.status == HTTPStatus.OK:
            self.answers[asked.port].append(answer)
        return answer

    def assert_right(self) -> None:
        """
        Fail if a server's answers went back in time, or if two that say that they are
        of the same model, at the same time of it, about the same product, differ; some
        must be of both servers.
        """
        alike: dict[tuple[Any, ...], list[Any]] = {}
        askers: dict[tuple[Any, ...], set[int]] = defaultdict(set)
        for port, answers in self.answers.items():
            times = [_to_time(answer) for answer in answers]
            assert times == sorted(times), "answers go back in time"
            for answer in answers:
                items = answer.json["items"]
                kind = items[0]["id"].partition("-")[0]
                about = kind, answer.headers[GENERATION], *_to_time(answer)
                assert alike.setdefault(about, items) == items, about
                askers[about].add(port)
        assert any(len(ports) > 1 for ports in askers.values())

    def close(self) -> None:
        """
        End what still runs.
        """
        for process in (self.listener, *(server.process for server in self.servers)):
            if process.is_running:
                process.kill()


@contextmanager
def make_fleet(data_dir: Path, uri: str, **settings: str) -> Iterator[Fleet]:
    """
    Yield a fleet that is not started yet; it is ended afterwards.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    fleet = Fleet(data_dir, uri, settings)
    try:
        yield fleet
    finally:
        fleet.close()


def _to_time(answer: Answer) -> tuple[int, ...]:
    return tuple(map(int, answer.json["model"]["cluster_time"].split(":")))
