"""
The collection that the settings name, and how its products count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from listener.fields import Problem
from listener.mapping import Mapper
from listener.mongo.client import connected
from listener.mongo.source import MongoSource
from listener.orders import OrderMapper
from listener.references import to_lookups
from listener.values.references import Names
from recommender.product import Product
from recommender.settings import ListenerSettings
from recommender.weights import Weights


class Notes(Protocol):
    """
    Where what cannot be used of documents goes, such as `listener.complaints`.
    """

    def note(self, key: bytes, problems: Sequence[Problem]) -> None:
        """
        Take note of what is wrong with a product now, maybe nothing.
        """


class Collected:
    """
    Notes that are kept, to be passed on from one process to another.
    """

    def __init__(self) -> None:
        self._notes: list[tuple[bytes, Sequence[Problem]]] = []

    def note(self, key: bytes, problems: Sequence[Problem]) -> None:
        """
        See `Notes`.
        """
        if problems:
            self._notes.append((key, problems))

    def pass_to(self, notes: Notes) -> None:
        """
        Let *notes* have all that was noted here.
        """
        for key, problems in self._notes:
            notes.note(key, problems)


@contextmanager
def open_source(
    settings: ListenerSettings, uri: str, complaints: Notes
) -> Iterator[MongoSource]:
    """
    Yield the collection that the settings name; what cannot be used of its documents
    goes to *complaints*.

    Raises:
        SettingsFault: The address, or a setting of the mapping, cannot be right.
    """
    mapper = Mapper(settings)

    def to_product(document: Mapping[str, Any], names: Names) -> Product:
        mapped = mapper.to_product(document, names)
        complaints.note(mapped.product.key, mapped.problems)
        return mapped.product

    def look_again(document: Mapping[str, Any], names: Names) -> Product:
        return mapper.to_product(document, names).product

    with connected(uri) as (clients, replies):
        yield MongoSource(
            clients,
            replies,
            database=settings.database,
            collection=settings.collection,
            to_product=to_product,
            look_again=look_again,
            lookups=to_lookups(settings),
        )


@contextmanager
def open_orders(settings: ListenerSettings, uri: str) -> Iterator[MongoSource]:
    """
    Yield the collection of orders that the settings name, as rows; nothing else is read
    of them than those take.

    Raises:
        SettingsFault: The address, or a setting of the orders, cannot be right.
    """
    mapper = OrderMapper(settings)

    def to_row(document: Mapping[str, Any], _names: Names) -> Product:
        return mapper.to_row(document)

    with connected(uri) as (clients, replies):
        yield MongoSource(
            clients,
            replies,
            database=settings.database,
            collection=settings.orders_collection,
            to_product=to_row,
            look_again=to_row,
            projection=mapper.projection,
        )


def to_weights(settings: ListenerSettings) -> Weights:
    """
    Return how much each field counts.
    """
    return Weights(settings.weights, sublinear=settings.sublinear)
