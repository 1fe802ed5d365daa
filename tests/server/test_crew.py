"""
Several workers on one port, as real processes.
"""

from __future__ import annotations

import os
import signal
import threading
import time

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from recommender.exits import Exit
from server.crew import HUNG_S
from tests.support.manager import managing
from tests.support.processes import ROOT, Answer, Process, ask
from tests.support.products import make_product
from tests.support.shops import Shop
from tests.support.waiting import wait_for


MANY = 12  # connections, so that each worker has some
PATIENCE_S = 60.0  # to import what is compiled, on a busy machine

# The server, whose workers stand still as they are forked, until they read something.
HELD = """
import os
import sys

held = os.open(os.environ["HELD_BY"], os.O_RDONLY)
os.register_at_fork(after_in_child=lambda: os.read(held, 1))

import run_server

sys.exit(run_server.main())
"""


class Crew(Process):
    """
    `run_server.py` with two workers on a free port.
    """

    def __init__(
        self, folder: Path, program: str = "run_server.py", **settings: str
    ) -> None:
        environment = {
            "EVERSHELF_DATA_DIR": str(folder / "data"),
            "EVERSHELF_PORT": "0",
            "EVERSHELF_WORKERS": "2",
            "EVERSHELF_LOG_FORMAT": "json",
            "EVERSHELF_LOG_LEVEL": "debug",
            **settings,
        }
        super().__init__(program, [], environment, folder / "crew.log")
        self.port = 0

    def start(self) -> None:
        """
        Start it, and wait until all workers listen.
        """
        super().start()
        for worker in (1, 2):
            started = self.wait_for_log(
                "server.started", worker=worker, timeout_s=PATIENCE_S
            )
            self.port = started["port"]

    def ask(self, path: str = "/v1/model") -> Answer:
        """
        Return what one of the workers answers.
        """
        return ask(f"http://127.0.0.1:{self.port}{path}", timeout_s=30)

    @property
    def workers(self) -> list[psutil.Process]:
        """
        Those that run.
        """
        return psutil.Process(self.pid).children()

    def answered_by(self, count: int) -> Counter[int]:
        """
        Ask so often; return how often each worker was who answered.
        """
        since = self.printed
        statuses = {self.ask("/v1/products/latest").status for _ in range(count)}
        assert statuses == {200}
        lines = self.logs("request", since=since, path="/v1/products/latest")
        return Counter(line["worker"] for line in lines)


class Visitors:
    """
    Callers who each make a connection, ask, and hang up, without a pause.
    """

    def __init__(self, crew: Crew, count: int = 4) -> None:
        self._crew = crew
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]
        self.statuses: Counter[int] = Counter()

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._is_over.is_set():
            try:
                status = self._crew.ask("/v1/products/latest").status
            except OSError:  # hung up on
                status = 0
            self.statuses[status] += 1


@pytest.fixture(name="make_crew")
def _make_crew(tmp_path: Path) -> Iterator[Any]:
    """
    Makes a crew on the shop's store, not started yet; ends it afterwards.
    """
    made: list[Crew] = []

    def make(**settings: str) -> Crew:
        made.append(Crew(tmp_path, **settings))
        return made[-1]

    yield make
    for crew in made:
        if crew.is_running:
            workers = crew.workers
            crew.kill()
            psutil.wait_procs(workers, timeout=10)


def test_all_answer_and_all_follow(make_crew: Any, shop: Shop) -> None:
    """
    Connections are divided among the workers, and a new generation reaches each.
    """
    crew = make_crew()
    crew.start()

    shares = crew.answered_by(60)
    shop.put(make_product("new", "brass kettle"))
    published = shop.publish()
    for worker in (1, 2):
        crew.wait_for_log(
            "model.loaded", worker=worker, generation=published.generation
        )

    assert set(shares) == {1, 2}
    assert shares.total() == 60
    assert {crew.ask("/v1/products/new").status for _ in range(20)} == {200}
    assert crew.stop() == Exit.OK


def test_metrics_of_all(make_crew: Any, shop: Shop) -> None:
    """
    A scrape gets the metrics of each worker, whichever it asked.
    """
    crew = make_crew()
    crew.start()
    shares = crew.answered_by(30)

    for _ in range(5):
        text = crew.ask("/metrics").body.decode()
        for worker, count in shares.items():
            assert (
                'evershelf_server_requests_total{route="/v1/products/latest",'
                f'status="200",worker="{worker}"}} {count}.0'
            ) in text
        assert text.count("# TYPE evershelf_server_requests_total counter") == 1
        assert text.count("\nprocess_resident_memory_bytes{") == 2


