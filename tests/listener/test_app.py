"""
The listener's process: what it is asked, and how it ends.
"""

from __future__ import annotations

import os
import signal
import time

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pymongo.collection import Collection
from pymongo.database import Database

from listener import app
from listener.app import main
from listener.demo.replica_set import to_uri as to_local_uri
from listener.signals import NOW
from recommender.errors import StoreLocked
from recommender.exits import Exit
from recommender.settings import ListenerSettings, load_settings
from server.freshness import LISTENER_SILENT
from tests.support.listener import events
from tests.support.mongo import make_mongod
from tests.support.ports import free_port
from tests.support.processes import Process, to_uri
from tests.support.shop import make_document


PATIENCE_S = 60.0  # to import what is compiled, on a busy machine
AT_ONCE_S = 10.0  # what is asked to stop at once has this much on such a machine
Logs = list[Any]
Run = Callable[..., Exit]
Start = Callable[..., Process]


@pytest.fixture(name="uri")
def _uri(mongo_uri: str, collection: Collection[Any]) -> str:
    """
    The address of a shop with a few products.
    """
    collection.insert_many([make_document(number) for number in range(20)])
    return to_uri(mongo_uri, collection.database.name)


@pytest.fixture(name="start")
def _start(tmp_path: Path) -> Iterator[Start]:
    """
    Starts `run_listener.py`, each on its own log; ends what still runs.
    """
    started: list[Process] = []

    def start(uri: str, *arguments: str, **settings: str) -> Process:
        environment = {
            "MONGODB_URI": uri,
            "EVERSHELF_DATA_DIR": str(tmp_path / "data"),
            "EVERSHELF_CONTROL_PORT": str(free_port()),
            "EVERSHELF_LOG_FORMAT": "json",
            **settings,
        }
        output = tmp_path / f"{len(started)}.log"
        process = Process("run_listener.py", arguments, environment, output)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        if process.is_running:
            process.resume()
            process.kill()


@pytest.fixture(name="follow")
def _follow(start: Start, uri: str) -> Start:
    """
    Starts a listener, and waits until it follows.
    """

    def follow(**settings: str) -> Process:
        process = start(uri, **settings)
        process.wait_for_log("listener.state", state="following", timeout_s=PATIENCE_S)
        return process

    return follow


@pytest.fixture(name="run")
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: Logs) -> Run:
    """
    Runs the listener in this process, but for its logs and signals.
    """
    assert not logs

    def begin(
        kind: type[ListenerSettings], arguments: Sequence[str], *, process: str
    ) -> ListenerSettings:
        assert process == "listener"
        return load_settings(kind, arguments)

    def run(*arguments: str, uri: str, **settings: str) -> Exit:
        environment = {
            "MONGODB_URI": uri,
            "EVERSHELF_DATA_DIR": str(tmp_path / "data"),
            **settings,
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return main(arguments)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(app, "begin", begin)
    monkeypatch.setattr(app, "interrupt_on_signals", lambda: None)
    monkeypatch.setattr(app, "stop_on_signals", lambda _stop: None)
    return run


# settings


def test_no_address(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Without an address nothing is started; what to do is said.
    """
    assert run(uri="") is Exit.SETTINGS

    said = capsys.readouterr()
    assert "MONGODB_URI is not set" in said.err
    assert "make run" in said.err


def test_all_setting_faults_at_once(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Each fault is a line that begins with the setting; nothing is touched.
    """
    code = run(
        uri="mongodb://127.0.0.1/shop",
        EVERSHELF_CONTROL_PORT="99999",
        EVERSHELF_QUIET_S="soon",
        EVERSHELF_LOG_LEVEL="loud",
    )

    assert code is Exit.SETTINGS
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "EVERSHELF_CONTROL_PORT=99999",
        "EVERSHELF_LOG_LEVEL=loud",
        "EVERSHELF_QUIET_S=soon",
    ]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("uri", "settings", "words"),
    [
        ("http://shop.example", {}, "MONGODB_URI"),
        (
            "mongodb://127.0.0.1/shop",
            {"EVERSHELF_VISIBLE_WHEN": '{"a": {"$near": 1}}'},
            "EVERSHELF_VISIBLE_WHEN",
        ),
    ],
    ids=["address", "query"],
)
def test_settings_that_only_the_listener_understands(
    run: Run,
    capsys: pytest.CaptureFixture[str],
    uri: str,
    settings: dict[str, str],
    words: str,
) -> None:
    """
    What no form of a value tells is found before the database is asked.
    """
    assert run(uri=uri, **settings) is Exit.SETTINGS
    assert words in capsys.readouterr().err


