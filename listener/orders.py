"""
The edge of the orders: of a document only what counts is read, and becomes a row.
"""

from __future__ import annotations

import math

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import orjson
import xxhash

from bson import DBRef

from listener.keys import to_key
from listener.values.numbers import to_number
from listener.values.paths import Path
from listener.values.times import to_unix_s
from listener.values.usable import Unusable
from listener.visibility import Visibility
from recommender.errors import SettingsFault
from recommender.order import ORDER_VERSION, Order, to_row
from recommender.product import Product
from recommender.settings import ListenerSettings, to_variable


EACH: Final = "[]"  # follows the array whose elements are an order's lines
# Of one order. What holds more is a list of stock: it pairs all with all, and two of
# them would make each answer about any of their products as long as they are.
MOST_PRODUCTS: Final = 2_000

# The settings that decide what is learnt of an order.
SHAPING: Final = ("orders_items", "orders_quantity", "orders_date", "orders_when")


@dataclass(frozen=True, slots=True)
class _InLines:
    """
    Where something is in the lines of an order.

    Attributes:
        lines: Where the lines are.
        rest: From a line on; None when the line is the value itself.
    """

    lines: Path
    rest: Path | None

    @classmethod
    def parse(cls, text: str, setting: str) -> _InLines:
        """
        Return the place that *text* spells.

        Raises:
            SettingsFault: It says not once where the lines are, or is no path.
        """
        lines, each, rest = text.partition(EACH)
        if not each or EACH in rest or (rest and rest[0] != "."):
            _refuse(text, setting, "items[].product, with one []")
        place = cls(Path.parse(lines), Path.parse(rest[1:]) if rest else None)
        if not _is_readable(place.whole):
            _refuse(text, setting, "items[].product")
        return place

    @property
    def whole(self) -> Path:
        """
        The same as a path of MongoDB.
        """
        return Path((*self.lines.steps, *(self.rest.steps if self.rest else ())))

    def of(self, line: object) -> object:
        """
        Return what is there in a line.
        """
        if self.rest is None:
            return line
        return self.rest.find(line) if isinstance(line, Mapping) else None


class OrderMapper:
    """
    Makes rows of orders. The same document always makes the same row.

    Attributes:
        projection: All that is read of a document, as MongoDB takes it.

    Raises:
        SettingsFault: A path or the query of the settings is wrong.
    """

    def __init__(self, settings: ListenerSettings) -> None:
        self._product = _InLines.parse(settings.orders_items, "orders_items")
        quantity = settings.orders_quantity
        self._quantity = quantity and _InLines.parse(quantity, "orders_quantity")
        if self._quantity and self._quantity.lines != self._product.lines:
            name = to_variable(ListenerSettings, "orders_quantity")
            fault = f"{name}={quantity} is not in the lines of {settings.orders_items}"
            raise SettingsFault([fault])
        self._date = Path.parse(settings.orders_date) if settings.orders_date else None
        if self._date and not _is_readable(self._date):
            _refuse(settings.orders_date, "orders_date", "createdAt")
        self._when = Visibility(settings.orders_when, "orders_when")
        self.projection: Mapping[str, int] = dict.fromkeys(self._read_paths(), 1)

    def to_row(self, document: Mapping[str, Any]) -> Product:
        """
        Return the row of *document*, whatever it holds; what cannot be used of it is
        left out. An order of more than `MOST_PRODUCTS`, or that meets a fault of ours,
        does not count.
        """
        key = to_key(document.get("_id"))
        try:
            return to_row(self._to_order(key, document))
        except Exception:  # noqa: BLE001 no document may stop the listener
            return to_row(Order(key, frozenset(), counts=False))

    def counts(self, document: Mapping[str, Any]) -> bool:
        """
        Return whether the order is one to learn from.
        """
        return self._when.matches(document)

    def references(self, document: Mapping[str, Any]) -> Iterator[object]:
        """
        Yield the id of each product in the order of which more than nothing was bought.
        """
        for line in _flat(self._product.lines.find(document)):
            if self._is_bought(line):
                yield from map(_to_id, _flat(self._product.of(line)))

    def _to_order(self, key: bytes, document: Mapping[str, Any]) -> Order:
        products: set[bytes] = set()
        for reference in self.references(document):
            products.add(to_key(reference))
            if len(products) > MOST_PRODUCTS:
                return Order(key, frozenset(), counts=False)
        return Order(
            key,
            frozenset(products),
            self.counts(document),
            self._created_s(document),
        )

    def _is_bought(self, line: object) -> bool:
        """
        Return whether more than nothing was; a line that does not say was bought.
        """
        if not self._quantity:
            return True
        try:
            quantity = to_number(self._quantity.of(line), [])
        except Unusable:
            return True
        return quantity is None or quantity > 0

    def _created_s(self, document: Mapping[str, Any]) -> float:
        try:
            found = to_unix_s(self._date.find(document), []) if self._date else None
        except Unusable:
            found = None
        return math.nan if found is None else found

    def _read_paths(self) -> Iterator[str]:
        """
        Yield the paths to read, none of which leads through another: MongoDB takes no
        such two. Places in arrays are no fields, so paths end before them.
        """
        paths = {("_id",), self._product.whole.steps}
        if self._quantity:
            paths.add(self._quantity.whole.steps)
        if self._date:
            paths.add(self._date.steps)
        paths |= {path.steps for path in self._when.paths}
        cut = {tuple(_without_places(steps)) for steps in paths}
        for steps in sorted(cut):
            if not any(steps[:size] in cut for size in range(1, len(steps))):
                yield ".".join(steps)


def orders_fingerprint(settings: ListenerSettings) -> str:
    """
    Return a hash of all settings that shape the model of orders, and of the code's own
    version.
    """
    shape = [ORDER_VERSION, {name: getattr(settings, name) for name in SHAPING}]
    return xxhash.xxh3_128_hexdigest(orjson.dumps(shape, option=orjson.OPT_SORT_KEYS))


def _flat(value: object) -> Iterator[object]:
    """
    Yield what is in a value, or in arrays of it.
    """
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    elif value is not None:
        yield value


def _to_id(value: object) -> object:
    """
    Return the id of the product that a value means: it, that of a copy of it, or the
    one that a reference of MongoDB's own kind names.
    """
    if isinstance(value, DBRef):
        return value.id
    return value["_id"] if isinstance(value, Mapping) and "_id" in value else value


def _is_readable(path: Path) -> bool:
    """
    Return whether MongoDB takes a path for what is to be read.
    """
    return all(path.steps) and not path.root.isdigit()


def _refuse(text: str, setting: str, example: str) -> NoReturn:
    name = to_variable(ListenerSettings, setting)
    raise SettingsFault([f"{name}={text}: write it like {example}"])


def _without_places(steps: Iterable[str]) -> Iterator[str]:
    for step in steps:
        if step.isdigit():
            return
        yield step
