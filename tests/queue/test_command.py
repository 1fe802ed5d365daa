"""
What `work` needs, what it refuses, and what it does by itself.
"""

from __future__ import annotations

import sys

from pathlib import Path
from typing import Any

import pytest

from bullmq import Queue

from listener.app import main
from listener.doctor.finding import Verdict
from listener.doctor.queue import look_at_queue
from recommender.effective import to_lines
from recommender.exits import Exit
from recommender.masking import Secrets
from recommender.settings import ListenerSettings, load_settings, secrets_of
from tests.queue.conftest import Start
from tests.support.commands import in_process
from tests.support.queues import until
from tests.support.valkey import Valkey
from tests.support.waiting import wait_for


pytestmark = pytest.mark.xdist_group("queue-command")

URL = "redis://:swordfish@127.0.0.1:1/0?password=marlin22"


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_process(monkeypatch, tmp_path)


def test_there_must_be_a_queue(capsys: pytest.CaptureFixture[str]) -> None:
    """
    It says what to set.
    """
    assert main(["work"]) == Exit.SETTINGS
    assert "EVERSHELF_QUEUE_URL is not set" in capsys.readouterr().err


def test_there_must_be_what_it_is_made_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It says what to install; nothing else of the listener needs that.
    """
    monkeypatch.setenv("EVERSHELF_QUEUE_URL", URL)
    for name in [name for name in sys.modules if name.startswith("listener.queue")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "bullmq", None)

    assert main(["work"]) == Exit.SETTINGS
    assert "pip install 'evershelf[queue]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("URL", "http://swordfish", "must begin with redis://"),
        ("URL", "redis://:sword/fish@host", "no address that makes sense"),
        ("URL", "redis://host/swordfish?db=swordfish", "no address that makes sense"),
        ("VERIFY_AT", "at night", "such as 0 3 * * *"),
        ("VERIFY_AT", "0 99 * * *", "such as 0 3 * * *"),
        ("NAME", "a:b", "should match"),
        ("PER_HOUR", "-1", "greater than or equal to 0"),
    ],
)
def test_what_makes_no_sense_is_refused(
    name: str,
    value: str,
    fault: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    It says which setting, and what of it, but nothing of a password.
    """
    monkeypatch.setenv("EVERSHELF_QUEUE_URL", URL)
    monkeypatch.setenv(f"EVERSHELF_QUEUE_{name}", value)

    assert main(["work"]) == Exit.SETTINGS
    said = capsys.readouterr().err
    assert f"EVERSHELF_QUEUE_{name}" in said
    assert fault in said
    assert "fish" not in said


def test_the_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Not where all settings are, either; the server's name is.
    """
    monkeypatch.setenv("EVERSHELF_QUEUE_URL", URL)
    settings = load_settings(ListenerSettings, ["work"])
    said = "\n".join(to_lines(settings, ["work"]))
    secrets = Secrets(secrets_of(settings))

    assert "redis://:***@127.0.0.1:1/0 " in said
    assert "swordfish" not in said
    assert "marlin" not in said
    assert secrets.without("a swordfish") == "a ***"


async def test_a_verify_comes_at_its_hours(
    own_queue: Queue, start_worker: Start
) -> None:
    """
    The queue gets one each time, as long as a worker is set so.
    """

    async def schedulers() -> list[dict[str, Any]]:
        return list(await own_queue.getJobSchedulers())

    async def is_there() -> bool:
        return bool(await schedulers())

    async def is_gone() -> bool:
        return not await schedulers()

    each_second = start_worker(EVERSHELF_QUEUE_VERIFY_AT="* * * * * *")
    await until(is_there, what="the schedule")

    async def are_done() -> bool:
        return len(each_second.logs("job.done", kind="verify")) >= 2

    await until(are_done, what="two of them")
    each_second.kill()
    start_worker()
    await until(is_gone, what="its end")


def test_a_worker_is_seen_by_the_doctor(
    own_queue: Queue, start_worker: Start, server: Valkey
) -> None:
    """
    It knows the names under which workers wait.
    """
    worker = start_worker()
    wait_for(
        lambda: look_at_queue(server.url, own_queue.name).verdict is Verdict.OK,
        what="the worker",
    )
    worker.kill()
    wait_for(
        lambda: look_at_queue(server.url, own_queue.name).verdict is Verdict.WARN,
        what="its end",
    )
