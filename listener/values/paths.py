"""
Where a value is in a document: dotted paths, walked as MongoDB walks them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, Final


class Missing:
    """
    What a path leads to where the document has nothing, not even null.
    """


MISSING: Final = Missing()


class Whole(list[Any]):
    """
    An array that a path leads to by its place in another: queries take it as one
    value and don't look at its elements.
    """


@dataclass(frozen=True, slots=True)
class Path:
    """
    A dotted path, such as "variants.price" or "images.0.src".

    Attributes:
        steps: Names of fields; one that is a number is also a place in an array.
    """

    steps: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Path:
        """
        Return the path that *text* spells.
        """
        return cls(tuple(text.split(".")))

    @property
    def root(self) -> str:
        """
        The field of the document that it begins at.
        """
        return self.steps[0]

    @property
    def finder(self) -> Callable[[Mapping[str, Any]], Any]:
        """
        `find`, or what does the same sooner.
        """
        return methodcaller("get", self.root) if len(self.steps) == 1 else self.find

    def find(self, document: Mapping[str, Any]) -> Any:
        """
        Return the value here; None when there is none; a list of the values when an
        array on the way leads to several.
        """
        found = [leaf for leaf in self.leaves(document) if leaf is not MISSING]
        if len(found) == 1:
            return found[0]
        return found or None

    def leaves(self, document: Mapping[str, Any]) -> list[Any]:
        """
        Return the value at the end of each branch, `MISSING` where one breaks off.

        An array on the way branches into those of its elements that are documents.
        """
        if len(self.steps) == 1:  # nothing is on the way
            return [document.get(self.root, MISSING)]
        leaves: list[Any] = []
        _walk(document, self.steps, leaves)
        return leaves


def _walk(value: object, steps: tuple[str, ...], leaves: list[Any]) -> None:
    for at, step in enumerate(steps):
        if isinstance(value, list):
            _branch(value, steps[at:], leaves)
            return
        if not isinstance(value, Mapping) or step not in value:
            leaves.append(MISSING)
            return
        value = value[step]
    leaves.append(value)


def _branch(array: list[Any], steps: tuple[str, ...], leaves: list[Any]) -> None:
    if _is_place(steps[0]) and int(steps[0]) < len(array):
        _enter(array[int(steps[0])], steps[1:], leaves)
    for item in array:
        if isinstance(item, Mapping):
            _walk(item, steps, leaves)


def _enter(item: object, steps: tuple[str, ...], leaves: list[Any]) -> None:
    """
    Go on from an element that was named by its place.
    """
    if not steps:
        leaves.append(Whole(item) if isinstance(item, list) else item)
    elif isinstance(item, list | Mapping):
        _walk(item, steps, leaves)


def _is_place(step: str) -> bool:
    return step.isascii() and step.isdigit() and (step == "0" or step[0] != "0")