def test_load_without_a_file(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """
    A command that lacks its argument says so.
    """
    assert run("load", uri="") is Exit.SETTINGS
    assert "name a JSONL file" in capsys.readouterr().err


# what cannot be had


def test_control_port_that_is_taken(start: Start, follow: Start, uri: str) -> None:
    """
    A second listener cannot have the port of the first; it ends, and the first goes on.
    """
    port = str(free_port())
    first = follow(EVERSHELF_CONTROL_PORT=port)
    second = start(
        uri,
        EVERSHELF_CONTROL_PORT=port,
        EVERSHELF_DATA_DIR=f"{first._environment['EVERSHELF_DATA_DIR']}-2",
    )

    assert second.wait(PATIENCE_S) == Exit.UNAVAILABLE
    assert "in use" in second.logs("listener.failed")[0]["error"]
    assert first.is_running


def test_two_listeners_on_one_store(follow: Start, start: Start, uri: str) -> None:
    """
    A second listener on the same folder ends at once and names the lock; the first
    goes on.
    """
    first = follow()
    second = start(uri)

    assert second.wait(PATIENCE_S) == Exit.UNAVAILABLE
    (line,) = second.logs("listener.failed")
    assert "another listener holds" in line["error"]
    assert not second.logs("listener.started")
    assert first.is_running
    assert first.stop() == Exit.OK


def test_folder_that_is_a_file(run: Run, uri: str, tmp_path: Path, logs: Logs) -> None:
    """
    A data folder that cannot be made is told.
    """
    (tmp_path / "data").write_text("in the way")

    assert run(uri=uri) is Exit.UNAVAILABLE
    assert "data" in events(logs, "listener.failed")[0]["error"]


def test_verify_without_a_database(run: Run, logs: Logs) -> None:
    """
    `verify` does not wait for a database that is not there.
    """
    assert run("verify", uri=to_local_uri(free_port())) is Exit.UNAVAILABLE
    assert events(logs, "listener.failed")


def test_verify_without_a_model(run: Run, uri: str, logs: Logs) -> None:
    """
    `verify` before the first publication says that there is nothing to compare.
    """
    assert run("verify", uri=uri) is Exit.UNAVAILABLE
    assert "No model has been published" in events(logs, "listener.failed")[0]["error"]


@pytest.mark.parametrize("command", ["run", "verify"])
def test_refused(
    run: Run, mongo_uri: str, database: Database[Any], logs: Logs, command: str
) -> None:
    """
    What the database will never allow, such as to follow a view, ends the process with
    the remedy.
    """
    database["goods"].insert_one({"name": "kettle"})
    database.create_collection("products", viewOn="goods", pipeline=[])

    code = run(
        command,
        uri=to_uri(mongo_uri, database.name),
        EVERSHELF_CONTROL_PORT=str(free_port()),
    )

    assert code is Exit.REFUSED
    (line,) = events(logs, "listener.refused")
    assert "name the collection behind it" in line["remedy"]


def test_defect(run: Run, logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A fault of ours has an exit code of its own, and its traceback in the log.
    """

    def fail(_settings: ListenerSettings) -> Exit:
        msg = "ours"
        raise RuntimeError(msg)

    monkeypatch.setattr(app, "_do", fail)

    assert run(uri="mongodb://127.0.0.1/shop") is Exit.DEFECT
    (line,) = events(logs, "listener.crashed")
    assert line["exc_info"]


# verify


def test_verify_ends_with_its_answer(
    run: Run,
    follow: Start,
    uri: str,
    collection: Collection[Any],
    logs: Logs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    `verify` ends with 0 when the model is proven to be what the collection says, and
    with 1 when it is not, here because nobody follows any more.
    """
    monkeypatch.setattr("listener.proof.PATIENCE_S", 0.1)
    listener = follow()
    assert run("verify", uri=uri, EVERSHELF_MAX_STALENESS_S="20") is Exit.OK
    (done,) = events(logs, "verify.done")
    assert (done["equal"], done["products"], done["rankings"]) == (True, 20, 20)
    logs.clear()

    listener.stop()
    collection.delete_one({})
    assert run("verify", uri=uri, EVERSHELF_MAX_STALENESS_S="0.1") is Exit.DIFFERS
    # the second when this took longer than a listener is silent
    assert events(logs, "verify.behind")[0]["reason"] in {"stopping", LISTENER_SILENT}
    (difference,) = events(logs, "verify.difference")
    assert difference["what"] == "presence"
    assert not events(logs, "verify.done")[0]["equal"]


def test_verify_waits_as_long_as_a_debounce(
    run: Run, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A model that may be late by the settings is waited for so much longer.
    """
    from listener import proof, verify  # noqa: PLC0415 as the listener does it

    told: list[float] = []

    class Impatient(verify.Verification):
        """
        Tells how patient it was to be.
        """

        def run(self) -> verify.Report:
            told.append(self.patience_s)
            raise StoreLocked

    monkeypatch.setattr(proof, "Verification", Impatient)

    run("verify", uri=uri, EVERSHELF_MAX_STALENESS_S="300")

    assert told == [verify.PATIENCE_S + 300]


def test_verify_stops_at_once(follow: Start, start: Start, uri: str) -> None:
    """
    The first signal ends `verify`, here while it waits for a listener that is gone.
    """
    follow().stop()
    verifying = start(uri, "verify")
    verifying.wait_for_log("verify.started", timeout_s=PATIENCE_S)
    asked = time.monotonic()
    os.kill(verifying.pid, signal.SIGINT)

    assert verifying.wait() == Exit.INTERRUPTED
    assert time.monotonic() - asked < AT_ONCE_S
    assert verifying.logs("listener.interrupted")
    assert not verifying.logs("verify.done")
    assert "Traceback" not in verifying.text


def test_verify_stops_while_the_database_hangs(tmp_path: Path, start: Start) -> None:
    """
    So it does while it waits for a database that does not answer.
    """
    with make_mongod(tmp_path / "mongod") as mongod:
        os.kill(mongod.pid, signal.SIGSTOP)
        try:
            verifying = start(mongod.uri, "verify")
            verifying.wait_for_log("verify.started", timeout_s=PATIENCE_S)
            asked = time.monotonic()
            os.kill(verifying.pid, signal.SIGINT)
            code = verifying.wait()
            took_s = time.monotonic() - asked
        finally:
            os.kill(mongod.pid, signal.SIGCONT)

    assert code == Exit.INTERRUPTED
    assert took_s < AT_ONCE_S
    assert "Traceback" not in verifying.text


# stopping


def test_stops_when_asked(follow: Start) -> None:
    """
    One signal is a graceful stop.
    """
    listener = follow()
    os.kill(listener.pid, signal.SIGINT)

    assert listener.wait() == Exit.OK
    assert listener.logs("listener.stopped")


def test_two_signals_are_now(follow: Start) -> None:
    """
    A second signal ends the process wherever it is.
    """
    listener = follow()
    listener.suspend()  # so that both are there when it goes on
    os.kill(listener.pid, signal.SIGTERM)
    os.kill(listener.pid, signal.SIGINT)
    listener.resume()

    assert listener.wait() == NOW
    assert not listener.logs("listener.stopped")
