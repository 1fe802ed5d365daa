import os
import subprocess
import sys
import threading

from pathlib import Path

import pytest

from recommender import store as stores
from recommender.errors import (
    StoreLocked,
    StoreUnusable,
)
from recommender.store import (
    LOCK,
    Store,
    StoreReader,
)


OPEN_FILES = Path("/proc/self/fd")


def test_two_listeners(store, tmp_path):
    """
    A second listener is refused, in this process or another, until the first ends.
    """
    folder = tmp_path / "model"
    script = (
        "import fcntl, sys; file = open(sys.argv[1]); "
        "fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    command = [sys.executable, "-c", script, folder / LOCK]

    with pytest.raises(StoreLocked, match="another listener holds"):
        Store.open(folder)
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "BlockingIOError" in other.stderr
    store.close()
    Store.open(folder).close()


def test_folder_that_cannot_be_made(tmp_path):
    """
    It is named, and what to do about it.
    """
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreUnusable, match=r"file/model.*EVERSHELF_DATA_DIR"):
        Store.open(tmp_path / "file" / "model")


def test_asking_keeps_nobody_out(tmp_path):
    """
    Those who only ask whether the store is held, however often, keep no listener from
    it, and see who holds it.
    """
    reader = StoreReader(tmp_path)
    assert not reader.is_held()
    stopping = threading.Event()

    def ask():
        while not stopping.is_set():
            reader.is_held()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(200):
            with Store.open(tmp_path):
                assert reader.is_held()
    finally:
        stopping.set()
        asking.join()
    assert not reader.is_held()


def test_closing_twice(store):
    """
    A store that is closed again closes nobody else's file.
    """
    store.close()
    with Path(os.devnull).open("rb") as reused:
        store.close()
        assert reused.read() == b""


def test_lock_that_cannot_be_had_is_not_another_listener(tmp_path, monkeypatch):
    """
    A file system without locks is told as what it is, and no descriptor is left open.
    """

    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(stores.fcntl, "flock", refuse)
    before = len(list(OPEN_FILES.iterdir()))

    with pytest.raises(OSError, match="No locks available"):
        Store.open(tmp_path)
    assert len(list(OPEN_FILES.iterdir())) == before
