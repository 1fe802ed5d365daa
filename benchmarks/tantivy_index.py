"""
The same products in tantivy, as one who wants its quickest answers would put them there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import tantivy

from recommender.filters import Filters
from recommender.snapshot import Row, Snapshot


HEAP_BYTES: Final = (
    2_000_000_000  # at most; enough for a million products in one segment
)


class Scattered(Exception):  # noqa: N818 the class says what happened
    """
    The index has several segments, with which it is slower.
    """


class TantivyIndex:
    """
    An index in memory, of one segment, of the visible products only.

    Its terms are those of the snapshot, each once a product. Frequencies are kept,
    because tantivy skips blocks of postings only where it reads them.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        """
        Raises:
            Scattered: There are more products than fit into one segment.
        """
        self._schema = _schema()
        index = tantivy.Index(self._schema)
        writer = index.writer(HEAP_BYTES, num_threads=1)
        for row, terms in _rows(snapshot):
            if row.visible:
                writer.add_document(_to_document(row, terms))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()
        if self._searcher.num_segments != 1:
            raise Scattered(str(self._searcher.num_segments))

    def ask_for(self, row: Row, filters: Filters) -> tantivy.Query:
        """
        Return the query for any term of *row* among the products that *filters* accept.
        """
        names = _names(row.view.segment.dictionary[_places(row)])
        likes = [(tantivy.Occur.Should, self._term("terms", name)) for name in names]
        query = tantivy.Query.boolean_query(likes)
        wanted = list(self._wanted(filters))
        if not wanted:
            return query
        musts = [tantivy.Query.const_score_query(one, 0.0) for one in wanted]
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, one) for one in (query, *musts)]
        )

    def best(self, query: tantivy.Query, limit: int) -> list[tuple[Any, Any]]:
        """
        Return scores and places, best first; nothing is counted or fetched.
        """
        return self._searcher.search(query, limit, count=False).hits

    def _term(self, field: str, value: object) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, value, "basic")

    def _wanted(self, filters: Filters) -> Iterator[tantivy.Query]:
        for category in filters.categories:
            yield self._term("category", category)
        for brand in filters.brands:
            yield self._term("brand", brand.lower())
        if filters.in_stock:
            yield self._term("in_stock", True)
        if filters.min_price is not None or filters.max_price is not None:
            yield tantivy.Query.range_query(
                self._schema,
                "price",
                tantivy.FieldType.Float,
                filters.min_price,
                filters.max_price,
            )


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
    for name in ("category", "brand"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_boolean_field("in_stock", indexed=True)
    builder.add_float_field("price", indexed=True, fast=True)
    return builder.build()


def _rows(snapshot: Snapshot) -> Iterator[tuple[Row, str]]:
    """
    Yield each living product with its terms in one text.
    """
    known: dict[int, list[str]] = {}
    for row in snapshot.living():
        segment = row.view.segment
        if id(segment) not in known:
            known[id(segment)] = _names(segment.dictionary)
        names = known[id(segment)]
        yield row, " ".join(names[place] for place in _places(row).tolist())


def _places(row: Row) -> Any:
    segment, place = row.view.segment, row.row
    return segment.terms[segment.indptr[place] : segment.indptr[place + 1]]


def _names(terms: Any) -> list[str]:
    return [f"{term:x}" for term in np.asarray(terms).tolist()]


def _to_document(row: Row, terms: str) -> tantivy.Document:
    document = tantivy.Document(
        terms=[terms], brand=[row.brand.lower()], category=[row.category]
    )
    document.add_boolean("in_stock", row.in_stock)
    if row.price == row.price:
        document.add_float("price", row.price)
    return document
