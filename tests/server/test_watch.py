import contextlib
import threading
import time

from pathlib import Path

import pytest

from asyncinotify import Event, Mask

from server.watch import ALL, NoticeWatch, PollWatch, watch


LONG_S = 30.0


@pytest.fixture(name="folder")
def _folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    return folder


@pytest.fixture(name="watching", params=[NoticeWatch, PollWatch])
def _watching(request, folder):
    with contextlib.closing(request.param(folder)) as watching:
        watching.wait(0)  # the first call may return at once
        yield watching


def move(folder, content="x"):
    beside = folder / "current.json.new"
    beside.write_text(content)
    beside.replace(folder / "current.json")


def is_told(watching):
    """
    Whether `wait` returns long before its timeout.
    """
    started_s = time.monotonic()
    watching.wait(LONG_S)
    return time.monotonic() - started_s < LONG_S / 2


def test_rename_is_told(watching, folder):
    """
    A pointer that was renamed into place since the last call ends the wait.
    """
    for content in "abc":
        move(folder, content)
        assert is_told(watching)


def test_rename_during_the_wait_is_told(watching, folder):
    """
    A pointer that is renamed into place while somebody waits ends the wait.
    """
    timer = threading.Timer(0.02, move, [folder])
    timer.start()

    assert is_told(watching)

    timer.join()


def test_nothing_happens(watching):
    """
    Without a change the wait ends at the timeout, and everything is looked at.
    """
    started_s = time.monotonic()

    assert watching.wait(0.02) == ALL

    assert time.monotonic() - started_s >= 0.02


def test_which_pointer(folder):
    """
    The kernel tells which of them was renamed.
    """
    with contextlib.closing(NoticeWatch(folder)) as watching:
        assert watching.wait(0) == ALL
        move(folder)
        assert watching.wait(LONG_S) == {"current.json"}
        assert watching.wait(0.02) == ALL


def test_more_than_the_kernel_keeps(folder, monkeypatch):
    """
    When notices were lost, everything is looked at.
    """
    with contextlib.closing(NoticeWatch(folder)) as watching:
        watching.wait(0)
        lost = Event(None, Mask.Q_OVERFLOW, 0, None)
        told = Event(None, Mask.MOVED_TO, 0, Path("position.json"))
        monkeypatch.setattr(watching, "_inotify", [told, lost])
        assert watching.wait(0) == ALL
        monkeypatch.undo()


def test_folder_that_is_made_anew_is_followed(watching, folder):
    """
    After the folder has been removed and made again its renames are told, though the
    new one may have the number of the old one.
    """
    move(folder)
    watching.wait(LONG_S)
    (folder / "current.json").unlink()
    folder.rmdir()
    folder.mkdir()
    for _ in range(3):  # notices that the old one has gone, and finds the new one
        watching.wait(0.02)

    move(folder)

    assert is_told(watching)


@pytest.mark.parametrize("kind", [NoticeWatch, PollWatch])
def test_folder_that_is_not_there_yet(tmp_path, kind):
    """
    A folder that appears later is followed from then on.
    """
    folder = tmp_path / "later" / "model"
    with contextlib.closing(kind(folder)) as watching:
        watching.wait(0.01)
        folder.mkdir(parents=True)
        watching.wait(0.01)

        move(folder)

        assert is_told(watching)


def test_stop_ends_every_wait(watching):
    """
    Once stopped nobody waits any more.
    """
    watching.stop()

    assert is_told(watching)
    assert is_told(watching)


def test_system_without_notices_left_is_polled(monkeypatch, folder):
    """
    When the kernel refuses another watch the folder is looked at instead.
    """

    def refuse(**_):
        raise OSError

    monkeypatch.setattr("server.watch.Inotify", refuse)

    assert isinstance(watch(folder), PollWatch)
