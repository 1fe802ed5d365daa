"""
What the documents tell people to type is understood by what it is typed for.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
import subprocess

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import pytest

from multidict import MultiDict

from recommender.settings import (
    ListenerSettings,
    ServerSettings,
    load_settings,
    to_variable,
)
from server.contract import OPERATIONS
from server.params import parse


ROOT: Final = Path(__file__).parents[1]
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PROGRAMS: Final = {"run_listener.py": ListenerSettings, "run_server.py": ServerSettings}
# Programs that are not ours, and what keeps these lines from being tried here.
OTHERS: Final = {
    "sudo": "changes the host; tests/deploy checks the files that it installs",
    "docker": "not installed; the files are linted",
    "kubectl": "not installed; the files are linted",
    "python3": "makes an environment; tests/deploy/test_wheel.py does",
    "/opt/evershelf/bin/pip": "tests/deploy/test_wheel.py installs the wheel",
}
# Modules that are run, and take no arguments that could be looked at.
PLAIN_MODULES: Final = ("uv",)


def blocks() -> Iterator[tuple[str, list[str]]]:
    """
    Yield the lines to type that stand together, with the page that they are on.
    """
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
            yield page.name, list(split(block))


def split(block: str) -> Iterator[str]:
    """
    Yield the commands of a block; a text in quotation marks may take several lines.
    """
    command = ""
    for line in block.splitlines():
        command = f"{command}\n{line}" if command else line
        if is_whole(command):
            if to_words(command):
                yield command
            command = ""
    assert not command


def is_whole(command: str) -> bool:
    """
    Say whether all quotation marks are closed.
    """
    try:
        to_words(command)
    except ValueError:
        return False
    return True


def to_words(command: str) -> list[str]:
    """
    Return the words of a command, without what is said about it.
    """
    return shlex.split(command, comments=True)


SETTING: Final = re.compile(r"(?:export )?([A-Z_]+)=")
BLOCKS: Final = list(blocks())
COMMANDS: Final = sorted(
    {
        (page, line)
        for page, lines in BLOCKS
        for line in lines
        if not SETTING.match(line)
    }
)
SETTINGS: Final = [
    (page, settings)
    for page, lines in BLOCKS
    if (settings := [line for line in lines if SETTING.match(line)])
]


@pytest.mark.parametrize(
    ("page", "command"), COMMANDS, ids=[f"{p}: {c[:60]}" for p, c in COMMANDS]
)
def test_command(page: str, command: str) -> None:
    """
    The program, the target, the flag, the setting or the door that it names exists.
    """
    words = to_words(command)

    match words:
        case ["make", *arguments]:
            check_make(arguments)
        case [".venv/bin/python", "-m", module, *arguments]:
            check_module(module, arguments)
        case [".venv/bin/python", script, *arguments]:
            load_settings(PROGRAMS[script], arguments)
        case ["curl", *arguments]:
            check_request(arguments)
        case [program, *_]:
            assert program in OTHERS, page


@pytest.mark.parametrize(("page", "settings"), SETTINGS)
def test_settings(
    page: str, settings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The variables exist, and make sense together.
    """
    known = {
        to_variable(kind, field)
        for kind in PROGRAMS.values()
        for field in kind.model_fields
    }
    for setting in settings:
        name, _, value = to_words(setting)[-1].partition("=")
        assert name in known, page
        monkeypatch.setenv(name, value)
    for kind in PROGRAMS.values():
        load_settings(kind, [])


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Be where no settings file is.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1/shop")


def check_make(arguments: list[str]) -> None:
    """
    Its targets exist, and take these variables.
    """
    said = subprocess.run(
        ["make", "--dry-run", "--directory", ROOT, *arguments],  # noqa: S607
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    for argument in arguments:
        name, is_variable, value = argument.partition("=")
        if is_variable:
            assert f"$({name})" in (ROOT / "Makefile").read_text()
            assert value in said.stdout


def check_module(module: str, arguments: list[str]) -> None:
    assert importlib.util.find_spec(module) is not None
    if module not in PLAIN_MODULES:
        importlib.import_module(f"{module}.__main__")._parser().parse_args(arguments)


def check_request(arguments: list[str]) -> None:
    """
    There is such a door, and it takes these parameters.
    """
    (url,) = [each for each in arguments if each.startswith("http://")]
    method = "POST" if {"-d", "POST"} & set(arguments) else "GET"
    parts = urlsplit(url)
    (operation,) = [
        each
        for each in OPERATIONS
        if each.method == method
        and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", each.path), parts.path)
    ]
    parse(operation.takes, MultiDict(parse_qsl(parts.query)))


def test_no_reason_is_left_over() -> None:
    """
    Each program that is excused is on a page.
    """
    used = {to_words(command)[0] for _, command in COMMANDS}

    assert set(OTHERS) <= used
