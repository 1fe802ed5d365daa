"""
Which fields of a document say what of a product, and what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, TypeVar

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
from listener.values.references import Named, Names, find_named
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
NOWHERE: Final = "\0"  # no document has a field of that name: BSON cannot

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

    Attributes:
        name: Of the product's field, as settings name it.
        first: The field of a document that is looked at first; `NOWHERE` if the way
            to the first place leads through others.
    """

    __slots__ = ("_convert", "_finders", "_paths", "_shortcut", "first", "name")

    def __init__(
        self,
        name: str,
        paths: Iterable[Path],
        convert: Converter[T],
        shortcut: Shortcut[T],
    ) -> None:
        self.name = name
        self._paths = tuple(paths)
        is_plain = bool(self._paths) and len(self._paths[0].steps) == 1
        self.first = self._paths[0].root if is_plain else NOWHERE
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


# What a document says of a product, in the order of `FieldMap`; None where it says
# nothing of use. A plain tuple, as one is made of each document.
Values = tuple[
    str | None,
    str | None,
    str | None,
    str | None,
    tuple[str, ...] | None,
    str | None,
    float | None,
    Stock | None,
    float | None,
    str | None,
    float | None,
]

Read = Callable[[Mapping[str, Any], list[Problem], Names], Values]


class FieldMap:
    """
    Reads documents as the settings tell.

    Attributes:
        roots: The fields of a document that are looked at.
        read: Returns what a document says, and adds what it says in vain to a list of
            problems; the names of what it refers to are the third argument.
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
        self.read = _to_reader(self)


def _to_reader(fields: FieldMap) -> Read:
    """
    Return what reads all *fields* of a document, as each by itself does.

    Written out, as that takes a sixth off a product: where a value is at the first
    place, as most documents have it, nothing but its shortcut is called. All else is
    for the field to say, 0 also.
    """
    f = fields
    name_at, description_at, tags_at = f.name.first, f.description.first, f.tags.first
    attributes_at, category_at = f.attributes.first, f.category.first
    brand_at, price_at, stock_at = f.brand.first, f.price.first, f.stock.first
    created_at, image_at, rating_at = f.created.first, f.image.first, f.rating.first

    def read(
        document: Mapping[str, Any], problems: list[Problem], names: Names
    ) -> Values:
        get = document.get
        return (
            plain_name(get(name_at)) or f.name.read(document, problems),
            plain_text(get(description_at)) or f.description.read(document, problems),
            plain_tags(get(tags_at)) or f.tags.read(document, problems),
            plain_attributes(get(attributes_at))
            or f.attributes.read(document, problems),
            (None if names else plain_category(get(category_at)))
            or f.category.read(document, problems, names.get("category")),
            (None if names else plain_label(get(brand_at)))
            or f.brand.read(document, problems, names.get("brand")),
            plain_amount(get(price_at)) or f.price.read(document, problems),
            plain_stock(get(stock_at)) or f.stock.read(document, problems),
            plain_unix_s(get(created_at)) or f.created.read(document, problems),
            plain_image(get(image_at)) or f.image.read(document, problems),
            plain_amount(get(rating_at)) or f.rating.read(document, problems),
        )

    return read
