"""
Writes as a shop makes them, each with the sign by which an answer shows it.
"""

from __future__ import annotations

import random

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from benchmarks.catalogue import Document
from benchmarks.connection import Answer
from benchmarks.shop import Products
from benchmarks.words import draw_rank, to_word


NEW_NAME: Final = range(4, 9)  # words
CHEAPEST: Final = 1_000.0  # dearer than the catalogue, so that no two are alike
# Mostly price and stock, some status, few texts, few inserts and deletes.
MIX: Final = {
    "price": 50, "stock": 27, "status": 10, "text": 6, "insert": 4, "delete": 3,
}  # fmt: skip


class Change(NamedTuple):
    """
    A write that has not been sent yet.

    Attributes:
        id: Of the product.
        send: Sends it, and returns when it is acknowledged.
        is_shown: Whether the answer about the product shows it.
    """

    id: object
    send: Callable[[], Any]
    is_shown: Callable[[Answer], bool]


class Seller:
    """
    Draws changes to products that it alone changes; seeded.
    """

    def __init__(
        self,
        products: Products,
        ids: Sequence[object],
        new: Iterator[Document],
        seed: int,
    ) -> None:
        """
        Args:
            products: Where they are.
            ids: Of visible products.
            new: Products that may be inserted.
            seed: Of what is drawn.
        """
        self._products = products
        self._ids = ids
        self._new = new
        self._random = random.Random(seed)  # noqa: S311 no secret
        self._serial = seed * 1_000_000
        self._hidden: list[object] = []
        self._inserted: list[object] = []

    def change(self, kind: str) -> Change:
        """
        Return a change of that kind, one of `MIX`.
        """
        self._serial += 1
        match kind:
            case "price":
                return self._price()
            case "stock":
                return self._stock()
            case "status":
                return self._status()
            case "text":
                return self._text()
            case "insert":
                return self._insert()
            case _:
                return self._delete()

    def any_change(self) -> Change:
        """
        Return a change of any kind, as often as shops make it.
        """
        return self.change(self._random.choices(list(MIX), list(MIX.values()))[0])

    def settle(self) -> None:
        """
        Approve what is still rejected.
        """
        for id_ in self._hidden:
            self._set({"status": "approved"}, _is_found, id_).send()
        self._hidden.clear()

    def _price(self) -> Change:
        price = CHEAPEST + self._serial + 0.25
        sign = f'"price":{price}'.encode()
        return self._set({"price": price}, lambda answer: sign in answer.body)

    def _stock(self) -> Change:
        stock = 1_000 + self._serial
        sign = f'"stock":{stock}'.encode()
        return self._set({"stock": stock}, lambda answer: sign in answer.body)

    def _text(self) -> Change:
        count = self._random.choice(NEW_NAME)
        words = [to_word(draw_rank(self._random)) for _ in range(count)]
        name = " ".join((*words, f"edition{self._serial}"))
        sign = f'edition{self._serial}"'.encode()
        return self._set({"name": name}, lambda answer: sign in answer.body)

    def _status(self) -> Change:
        """
        Reject a product, or approve the one that was rejected before.
        """
        if self._hidden:
            id_ = self._hidden.pop()
            return self._set({"status": "approved"}, _is_found, id_)
        id_ = self._random.choice(self._ids)
        self._hidden.append(id_)
        return self._set({"status": "rejected"}, _is_gone, id_)

    def _insert(self) -> Change:
        document = {**next(self._new), "status": "approved"}
        id_ = document["_id"]
        self._inserted.append(id_)
        return Change(id_, lambda: self._products.insert_one(document), _is_found)

    def _delete(self) -> Change:
        if not self._inserted:
            return self._insert()
        id_ = self._inserted.pop()
        return Change(id_, lambda: self._products.delete_one({"_id": id_}), _is_gone)

    def _set(
        self,
        values: Document,
        is_shown: Callable[[Answer], bool],
        id_: object | None = None,
    ) -> Change:
        chosen = self._shown_id() if id_ is None else id_
        return Change(
            chosen,
            lambda: self._products.update_one({"_id": chosen}, {"$set": values}),
            is_shown,
        )

    def _shown_id(self) -> object:
        while (id_ := self._random.choice(self._ids)) in self._hidden:
            pass
        return id_


def _is_found(answer: Answer) -> bool:
    return answer.status == HTTPStatus.OK


def _is_gone(answer: Answer) -> bool:
    return answer.status == HTTPStatus.NOT_FOUND
