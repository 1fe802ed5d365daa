"""
`make run` as it really is: a database, the listener, the server, and one Ctrl+C.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

import psutil

from pymongo import MongoClient

from listener.demo.folder import Folder
from listener.demo.replica_set import to_uri
from listener.demo.sample import sample_products
from recommender.exits import Exit
from tests.support.processes import ROOT, ask, has_ended
from tests.support.waiting import wait_for


START_S: Final = 60.0
STOP_S: Final = 5.0


class Demo:
    """
    The running demo.
    """

    def __init__(self, data_dir: Path, environment: Mapping[str, str]) -> None:
        self._log = data_dir.with_suffix(".log")
        self._log.touch()
        self._began = len(self.text)
        with self._log.open("ab") as output:
            self.process = psutil.Popen(
                [sys.executable, "-m", "listener.demo"],
                cwd=ROOT,
                env={
                    **os.environ,
                    "EVERSHELF_DATA_DIR": str(data_dir),
                    "EVERSHELF_PORT": "0",
                    "EVERSHELF_CONTROL_PORT": "0",
                    "EVERSHELF_BUILD_PROCESSES": "2",  # the listener has a process, too
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self._log.read_text()

    def wait_for_url(self) -> str:
        """
        Return the request that the greeting names.
        """

        def look() -> list[str]:
            assert self.process.poll() is None, self._text()
            return re.findall(r"curl '(http://[^']+)'", self._text())

        return wait_for(look, timeout_s=START_S, what="the greeting")[-1]

    def _text(self) -> str:
        return self.text[self._began :]

    def children(self) -> list[psutil.Process]:
        return self.process.children(recursive=True)


@contextlib.contextmanager
def running(data_dir: Path, **environment: str) -> Iterator[Demo]:
    demo = Demo(data_dir, environment)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.process.kill()
        demo.process.wait()


def have_ended(processes: list[psutil.Process]) -> bool:
    return all(map(has_ended, processes))


def test_it_runs_stops_and_goes_on(tmp_path):
    """
    The greeting's request has an answer, and its last line is the page's address, where
    the desk is open. A signal stops all of it within five seconds.
    The next start finds what was written.
    """
    data_dir = tmp_path / "data"
    with running(data_dir) as demo:
        url = demo.wait_for_url()
        answer = ask(url)
        assert answer.status == HTTPStatus.OK
        assert len(answer.ids) == 3
        origin = url.split("/v1/")[0]
        wait_for(lambda: demo.text.rstrip().endswith(f"{origin}/ui/"))
        assert ask(f"{origin}/ui/").status == HTTPStatus.OK
        assert len(ask(f"{origin}/ui/desk/products?limit=2").ids) == 2
        uri = to_uri(Folder(data_dir / "mongod").lease().port)
        with MongoClient(uri) as client:
            assert client.shop.products.count_documents({}) == len(sample_products())
            client.shop.products.delete_many({"status": {"$ne": "approved"}})
            left = client.shop.products.count_documents({})
        children = demo.children()
        assert len(children) == 4
        began = time.monotonic()
        demo.process.send_signal(signal.SIGINT)

        assert demo.process.wait() == Exit.OK
        assert time.monotonic() - began < STOP_S
        assert have_ended(children)
    with running(data_dir) as demo:
        origin = demo.wait_for_url().split("/v1/")[0]

        def is_seen() -> bool:
            return ask(f"{origin}/v1/model").json["products"] == left

        wait_for(is_seen, timeout_s=START_S)
        demo.process.send_signal(signal.SIGTERM)
        assert demo.process.wait() == Exit.OK


def test_parts_that_are_killed_come_back(tmp_path):
    """
    Whichever process is killed, the database too, is started again.
    """
    with running(tmp_path / "data") as demo:
        url = demo.wait_for_url()
        for child in demo.children():
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended with another
                child.kill()

        def is_whole() -> bool:
            try:
                answer = ask(url)
            except ConnectionError:  # the server was killed while it answered
                return False
            return (
                answer.status == HTTPStatus.OK
                and not answer.json["model"]["stale"]
                and len(demo.children()) == 4
            )

        wait_for(is_whole, timeout_s=START_S)
        demo.process.send_signal(signal.SIGTERM)
        assert demo.process.wait() == Exit.OK


def test_nothing_outlives_it(tmp_path):
    """
    When it is killed itself, everything that it started ends too.
    """
    with running(tmp_path / "data") as demo:
        demo.wait_for_url()
        children = demo.children()
        demo.process.kill()
        demo.process.wait()

        wait_for(lambda: have_ended(children), timeout_s=START_S)


def test_a_shops_database_is_followed_and_not_written_to(
    tmp_path, mongo_uri, database, collection
):
    """
    With MONGODB_URI nothing is embedded, there is no desk, and that database stays as it
    is.
    """
    documents = [{"_id": word, "name": f"{word} kettle"} for word in ("red", "blue")]
    collection.insert_many(documents)
    uri = mongo_uri.replace("/?", f"/{database.name}?")
    with running(tmp_path / "data", MONGODB_URI=uri) as demo:
        assert len(ask(demo.wait_for_url()).ids) == 1
        assert not (tmp_path / "data" / "mongod").exists()
        assert len(demo.children()) == 3
        origin = demo.wait_for_url().split("/v1/")[0]
        assert ask(f"{origin}/ui/desk/products").status == HTTPStatus.NOT_FOUND
        demo.process.send_signal(signal.SIGTERM)
        assert demo.process.wait() == Exit.OK

    assert list(collection.find()) == documents
    assert database.list_collection_names() == ["products"]


def test_a_port_in_use_is_told(tmp_path, taken_port):
    """
    Nothing is started when the server's port is taken; the message names the setting.
    """
    with running(tmp_path / "data", EVERSHELF_PORT=str(taken_port)) as demo:
        assert demo.process.wait() == Exit.UNAVAILABLE
        assert f"port {taken_port}" in demo.text
        assert "EVERSHELF_PORT" in demo.text


def test_wrong_settings_are_told(tmp_path):
    """
    Settings of both processes that cannot be are named at once, before anything is
    started.
    """
    wrong = {"EVERSHELF_QUIET_S": "soon", "EVERSHELF_PORT": "fast"}
    with running(tmp_path / "data", **wrong) as demo:
        assert demo.process.wait() == Exit.SETTINGS
        assert "EVERSHELF_QUIET_S=soon" in demo.text
        assert "EVERSHELF_PORT=fast" in demo.text
    assert not (tmp_path / "data").exists()
