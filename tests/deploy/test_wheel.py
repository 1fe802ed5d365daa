"""
The wheel, installed from a package index into an environment that was empty.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from pymongo.collection import Collection
from pymongo.database import Database

from tests.support.processes import ROOT, Pair, Process, make_pair, to_uri
from tests.support.waiting import wait_for


PACKAGES: Final = ("listener", "recommender", "server")
SCRIPTS: Final = ("run_listener.py", "run_server.py")
PROJECT: Final = ("LICENSE", "README.md", "pyproject.toml")
PROGRAMS: Final = {
    "evershelf-listener": "run_listener.py",
    "evershelf-server": "run_server.py",
}
INSTALL_S: Final = 240  # hundreds of megabytes
COMPILE_S: Final = 240.0  # of the kernels, at the first start, on a busy machine

pytestmark = pytest.mark.xdist_group("wheel")  # one installation is enough


def uv(*arguments: object) -> None:
    """
    Run it, as the suite's own environment has it.
    """
    program = Path(sys.executable).with_name("uv")
    done = subprocess.run(
        [program, *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=INSTALL_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(name="wheel", scope="module")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The wheel, built from nothing but what it is made of.
    """
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in PACKAGES:
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=left_out)
    for name in SCRIPTS + PROJECT:
        shutil.copy(ROOT / name, source)
    uv("build", "--wheel", "--out-dir", folder, source)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(name="installed", scope="module")
def _installed(wheel: Path) -> Path:
    """
    The folder of programs of an environment that has the wheel and what it needs, in
    the versions that are pinned.
    """
    environment = wheel.parent / "environment"
    uv("venv", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    pins = ROOT / "requirements.lock"
    uv("pip", "install", "--python", python, "--constraint", pins, wheel)
    return python.parent


def to_said(command: list[object], folder: Path) -> tuple[int, str]:
    """
    Return the exit code of a program, and all that it says, in one line.
    """
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False, timeout=COMPILE_S,
    )  # fmt: skip
    return done.returncode, " ".join(done.stdout.split())  # lines break by name


def test_it_holds_every_file(wheel: Path) -> None:
    """
    All of the three packages is in it, the page, the client and the sample included,
    and nothing but them and the two scripts.
    """
    held = {
        name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name
    }
    source = wheel.parent / "source"
    files = [path for name in PACKAGES for path in (source / name).rglob("*")]
    wanted = {str(p.relative_to(source)) for p in files if p.is_file()}

    assert held == wanted | set(SCRIPTS)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("argument", ["--print-config", "--no-such-flag"])
def test_programs_are_the_scripts(
    installed: Path, tmp_path: Path, program: str, argument: str
) -> None:
    """
    An installed program does what the script behind it does, under its own name.
    """
    script = PROGRAMS[program]

    code, said = to_said([installed / program, argument], tmp_path)

    there = to_said([sys.executable, ROOT / script, argument], tmp_path)
    assert (code, said.replace(program, script)) == there


@pytest.fixture(name="pair")
def _pair(
    installed: Path, tmp_path: Path, mongo_uri: str, database: Database[dict[str, Any]]
) -> Iterator[Pair]:
    """
    A listener and a server from the wheel, not started yet.
    """
    with make_pair(tmp_path, to_uri(mongo_uri, database.name)) as pair:
        for name in ("listener", "server"):
            program = str(installed / f"evershelf-{name}")
            log = tmp_path / f"{name}.log"
            setattr(pair, name, Process(program, [], pair.environment, log))
        yield pair


def test_the_pair_follows_and_serves(
    pair: Pair, collection: Collection[dict[str, Any]]
) -> None:
    """
    What is installed follows a collection and answers, the page and the client
    included.
    """
    collection.insert_many(
        [{"_id": f"p{n}", "name": "blue enamel kettle"} for n in range(3)]
    )

    pair.listener.start()
    pair.listener.wait_for_log("listener.state", state="following", timeout_s=COMPILE_S)
    pair.server.start()
    wait_for(lambda: pair.get("/health/ready").status == 200, timeout_s=COMPILE_S)

    assert sorted(pair.similar("p0")) == ["p1", "p2"]
    assert b"<html" in pair.get("/ui/").body
    assert pair.get("/client.js").status == 200
    assert (pair.listener.stop(), pair.server.stop()) == (0, 0)
