"""
What the documents tell people to type.
"""

from __future__ import annotations

import re
import shlex

from collections.abc import Iterator
from pathlib import Path
from typing import Final


ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK: Final = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT: Final = re.compile(r"\s+# .*$")
SETTING: Final = re.compile(r"(?:export )?([A-Z][A-Z_]+)=('[^']*'|\S*)")


def blocks() -> Iterator[tuple[str, list[str]]]:
    """
    Yield the name of the page and the commands of each block of shell in it.
    """
    for page in PAGES:
        for text in BLOCK.findall(page.read_text()):
            yield page.name, list(_commands(text))


def to_settings(commands: list[str]) -> dict[str, str]:
    """
    Return the variables that a block sets, as a shell would.
    """
    found = (SETTING.fullmatch(command) for command in commands)
    return {one[1]: "".join(shlex.split(one[2])) for one in found if one}


def is_setting(command: str) -> bool:
    """
    Return whether a command does nothing but set a variable.
    """
    return SETTING.fullmatch(command) is not None


def _commands(text: str) -> Iterator[str]:
    """
    Yield each command without its comment; one goes on until its quotes are closed.
    """
    command = ""
    for line in text.splitlines():
        command = f"{command}\n{line}" if command else COMMENT.sub("", line)
        if command and _is_whole(command):
            yield command
            command = ""
    assert not command, command


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.endswith("\\")