def test_metrics_of_those_that_tell(make_crew: Any, shop: Shop) -> None:
    """
    A worker that hangs is left out, and does not keep the others from telling.
    """
    crew = make_crew()
    crew.start()
    hung, _ = crew.workers
    hung.suspend()
    try:
        with ThreadPoolExecutor(MANY) as asking:
            texts = list(asking.map(_told, [crew] * MANY))
    finally:
        hung.resume()

    told = [text for text in texts if text]
    assert told
    for text in told:
        assert text.count("\nprocess_resident_memory_bytes{") == 1


def _told(crew: Crew) -> str:
    try:  # half of the connections come to the one that hangs
        return ask(f"http://127.0.0.1:{crew.port}/metrics", timeout_s=10).body.decode()
    except OSError:
        return ""


def test_killed_worker(make_crew: Any, shop: Shop) -> None:
    """
    A worker that is killed is started again. But for what it was answering, nobody
    notices: who comes meanwhile waits for the other.
    """
    crew = make_crew()
    crew.start()
    with Visitors(crew) as visitors:
        for _ in range(3):
            victim = crew.workers[0]
            since = crew.printed
            victim.kill()
            ended = crew.wait_for_log("server.worker_ended", since=since)
            crew.wait_for_log("server.started", since=since, worker=ended["worker"])

    assert ended["code"] == -signal.SIGKILL
    assert visitors.statuses[200] > 20
    failed = visitors.statuses.total() - visitors.statuses[200]
    assert failed <= 3 * 4  # as many as can be in flight, each time
    assert len(crew.workers) == 2
    assert set(crew.answered_by(40)) == {1, 2}


def test_hung_worker(make_crew: Any, shop: Shop) -> None:
    """
    A worker whose loop does not turn any more is killed and replaced.
    """
    crew = make_crew()
    crew.start()
    hung = crew.workers[0]

    hung.suspend()

    crew.wait_for_log("server.worker_hung", timeout_s=HUNG_S + 30)
    crew.wait_for_log("server.worker_ended", code=-signal.SIGKILL)
    wait_for(lambda: len(crew.workers) == 2, what="two workers")
    assert hung.pid not in {worker.pid for worker in crew.workers}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_when_told(make_crew: Any, shop: Shop, number: signal.Signals) -> None:
    """
    The signal comes to the leader alone, or by Ctrl+C to all; requests under way are
    answered, and nobody is left.
    """
    crew = make_crew()
    crew.start()
    workers = crew.workers
    if number == signal.SIGINT:  # as a terminal does
        os.killpg(crew.pid, number)
    else:
        crew.ask_to_stop()

    assert crew.wait() == Exit.OK
    assert not any(worker.is_running() for worker in workers)
    stopped = crew.logs("server.stopped")
    assert sorted(line["worker"] for line in stopped) == [1, 2]
    assert all(line["finished"] for line in stopped)
    assert not crew.logs("server.worker_ended")


def test_drains(make_crew: Any, shop: Shop) -> None:
    """
    While it drains each worker says that it is not ready; a second signal ends that.
    """
    crew = make_crew(EVERSHELF_DRAIN_S="60")
    crew.start()
    crew.ask_to_stop()
    for worker in (1, 2):
        crew.wait_for_log("server.stopping", worker=worker)

    assert {crew.ask("/health/ready").status for _ in range(10)} == {503}
    began_s = time.monotonic()
    crew.ask_to_stop()
    assert crew.wait() == Exit.OK
    assert time.monotonic() - began_s < 15


def test_a_signal_to_each_is_one_stop(make_crew: Any, shop: Shop) -> None:
    """
    A service manager may send SIGTERM to every process of a service: no worker takes
    that and the leader's for two, and the drain is not cut short.
    """
    crew = make_crew(EVERSHELF_DRAIN_S="3")
    crew.start()
    for worker, process in enumerate(crew.workers, 1):
        process.terminate()
        crew.wait_for_log("server.stopping", worker=worker)
    crew.ask_to_stop()

    assert crew.wait() == Exit.OK
    assert [line["finished"] for line in crew.logs("server.stopped")] == [True, True]
    for worker in (1, 2):
        began, ended = (
            datetime.fromisoformat(crew.logs(event, worker=worker)[0]["timestamp"])
            for event in ("server.stopping", "server.stopped")
        )
        assert (ended - began).total_seconds() > 2.9


def test_a_signal_to_one_that_has_just_begun(
    make_crew: Any, shop: Shop, tmp_path: Path
) -> None:
    """
    SIGTERM is not lost in a worker's first moment: it ends as soon as it can obey.
    """
    fifo, program = tmp_path / "held", tmp_path / "held.py"
    os.mkfifo(fifo)
    program.write_text(HELD)
    held = os.open(fifo, os.O_RDWR)
    try:
        crew = make_crew(program=str(program), HELD_BY=str(fifo), PYTHONPATH=str(ROOT))
        Process.start(crew)
        crew.wait_for_log("server.workers", timeout_s=PATIENCE_S)
        wait_for(lambda: len(crew.workers) == 2, what="two workers")
        for worker in crew.workers:
            worker.terminate()
        os.write(held, b"." * 100)  # these, and those that take their place

        for number in (1, 2):
            ended = crew.wait_for_log("server.worker_ended", worker=number)
            assert ended["code"] == Exit.OK
        assert crew.stop() == Exit.OK
    finally:
        os.close(held)


