"""
What a newcomer is told to type exists, and what is installed is pinned.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib

from pathlib import Path

import pytest

from packaging.requirements import Requirement


ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = dict(re.findall(r"^([a-z]+):.*?(?:## (.+))?$", MAKEFILE, re.MULTILINE))
LOCK = (ROOT / "requirements.lock").read_text()
PINS = re.findall(r"^(\S+?)==([^ ;\\]+)", LOCK, re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WANTED = [
    Requirement(line)
    for lines in (
        PROJECT["dependencies"],
        *PROJECT["optional-dependencies"].values(),
    )
    for line in lines
]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_target_says_what_it_does(name):
    """
    `make help` has a line for each target.
    """
    assert TARGETS[name]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_of_the_pages_exist(path):
    """
    Each `make` target and each script that a page tells to run is there.
    """
    text = path.read_text()
    commands = re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)
    scripts = re.findall(r"\b(run_\w+\.py)", text)

    assert set(commands) <= TARGETS.keys()
    assert all((ROOT / script).is_file() for script in scripts)


def test_the_readme_shows_the_two_commands():
    """
    The first screen has what does everything.
    """
    assert {"run", "test"} <= set(
        re.findall(r"^make ([a-z]+)", PAGES[0].read_text(), re.MULTILINE)
    )


def test_help_is_the_default():
    """
    Plain `make` explains itself, and changes nothing.
    """
    make = shutil.which("make")
    assert make is not None
    said = subprocess.run(
        [make, "--directory", ROOT], capture_output=True, text=True, check=True
    )

    assert all(f"make {name} " in said.stdout for name in TARGETS)


def test_the_lock_names_no_address():
    """
    The lock says what, never from where.
    """
    assert "://" not in LOCK
    assert "--index" not in LOCK
    assert "--find-links" not in LOCK
    assert "--extra-index" not in LOCK
    assert " @ " not in LOCK
    assert "file:" not in LOCK


def test_every_pin_has_hashes():
    """
    Nothing is installed that is not what was locked.
    """
    blocks = re.split(r"\n(?=\S)", LOCK.strip())

    assert len(blocks) == len(PINS)
    for block in blocks:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.split()[0]


@pytest.mark.parametrize("name", ["linters", "audit"])
def test_tools_are_pinned_by_hash_too(name):
    """
    What `make` installs beside is what was locked, from nowhere in particular.
    """
    lock = (ROOT / f"deploy/{name}.lock").read_text()

    assert "://" not in lock
    for block in re.split(r"\n(?=\S)", lock.strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.split()[0]


def test_an_audit_that_cannot_ask_fails():
    """
    `make audit` is strict, of all that is pinned, and passes over no error.
    """
    recipe = MAKEFILE.partition("\naudit:")[2].partition("\n\n")[0]

    assert "pip-audit --strict" in recipe
    assert "-r requirements.lock" in recipe
    assert "||" not in recipe
    assert not re.search(r"^\t@?-\w", recipe, re.MULTILINE)


@pytest.mark.parametrize("wanted", WANTED, ids=lambda wanted: wanted.name)
def test_the_lock_holds_what_the_project_asks_for(wanted):
    """
    Each dependency is pinned, to a version that the project allows.
    """
    versions = [version for name, version in PINS if name == wanted.name]

    assert versions
    assert all(wanted.specifier.contains(version) for version in versions)
