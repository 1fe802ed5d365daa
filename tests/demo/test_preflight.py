"""
What a machine lacks, and the command that mends it.
"""

from __future__ import annotations

import os

from pathlib import Path

import pytest

from listener.demo import preflight
from listener.demo.errors import DemoFault
from listener.demo.preflight import require_runnable


def make_program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_one_that_runs_passes(tmp_path):
    """
    A program that tells its version is taken.
    """
    require_runnable(make_program(tmp_path / "mongod", "exit 0"))


def test_missing_libraries_are_named_with_the_command(tmp_path, monkeypatch):
    """
    All libraries that the linker misses are named, and the packages that bring them.
    """
    mongod = make_program(
        tmp_path / "mongod",
        "echo 'mongod: error while loading shared libraries: libcurl.so.4: "
        "cannot open shared object file: No such file or directory' >&2; exit 127",
    )
    make_program(
        tmp_path / "ldd",
        "echo ' libcurl.so.4 => not found'; echo ' libssl.so.3 => not found'; "
        "echo ' libcrypto.so.3 => not found'; echo ' libc.so.6 => /lib/libc.so.6 (0x0)'",
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(DemoFault) as caught:
        require_runnable(mongod)

    assert "lacks libcrypto.so.3, libcurl.so.4, libssl.so.3" in str(caught.value)
    assert "Run: sudo apt-get install -y libcurl4 libssl3 " in str(caught.value)


def test_the_first_library_is_named_without_a_linker(tmp_path, monkeypatch):
    """
    Where there is no ldd the program's own complaint is read.
    """
    mongod = make_program(
        tmp_path / "mongod",
        "echo 'libcurl.so.4: cannot open shared object file' >&2; exit 127",
    )
    monkeypatch.setattr(preflight.shutil, "which", lambda _name: None)
    with pytest.raises(DemoFault, match=r"lacks libcurl\.so\.4,.*libcurl4"):
        require_runnable(mongod)


def test_an_unknown_library_is_named_too(tmp_path, monkeypatch):
    """
    A library of no package that we know is named all the same.
    """
    mongod = make_program(
        tmp_path / "mongod", "echo 'libodd.so.7: cannot open' >&2; exit 127"
    )
    monkeypatch.setattr(preflight.shutil, "which", lambda _name: None)
    with pytest.raises(DemoFault, match=r"install what brings libodd\.so\.7"):
        require_runnable(mongod)


def test_an_old_processor_is_named(tmp_path):
    """
    An illegal instruction is told as what it is.
    """
    mongod = make_program(tmp_path / "mongod", "kill -ILL $$")
    with pytest.raises(DemoFault, match="processor"):
        require_runnable(mongod)


def test_what_it_says_is_passed_on(tmp_path):
    """
    Any other failure is told in the program's own words.
    """
    mongod = make_program(
        tmp_path / "mongod", "echo 'GLIBC_2.34 not found' >&2; exit 1"
    )
    with pytest.raises(DemoFault, match=r"GLIBC_2\.34 not found.*Debian 12"):
        require_runnable(mongod)


def test_the_command_says_what_is_lacking(monkeypatch, tmp_path, capsys):
    """
    `python -m listener.demo.preflight` prints the fault and ends with 1.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVERSHELF_MONGOD", str(tmp_path / "missing"))

    assert preflight.main() == 1
    assert "EVERSHELF_MONGOD" in capsys.readouterr().err


def test_the_command_asks_nothing_of_those_with_their_own_database(
    monkeypatch, tmp_path
):
    """
    With MONGODB_URI no mongod is needed.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVERSHELF_MONGOD", str(tmp_path / "missing"))
    monkeypatch.setenv("MONGODB_URI", "mongodb://db.example/shop")

    assert preflight.main() == 0
