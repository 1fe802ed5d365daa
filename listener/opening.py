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

    def to_product(document: Mapping[str, Any]) -> Product:
        mapped = mapper.to_product(document)
        complaints.note(mapped.product.key, mapped.problems)
        return mapped.product

    def look_again(document: Mapping[str, Any]) -> Product:
        return mapper.to_product(document).product

    with connected(uri) as (clients, replies):
        yield MongoSource(
            clients,
            replies,
            database=settings.database,
            collection=settings.collection,
            to_product=to_product,
            look_again=look_again,
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
    with connected(uri) as (clients, replies):
        yield MongoSource(
            clients,
            replies,
            database=settings.database,
            collection=settings.orders_collection,
            to_product=mapper.to_row,
            look_again=mapper.to_row,
            projection=mapper.projection,
        )


def to_weights(settings: ListenerSettings) -> Weights:
    """
    Return how much each field counts.
    """
    return Weights(settings.weights, sublinear=settings.sublinear)
