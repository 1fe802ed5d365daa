"""
Which fields of a document say what of a product, and what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from listener.values.attributes import plain_attributes, to_attributes
from listener.values.categories import plain_category, to_category
from listener.values.images import plain_image, to_image
from listener.values.numbers import (
    Stock,
    plain_amount,
    plain_stock,
    to_amount,
    to_stock,
)
from listener.values.paths import Path
from listener.values.references import NO_NAMES, Named, Names, find_named
from listener.values.texts import (
    plain_label,
    plain_name,
    plain_tags,
    plain_text,
    to_label,
    to_name,
    to_tags,
    to_text,
)
from listener.values.times import plain_unix_s, to_unix_s
from listener.values.usable import (
    Converter,
    Shortcut,
    Unusable,
    bounded,
    first_usable,
)
from recommender.settings import ListenerSettings


T = TypeVar("T")
Finders = Sequence[Callable[[Mapping[str, Any]], Any]]


@dataclass(frozen=True, slots=True)
class Problem:
    """
    What of a document could not be used.

    Attributes:
        field: Of the product, as settings name it: "price", "tags".
        reason: What is wrong, in a few words; never any of the value, so that there
            are few different ones.
    """

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class Field(Generic[T]):
    """
    Where a value of a product may be, and how it becomes of its type.
    """

    __slots__ = ("_convert", "_finders", "_paths", "_shortcut", "name")

    def __init__(
        self,
        name: str,
        paths: Iterable[Path],
        convert: Converter[T],
        shortcut: Shortcut[T],
    ) -> None:
        self.name = name
        self._paths = tuple(paths)
        self._finders: Finders = tuple(path.finder for path in self._paths)
        self._convert = bounded(convert)
        self._shortcut = shortcut

    def read(
        self,
        document: Mapping[str, Any],
        problems: list[Problem],
        named: Named | None = None,
    ) -> T | None:
        """
        Return the value at the first path that has a usable one; None when none has.

        A problem is added when there are only unusable ones, or when it is cut.

        Args:
            named: What stands in for the values that refer to it.
        """
        finders = self._finders
        if named:
            finders = [partial(_find_named, path, named) for path in self._paths]
        for find in finders:
            value = find(document)
            if value is not None:
                found = self._shortcut(value)
                if found is None:
                    return self._look(finders, document, problems)
                return found
        return None

    def _look(
        self, finders: Finders, document: Mapping[str, Any], problems: list[Problem]
    ) -> T | None:
        notes: list[str] = []
        values = _values(finders, document)
        try:
            found = first_usable(values, self._convert, notes)
        except Unusable as error:
            found, notes = None, [error.reason]
        if notes:
            problems.extend(Problem(self.name, note) for note in dict.fromkeys(notes))
        return found


def _values(finders: Finders, document: Mapping[str, Any]) -> Iterator[Any]:
    for find in finders:
        value = find(document)
        if value is not None:
            yield value


def _find_named(path: Path, named: Named, document: Mapping[str, Any]) -> Any:
    return find_named(document, path, named)


@dataclass(frozen=True, slots=True)
class Values:
    """
    What a document says of a product; None where it says nothing of use.
    """

    name: str | None
    description: str | None
    tags: str | None
    attributes: str | None
    category: tuple[str, ...] | None
    brand: str | None
    price: float | None
    stock: Stock | None
    created_s: float | None
    image: str | None
    rating: float | None


class FieldMap:
    """
    Reads documents as the settings tell.

    Attributes:
        roots: The fields of a document that are looked at.
    """

    def __init__(self, settings: ListenerSettings) -> None:
        paths: list[Path] = []

        def at(name: str, convert: Converter[T], shortcut: Shortcut[T]) -> Field[T]:
            its = tuple(map(Path.parse, getattr(settings, f"{name}_fields")))
            paths.extend(its)
            return Field(name, its, convert, shortcut)

        self.name = at("name", to_name, plain_name)
        self.description = at("description", to_text, plain_text)
        self.tags = at("tags", to_tags, plain_tags)
        self.attributes = at("attributes", to_attributes, plain_attributes)
        self.category = at("category", to_category, plain_category)
        self.brand = at("brand", to_label, plain_label)
        self.price = at("price", to_amount, plain_amount)
        self.stock = at("stock", to_stock, plain_stock)
        self.created = at("created", to_unix_s, plain_unix_s)
        self.image = at("image", to_image, plain_image)
        self.rating = at("rating", to_amount, plain_amount)
        self.roots = frozenset(path.root for path in paths)

    def read(
        self,
        document: Mapping[str, Any],
        problems: list[Problem],
        names: Names = NO_NAMES,
    ) -> Values:
        """
        Return what *document* says, and add what it says in vain to *problems*; *names*
        are those of what it refers to.
        """
        return Values(
            name=self.name.read(document, problems),
            description=self.description.read(document, problems),
            tags=self.tags.read(document, problems),
            attributes=self.attributes.read(document, problems),
            category=self.category.read(document, problems, names.get("category")),
            brand=self.brand.read(document, problems, names.get("brand")),
            price=self.price.read(document, problems),
            stock=self.stock.read(document, problems),
            created_s=self.created.read(document, problems),
            image=self.image.read(document, problems),
            rating=self.rating.read(document, problems),
        )
