"""
The tables of docs/configuration.md, written from the settings themselves.
"""

from __future__ import annotations

import re
import sys

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from recommender.effective import ERRAND
from recommender.settings import (
    ListenerSettings,
    ServerSettings,
    Settings,
    to_flag,
    to_text,
    to_variable,
)


TABLES: Final[dict[str, type[Settings]]] = {
    "Both": Settings,
    "The listener": ListenerSettings,
    "The server": ServerSettings,
}
HEAD: Final = "| variable | flag | default | what |\n|---|---|---|---|\n"


def to_rows(kind: type[Settings]) -> Iterator[str]:
    """
    Yield a line for each setting that *kind* has and its base has not.
    """
    shared = set() if kind is Settings else set(Settings.model_fields)
    for name, field in kind.model_fields.items():
        if name not in shared | ERRAND:
            default = to_text(field.default)
            shown = f"`{default}`" if default else ""
            yield (
                f"| `{to_variable(kind, name)}` | `{to_flag(name)}` | {shown} "
                f"| {field.description} |\n"
            )


def with_tables(page: str) -> str:
    """
    Return the page with the table under each heading of `TABLES` written anew.

    Raises:
        ValueError: There is no table under one of them.
    """
    for heading, kind in TABLES.items():
        table = HEAD + "".join(to_rows(kind))
        literal = table.replace("\\", r"\\")  # a default may hold one
        page, found = re.subn(rf"(?m)(?<=^## {heading}\n\n)(?:\|.*\n)+", literal, page)
        if found != 1:
            msg = f"the page has no table under {heading!r}"
            raise ValueError(msg)
    return page


def main(path: Path) -> None:
    """
    Write the tables of the page at *path* anew.
    """
    path.write_text(with_tables(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
