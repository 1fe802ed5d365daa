"""
The collections that products refer to, such as those of categories and brands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from listener.values.categories import DEEPEST_PATH
from listener.values.paths import Path
from listener.values.references import Named, is_id, to_references
from recommender.settings import ListenerSettings


ROLES: Final = ("category", "brand")


@dataclass(frozen=True, slots=True)
class Lookup:
    """
    A collection whose documents give a field of products its names.

    Attributes:
        role: The field, as settings name it: "category", "brand".
        collection: The collection's name.
        fields: Where a product refers to its documents.
        name: Where such a document has its name.
        parent: Where it refers to the one above it; None: there are no levels.
    """

    role: str
    collection: str
    fields: tuple[Path, ...]
    name: Path
    parent: Path | None

    @property
    def roots(self) -> tuple[str, ...]:
        """
        The fields of such a document that are read, beside its `_id`.
        """
        paths = (self.name, self.parent) if self.parent else (self.name,)
        return tuple(dict.fromkeys(path.root for path in paths))

    def references(self, documents: Iterable[Mapping[str, Any]]) -> Iterator[object]:
        """
        Yield what products may refer to, often many times the same.
        """
        for document in documents:
            for path in self.fields:
                yield from to_references(document, path)

    def parent_of(self, document: Mapping[str, Any]) -> object:
        """
        Return the `_id` of the document above; None when there is none.
        """
        above = self.parent.find(document) if self.parent else None
        return above if is_id(above) else None

    def to_named(self, known: Mapping[object, Mapping[str, Any]]) -> Named:
        """
        Return each of *known*, by `_id`, as an object with its name and its parent, as
        far as those above it are known; a circle ends where it began.
        """
        return {id_: self._to_object(id_, known) for id_ in known}

    def _to_object(
        self, id_: object, known: Mapping[object, Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        line: list[object] = []
        while id_ in known and id_ not in line and len(line) < DEEPEST_PATH:
            line.append(id_)
            id_ = self.parent_of(known[id_])
        found: dict[str, Any] = {}
        for one in reversed(line):
            above = {"parent": found} if found else {}
            found = {"name": self.name.find(known[one]), **above}
        return found


def to_lookups(settings: ListenerSettings) -> tuple[Lookup, ...]:
    """
    Return the collections that the settings name.
    """
    found = []
    for role in ROLES:
        collection = getattr(settings, f"{role}_collection")
        parent = getattr(settings, f"{role}_parent", "")
        if collection:
            found.append(
                Lookup(
                    role,
                    collection,
                    tuple(map(Path.parse, getattr(settings, f"{role}_fields"))),
                    Path.parse(getattr(settings, f"{role}_name")),
                    Path.parse(parent) if parent else None,
                )
            )
    return tuple(found)
