"""
A mongod of our own, through what may happen to it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from pathlib import Path

import psutil
import pytest

from pymongo import MongoClient

from listener.demo.errors import DemoFault, FolderTaken, PortTaken
from listener.demo.mongod import Mongod
from listener.demo.replica_set import connect, make_primary
from tests.support.mongo import make_mongod, replica_set
from tests.support.processes import has_ended


def write(mongod: Mongod) -> None:
    with MongoClient(mongod.uri) as client:
        client.shop.products.insert_one({"_id": 1})


def read(mongod: Mongod) -> object:
    with MongoClient(mongod.uri) as client:
        return client.shop.products.find_one()


def test_it_takes_writes_and_changes_are_followed(collection):
    """
    What starts is a replica set, whose changes can be followed.
    """
    with collection.watch() as stream:
        collection.insert_one({"_id": 1})

        assert next(stream)["documentKey"] == {"_id": 1}


def test_a_killed_one_goes_on_where_it_was(tmp_path):
    """
    After a crash the same port serves the same documents.
    """
    with make_mongod(tmp_path) as mongod:
        write(mongod)
        port = mongod.port
        mongod.kill()
        mongod.start()

        assert mongod.port == port
        assert read(mongod) == {"_id": 1}


def test_the_port_is_kept_between_runs(tmp_path):
    """
    Another run on the same folder listens on the same port.
    """
    with make_mongod(tmp_path) as first:
        pass
    with make_mongod(tmp_path) as second:
        assert second.port == first.port


def test_the_data_move_to_another_port(tmp_path, free_port):
    """
    A replica set made on one port goes on with its data on another.
    """
    with make_mongod(tmp_path) as mongod:
        write(mongod)
    with make_mongod(tmp_path, port=free_port) as moved:
        assert moved.port == free_port
        assert read(moved) == {"_id": 1}


def test_one_that_still_reads_what_it_is_is_asked_again(tmp_path):
    """
    While it starts, a mongod says that it is no replica set yet, and that it cannot
    become one.
    """
    with make_mongod(tmp_path) as mongod:
        write(mongod)
        with connect(mongod.port) as client:
            client.admin.command(
                "configureFailPoint",
                "failCommand",
                mode={"times": 3},
                data={"failCommands": ["replSetGetConfig"], "errorCode": 94},
            )
            make_primary(mongod.port, timeout_s=10)
            assert client.admin.command("replSetGetConfig")["config"]["version"] == 1
        assert read(mongod) == {"_id": 1}


def test_a_recorded_port_in_use_is_given_up(tmp_path, taken_port):
    """
    A port that was only remembered, and is taken now, is replaced by a free one.
    """
    (tmp_path / "lease").write_text(f"{taken_port} 1\n")
    with make_mongod(tmp_path) as mongod:
        assert mongod.port != taken_port


def test_a_chosen_port_in_use_is_named(tmp_path, taken_port):
    """
    A port that the user has chosen, and that is taken, is an error that names it.
    """
    with pytest.raises(PortTaken, match=str(taken_port)):
        make_mongod(tmp_path, port=taken_port).start()


def test_a_second_one_on_the_folder_is_refused(tmp_path):
    """
    Two never share a folder; the message names the process that has it.
    """
    with make_mongod(tmp_path) as mongod:
        with pytest.raises(FolderTaken, match=str(mongod.pid)):
            make_mongod(tmp_path).start()
        write(mongod)


def test_one_that_ends_by_itself_is_told(tmp_path):
    """
    What mongod says before it ends is part of the message.
    """
    with pytest.raises(DemoFault, match="nonsense"):
        make_mongod(tmp_path, options=["--nonsense"]).start()


def test_one_left_behind_is_named_in_the_end(tmp_path, monkeypatch):
    """
    One whose owner is gone is given time to end, and named if it does not.
    """
    monkeypatch.setattr("listener.demo.mongod.LEFTOVER_S", 0.1)
    with make_mongod(tmp_path) as mongod:
        (tmp_path / "lease").unlink()
        with pytest.raises(FolderTaken, match=f"kill -9 {mongod.pid}"):
            make_mongod(tmp_path).start()


@pytest.mark.parametrize("state", ["running", "suspended"])
def test_stop_is_bounded(tmp_path, state):
    """
    It ends in time and leaves no process, even when it was suspended.
    """
    mongod = make_mongod(tmp_path)
    mongod.start()
    pid = mongod.pid
    if state == "suspended":
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    mongod.stop()

    assert time.monotonic() - began < 5
    assert not psutil.pid_exists(pid)
    mongod.stop()  # and a second time is no error


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's kernel promises it")
def test_it_ends_with_its_parent(tmp_path):
    """
    When the process that started it is killed, it shuts down; the next one waits for
    that, and finds what was written.
    """
    script = (
        "import sys; from pathlib import Path; from tests.support.mongo import *\n"
        "mongod = make_mongod(Path(sys.argv[1])); mongod.start()\n"
        "print(mongod.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with parent:
        orphan = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    with make_mongod(tmp_path) as mongod:
        assert has_ended(orphan)
        write(mongod)


def test_three_elect_one(tmp_path):
    """
    Three are one database; its first member takes the writes, and when that is killed
    another does.
    """
    with (
        replica_set(tmp_path) as members,
        MongoClient(members.uri, w="majority") as client,
    ):
        client.shop.products.insert_one({"_id": 1})
        assert client.primary == ("127.0.0.1", members.members[0].port)
        members.members[0].kill()
        client.shop.products.insert_one({"_id": 2})

        assert client.primary != ("127.0.0.1", members.members[0].port)
