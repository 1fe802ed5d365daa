"""
The documents' edge: whatever MongoDB holds becomes a `Product`.
"""

from __future__ import annotations

import math

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson
import xxhash

from listener.display import plain_extra, to_display, to_extra
from listener.fields import Field, FieldMap, Problem
from listener.keys import to_key
from listener.references import to_lookups
from listener.values.paths import Path
from listener.values.references import NO_NAMES, Names
from listener.visibility import Visibility
from recommender.product import Product
from recommender.settings import ListenerSettings
from recommender.text import TEXT_VERSION
from recommender.weights import WEIGHTS_VERSION


MAPPING_VERSION: Final = 1  # part of the fingerprint: a change rebuilds every model


class Mapped(NamedTuple):
    """
    What became of a document.

    Attributes:
        product: Always one, hidden and bare if need be.
        problems: What of the document could not be used; fields that it lacks are none.
    """

    product: Product
    problems: tuple[Problem, ...] = ()


class Mapper:
    """
    Makes products of documents. The same document, and the same names of what it refers
    to, always make the same product.

    Attributes:
        roots: The fields of a document that it looks at; no others need be read.

    Raises:
        SettingsFault: The settings' query is wrong.
    """

    def __init__(self, settings: ListenerSettings) -> None:
        self._fields = FieldMap(settings)
        extras = {name: Path.parse(name) for name in settings.display_fields}
        self._extras = [
            Field(name, (path,), to_extra, plain_extra) for name, path in extras.items()
        ]
        self._visibility = Visibility(settings.visible_when)
        self.roots = self._fields.roots | self._visibility.roots | {"_id"}
        self.roots |= {path.root for path in extras.values()}

    def to_product(
        self, document: Mapping[str, Any], names: Names = NO_NAMES
    ) -> Mapped:
        """
        Return the product of *document*, whatever it holds; *names* are those of what
        it refers to.

        What can be used is used, the rest is among the problems. A document that meets
        a fault of ours becomes a hidden product without content, and a problem
        "unmapped".
        """
        key = to_key(document.get("_id"))
        try:
            return self._to_mapped(key, document, names)
        except Exception as error:  # noqa: BLE001 no document may stop the listener
            problem = Problem("unmapped", type(error).__name__)
            return Mapped(Product(key=key, visible=False), (problem,))

    def _to_mapped(
        self, key: bytes, document: Mapping[str, Any], names: Names
    ) -> Mapped:
        problems: list[Problem] = []
        values = self._fields.read(document, problems, names)
        (
            name, description, tags, attributes, category, brand, price, stock,
            created_s, _, _,
        ) = values  # fmt: skip
        texts = _to_texts(name, description, tags, attributes)
        visible = self._is_visible(document, problems)
        extras = {field.name: field.read(document, problems) for field in self._extras}
        product = Product(
            key,
            texts,
            category or (),
            brand or "",
            math.nan if price is None else price,
            stock is None or stock.available,
            visible,
            math.nan if created_s is None else created_s,
            to_display(values, extras),
        )
        return Mapped(product, tuple(problems))

    def _is_visible(self, document: Mapping[str, Any], problems: list[Problem]) -> bool:
        try:
            return self._visibility.matches(document)
        except Exception as error:  # noqa: BLE001 in doubt it stays hidden
            problems.append(Problem("visible", type(error).__name__))
            return False


def shape_of(settings: ListenerSettings) -> dict[str, Any]:
    """
    Return the settings that shape the model, by name; those of what products refer to
    only where there is any, so that others' models stay what they are.
    """
    names = (*SHAPING, *(REFERRING if to_lookups(settings) else ()))
    return {name: getattr(settings, name) for name in names}


def fingerprint(settings: ListenerSettings) -> str:
    """
    Return a hash of all settings that shape the model, and of the code's own versions:
    models with different ones differ.
    """
    versions = {
        "mapping": MAPPING_VERSION,
        "text": TEXT_VERSION,
        "weights": WEIGHTS_VERSION,
    }
    content = orjson.dumps([versions, shape_of(settings)], option=orjson.OPT_SORT_KEYS)
    return xxhash.xxh3_128_hexdigest(content)


def _to_texts(
    name: str | None, description: str | None, tags: str | None, attributes: str | None
) -> dict[str, str]:
    """
    Return the texts that there are; written out, as it is done for each document.
    """
    texts = {}
    if name is not None:
        texts["name"] = name
    if description is not None:
        texts["description"] = description
    if tags is not None:
        texts["tags"] = tags
    if attributes is not None:
        texts["attributes"] = attributes
    return texts


# The settings that decide what a product is or how it counts.
SHAPING: Final = (
    *(name for name in ListenerSettings.model_fields if name.endswith("_fields")),
    "sublinear",
    "visible_when",
    "weights",
)
# The same of those that refer to other collections.
REFERRING: Final = (
    "brand_collection",
    "brand_name",
    "category_collection",
    "category_name",
    "category_parent",
)