def test_a_drain_loses_nobody(make_crew: Any, shop: Shop) -> None:
    """
    Who hears in time that it is not ready any more has had an answer to all.
    """
    crew = make_crew(EVERSHELF_DRAIN_S="3")
    crew.start()
    with Visitors(crew) as visitors:
        wait_for(lambda: visitors.statuses[200] > 20)
        crew.ask_to_stop()
        for worker in (1, 2):
            crew.wait_for_log("server.stopping", worker=worker)
        answered = visitors.statuses[200]
        wait_for(lambda: visitors.statuses[200] > answered)

    assert {*visitors.statuses} == {200}
    assert crew.wait() == Exit.OK


def test_killed_leader_of_those_that_would_drain(make_crew: Any, shop: Shop) -> None:
    """
    They leave the port to the next leader at once.
    """
    crew = make_crew(EVERSHELF_DRAIN_S="600")
    crew.start()
    workers = crew.workers
    crew.kill()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive

    make_crew(EVERSHELF_PORT=str(crew.port)).start()


def test_a_rate_is_for_all_together(make_crew: Any, shop: Shop) -> None:
    """
    A caller may ask as often as the setting says, whoever answers.
    """
    crew = make_crew(EVERSHELF_RATE_PER_ADDRESS="30")
    crew.start()
    began_s = time.monotonic()
    since = crew.printed
    statuses = Counter(crew.ask("/v1/products/latest").status for _ in range(90))
    came_back = (time.monotonic() - began_s) / 2  # one each two seconds

    lines = crew.logs("request", since=since, path="/v1/products/latest", status=200)
    assert {line["worker"] for line in lines} == {1, 2}
    assert {*statuses} == {200, 429}
    assert 30 <= statuses[200] <= 30 + came_back + 1


def test_lines_of_all(make_crew: Any, shop: Shop) -> None:
    """
    The page shows the last lines of each worker, and those of the leader up to the
    newest worker's start; each once, in order.
    """
    crew = make_crew()
    crew.start()
    victim = crew.workers[0]
    since = crew.printed
    victim.kill()
    ended = crew.wait_for_log("server.worker_ended", since=since)
    crew.wait_for_log("server.started", since=since, worker=ended["worker"])

    for _ in range(4):
        lines = crew.ask("/ui/logs/server").json["lines"]
        started = [
            line["worker"] for line in lines if line["event"] == "server.started"
        ]
        assert sorted(started) == [1, 2]  # the dead one's are gone with it
        assert [line for line in lines if line["event"] == "server.worker_ended"] == [
            ended
        ]
        times = [line["timestamp"] for line in lines]
        assert times == sorted(times)


def test_killed_leader(make_crew: Any, shop: Shop) -> None:
    """
    Workers end with who leads them, however that ends.
    """
    crew = make_crew()
    crew.start()
    workers = crew.workers
    crew.kill()

    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive


def test_port_that_is_taken(make_crew: Any, shop: Shop) -> None:
    """
    An address that somebody has is not shared with them, though workers share it.
    """
    first = make_crew()
    first.start()
    second = make_crew(EVERSHELF_PORT=str(first.port))
    Process.start(second)

    assert second.wait(PATIENCE_S) == Exit.UNAVAILABLE
    assert f"EVERSHELF_PORT={first.port} cannot be listened on" in second.text
    assert set(first.answered_by(20)) <= {1, 2}


def test_memory(make_crew: Any, shop: Shop) -> None:
    """
    What was imported before is shared: a worker has little for itself.
    """
    crew = make_crew(EVERSHELF_WORKERS="2")
    crew.start()
    crew.answered_by(50)

    for worker in crew.workers:
        assert worker.memory_full_info().uss < 60 << 20


def test_manager_is_told(make_crew: Any, shop: Shop, tmp_path: Path) -> None:
    """
    The service manager hears once that all are ready, that the leader's loop turns, and
    that it stops; from nobody else.
    """
    with managing(tmp_path) as manager:
        crew = make_crew(**manager.environment(timeout_s=3))
        crew.start()
        heard = manager.wait_for("WATCHDOG=1")
        assert heard.count("READY=1") <= 1
        while "READY=1" not in heard:
            heard += manager.wait_for("READY=1")
        heard += manager.wait_for("WATCHDOG=1")
        crew.stop()
        heard += manager.wait_for("STOPPING=1")

    assert heard.count("READY=1") == 1
    assert heard.count("STOPPING=1") == 1
