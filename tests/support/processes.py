"""
The two processes, really running.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import orjson
import psutil  # type: ignore[import-untyped]

from multidict import CIMultiDict

from tests.support.ports import free_port
from tests.support.waiting import wait_for


ROOT: Final = Path(__file__).parents[2]
STOP_S: Final = 30.0


def has_ended(process: psutil.Process) -> bool:
    """
    Say whether a process is gone; it may be listed until whoever adopted it takes note,
    and be taken off the list while it is looked at.
    """
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Process:
    """
    A child process whose log lines can be read while it runs.
    """

    def __init__(
        self, program: str, arguments: Sequence[str], environment: Mapping[str, str],
        output: Path,
    ) -> None:  # fmt: skip
        """
        Run a *program* of ours: a script, a module by its dotted name, or what was
        installed, by its path.
        """
        if program.endswith(".py"):
            what = [sys.executable, program]
        elif "/" in program:
            what = [program]
        else:
            what = [sys.executable, "-m", program]
        self._command = [*what, *arguments]
        self._environment = {**os.environ, **environment}
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """
        Its number.
        """
        return self._running.pid

    def start(self) -> None:
        """
        Start it; it must not run. What it prints is added to what it printed before.
        """
        assert self._process is None
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> int:
        """
        Ask it to stop; return its exit code.
        """
        self.ask_to_stop()
        return self.wait()

    def ask_to_stop(self) -> None:
        """
        Ask it to stop, and do not wait until it has.
        """
        self._running.terminate()

    def kill(self) -> None:
        """
        End it at once, without a chance to tidy up.
        """
        self._running.kill()
        self.wait()

    def wait(self, timeout_s: float = STOP_S) -> int:
        """
        Return its exit code once it has ended.
        """
        code = self._running.wait(timeout_s)
        self._process = None
        return code

    def suspend(self) -> None:
        """
        Make it hang.
        """
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """
        Let it go on.
        """
        os.kill(self.pid, signal.SIGCONT)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """
        Make it hang for as long as the context lasts.
        """
        self.suspend()
        try:
            yield
        finally:
            self.resume()

    @property
    def is_running(self) -> bool:
        """
        Whether it has been started and has not ended.
        """
        return self._process is not None and self._process.poll() is None

    @property
    def text(self) -> str:
        """
        All that it has printed.
        """
        return self.text_since(0)

    @property
    def printed(self) -> int:
        """
        How many bytes it has printed.
        """
        return self._output.stat().st_size if self._output.exists() else 0

    def text_since(self, since: int) -> str:
        """
        Return what it has printed after its first *since* bytes.
        """
        if not self._output.exists():
            return ""
        return self._output.read_bytes()[since:].decode(errors="replace")

    def lines(self, since: int = 0) -> list[str]:
        """
        Return the lines that it has begun after its first *since* bytes, and ended: the
        kernel may show a part of one that is just being written.
        """
        *lines, _ = self.text_since(max(since - 1, 0)).split("\n")
        return lines[1:] if since else lines

    def logs(
        self, event: str = "", *, since: int = 0, **keys: Any
    ) -> list[dict[str, Any]]:
        """
        Return its log lines after its first *since* bytes, of an event and with such
        keys only if asked.
        """
        lines = [line for line in self.lines(since) if line.startswith("{")]
        parsed = [orjson.loads(line) for line in lines if line.endswith("}")]
        wanted = keys | ({"event": event} if event else {})
        return [line for line in parsed if wanted.items() <= line.items()]

    def wait_for_log(
        self, event: str, *, timeout_s: float = 60.0, since: int = 0, **keys: Any
    ) -> dict[str, Any]:
        """
        Return the newest such line, as soon as there is one.
        """

        def ask() -> list[dict[str, Any]]:
            found = self.logs(event, since=since, **keys)
            if not found and not self.is_running:
                msg = f"it ended; it printed:\n{self.text[-3000:]}"
                raise RuntimeError(msg)
            return found

        return wait_for(ask, timeout_s=timeout_s, what=f"{event} {keys}")[-1]

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process


@dataclass(frozen=True, slots=True)
class Answer:
    """
    An HTTP answer.
    """

    status: int
    headers: Mapping[str, str] | Message
    body: bytes

    @property
    def json(self) -> Any:
        """
        Its body.
        """
        return orjson.loads(self.body)

    @property
    def ids(self) -> list[str]:
        """
        The ids of its items, best first.
        """
        return [item["id"] for item in self.json["items"]]


@dataclass(slots=True)
class Pair:
    """
    A listener and a server that share a folder.
    """

    listener: Process
    server: Process
    port: int
    control_port: int
    data_dir: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def get(self, path: str, *, method: str = "GET", timeout_s: float = 30) -> Answer:
        """
        Ask the server; a refused connection is a 0.
        """
        return ask(f"http://127.0.0.1:{self.port}{path}", method, timeout_s)

    def control(self, path: str, *, method: str = "GET") -> Answer:
        """
        Ask the listener's own port.
        """
        return ask(f"http://127.0.0.1:{self.control_port}{path}", method, 30)

    def similar(self, product_id: object, query: str = "") -> list[str]:
        """
        Return the ids similar to a product.
        """
        answer = self.get(f"/v1/products/{product_id}/similar?limit=100&{query}")
        assert answer.status == HTTPStatus.OK, answer.body
        return answer.ids

    def run(self, command: str, *arguments: str) -> tuple[int, Process]:
        """
        Run `run_listener.py` with a command; return its exit code, and what it said.
        """
        process = self.make(command, *arguments)
        process.start()
        return process.wait(120), process

    def make(self, command: str, *arguments: str) -> Process:
        """
        Return such a process, not started yet.
        """
        return Process(
            "run_listener.py",
            [command, *arguments],
            self.environment,
            self.data_dir / f"{command}-{free_port()}.log",
        )

    def verify(self) -> tuple[int, Process]:
        """
        Compare the model with the collection.
        """
        return self.run("verify")

    def assert_equal(self) -> None:
        """
        Fail unless the model is what the collection says.
        """
        code, process = self.verify()
        assert code == 0, process.text[-4000:]


def to_uri(uri: str, database: str) -> str:
    """
    Return the address with a database in its path.
    """
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(path=f"/{database}"))


def ask(url: str, method: str = "GET", timeout_s: float = 30) -> Answer:
    """
    Return an HTTP answer, whatever its status.
    """
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return Answer(
                response.status,
                CIMultiDict(response.headers.items()),
                response.read(),
            )
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, CIMultiDict(error.headers.items()), error.read())
    except urllib.error.URLError as error:
        return Answer(0, {}, str(error).encode())


@contextmanager
def running(
    data_dir: Path, uri: str, settings: Mapping[str, str] | None = None
) -> Iterator[Pair]:
    """
    Yield a pair that follows and serves.
    """
    with make_pair(data_dir, uri, settings) as pair:
        pair.listener.start()
        pair.server.start()
        pair.listener.wait_for_log("listener.state", state="following")
        wait_for(lambda: pair.get("/health/ready").status == HTTPStatus.OK)
        # the log says so a moment before the position file does
        wait_for(lambda: not pair.get("/").json["model"]["stale"])
        yield pair


@contextmanager
def make_pair(
    data_dir: Path, uri: str, settings: Mapping[str, str] | None = None
) -> Iterator[Pair]:
    """
    Yield a pair that is not started yet; both are ended afterwards.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    port, control_port = free_port(), free_port()
    environment = {
        "MONGODB_URI": uri,
        "EVERSHELF_DATA_DIR": str(data_dir),
        "EVERSHELF_PORT": str(port),
        "EVERSHELF_CONTROL_PORT": str(control_port),
        "EVERSHELF_LOG_FORMAT": "json",
        "EVERSHELF_REQUEST_LINES_PER_S": "0",  # visitors of tests ask all the time
        **(settings or {}),
    }
    pair = Pair(
        Process("run_listener.py", [], environment, data_dir / "listener.log"),
        Process("run_server.py", [], environment, data_dir / "server.log"),
        port,
        control_port,
        data_dir,
        environment,
    )
    try:
        yield pair
    finally:
        for process in (pair.server, pair.listener):
            if process.is_running:
                process.kill()
