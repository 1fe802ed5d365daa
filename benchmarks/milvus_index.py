"""
The same products in Milvus, as an index beyond one machine would hold them.
"""

from __future__ import annotations

import itertools

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, Final

import numpy as np

from benchmarks.figures import Absent
from recommender.filters import Filters
from recommender.snapshot import Row, Snapshot


BATCH: Final = 1_000  # rows of an insertion
LONGEST: Final = 512  # bytes of a string
EVERY_POSTING: Final = {"metric_type": "IP", "params": {"drop_ratio_search": 0.0}}
INDEX: Final = {
    "field_name": "terms",
    "index_type": "SPARSE_INVERTED_INDEX",
    "metric_type": "IP",
    "params": {"inverted_index_algo": "DAAT_MAXSCORE"},
}


def load_pymilvus() -> Any:
    """
    Return the client's package.

    Raises:
        Absent: It is not installed.
    """
    try:
        return import_module("pymilvus")
    except ModuleNotFoundError as error:
        msg = "pymilvus is not installed"
        raise Absent(msg) from error


class MilvusIndex:
    """
    A collection with a sparse vector for each product, tf / ‖d‖, that is asked with
    tf·idf² / ‖q‖: so its inner products are our scores, and what changes with each
    write, idf, comes with the question.

    Dimensions are places in the dictionary of the snapshot's one segment.
    """

    def __init__(self, client: Any, snapshot: Snapshot, name: str = "products") -> None:
        self._client = client
        self._snapshot = snapshot
        self.name = name

    def create(self, types: Any) -> None:
        """
        Make the collection, empty; what is written shows in the next search.

        Args:
            types: The client's `DataType`.
        """
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", types.VARCHAR, is_primary=True, max_length=LONGEST)
        schema.add_field("terms", types.SPARSE_FLOAT_VECTOR)
        for name in ("category", "brand"):
            schema.add_field(name, types.VARCHAR, max_length=LONGEST)
        for name in ("visible", "in_stock"):
            schema.add_field(name, types.BOOL)
        schema.add_field("price", types.DOUBLE)
        params = self._client.prepare_index_params()
        params.add_index(**INDEX)
        self._client.create_collection(
            self.name, schema=schema, index_params=params, consistency_level="Strong"
        )

    def fill(self, rows: Iterable[Row]) -> None:
        """
        Put products in.
        """
        documents = map(self.to_document, rows)
        while batch := list(itertools.islice(documents, BATCH)):
            self._client.insert(self.name, batch)

    def upsert(self, document: dict[str, Any]) -> None:
        """
        Put one in, in the place of what had its key.
        """
        self._client.upsert(self.name, [document])

    def similar(
        self, row: Row, limit: int, filters: Filters
    ) -> list[tuple[str, float]]:
        """
        Return key and score of the visible products most like *row*, best first, it
        itself not among them.
        """
        found = self.ask(self.to_question(row), limit + 1, to_expression(filters))
        mine = row.key.decode()
        return [(key, score) for key, score in found if key != mine][:limit]

    def ask(
        self, question: dict[int, float], limit: int, expression: str
    ) -> Iterator[tuple[str, float]]:
        """
        Yield key and score of what is most like *question*, best first.
        """
        (hits,) = self._client.search(
            self.name,
            data=[question],
            anns_field="terms",
            filter=expression,
            limit=limit,
            search_params=EVERY_POSTING,
        )
        for hit in hits:
            yield hit["key" if "key" in hit else "id"], float(hit["distance"])

    def to_document(self, row: Row) -> dict[str, Any]:
        """
        Return a product as the collection holds it.
        """
        places, tf, _ = self._parts(row)
        values = tf / np.sqrt(self._snapshot.square(row))
        return {
            "key": row.key.decode(),
            "terms": dict(zip(places.tolist(), values.tolist(), strict=True)),
            "category": row.category,
            "brand": row.brand,
            "visible": row.visible,
            "in_stock": row.in_stock,
            "price": row.price,
        }

    def to_question(self, row: Row) -> dict[int, float]:
        """
        Return what asks for products like *row*.
        """
        places, tf, idf = self._parts(row)
        values = tf * idf**2 / np.sqrt(self._snapshot.square(row))
        return dict(zip(places.tolist(), values.tolist(), strict=True))

    def _parts(self, row: Row) -> tuple[Any, Any, Any]:
        """
        Return a row's terms, their tf, and their idf now.
        """
        segment = row.view.segment
        span = slice(segment.indptr[row.row], segment.indptr[row.row + 1])
        places = segment.terms[span]
        idf = self._snapshot.big_l + row.view.g[places]
        return places, segment.tf[span].astype(np.float64), idf


def to_expression(filters: Filters) -> str:
    """
    Return the filters that benchmarks use, and that only what is visible is asked for,
    as the engine reads them.
    """
    parts = ["visible == true"]
    parts += [f'category == "{path}"' for path in filters.categories]
    parts += [f'brand == "{brand}"' for brand in filters.brands]
    if filters.min_price is not None:
        parts.append(f"price >= {filters.min_price}")
    if filters.max_price is not None:
        parts.append(f"price <= {filters.max_price}")
    if filters.in_stock:
        parts.append("in_stock == true")
    return " and ".join(parts)
