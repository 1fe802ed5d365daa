"""
Which paths lead to values in a sample of documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final


Document = Mapping[str, Any]

DEEPEST: Final = 5  # steps; shops nest prices about so deep
MOST_PATHS: Final = 400  # beyond that, names are data: ids as keys, attributes
MOST_ELEMENTS: Final = 5  # of a list that are looked into
LONGEST_PATH: Final = 200  # characters


def paths_of(documents: Iterable[Document]) -> dict[str, bool]:
    """
    Return the dotted paths that lead somewhere, in the order in which they are met;
    and of each whether it leads through a list of objects.

    Names that a path cannot spell are left out, and what is beyond the limits here.
    """
    found: dict[str, bool] = {}
    for document in documents:
        for path, is_one_of_many in _walk(document, "", DEEPEST):
            if path in found or len(found) < MOST_PATHS:
                found[path] = found.get(path, False) or is_one_of_many
    return found


def _walk(
    value: Document, before: str, depth: int, *, is_one_of_many: bool = False
) -> Iterator[tuple[str, bool]]:
    if depth == 0:
        return
    for name, inner in value.items():
        path = f"{before}{name}"
        if not _is_spelled(name) or len(path) > LONGEST_PATH:
            continue
        yield path, is_one_of_many
        is_list = isinstance(inner, list)
        for one in inner[:MOST_ELEMENTS] if isinstance(inner, list) else [inner]:
            if isinstance(one, Mapping):
                yield from _walk(
                    one, f"{path}.", depth - 1, is_one_of_many=is_one_of_many or is_list
                )


def _is_spelled(name: str) -> bool:
    return bool(name) and "." not in name and name[0] != "$" and name.isprintable()
