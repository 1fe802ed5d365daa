"""
Frozen rows: what a generation is made of.

A segment knows nothing of the corpus: every number in it follows from its own
products. Newer segments shadow older ones; who is alive is told from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Final

import numpy as np
import xxhash

from numpy.typing import NDArray

from recommender import kernels
from recommender.blob import EMPTY, Blob, concatenate
from recommender.kernels import (
    Bools,
    Doubles,
    Floats,
    Hashes,
    Ints,
    Longs,
)
from recommender.product import Product
from recommender.search_kernels import Forward, Postings
from recommender.tally import Terms, tally
from recommender.text import encode
from recommender.weights import Weights


NO_CODE: Final = -1  # of a row without a brand
LONGEST_SORTABLE: Final = 96  # wider keys would waste memory as fixed-width strings


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Segment:
    """
    R rows in order of their keys, over T terms in order of their hashes.

    Attributes:
        keys: Of each row.
        key_hashes: Sorted hashes of the keys, uint64, (R,).
        key_rows: Row of each of `key_hashes`, (R,).
        contents: Hash of all that a product says, to tell a real change, (R,).
        indptr: Where each row's terms begin, (R + 1,).
        terms: Places in `dictionary`, rising within a row.
        tf: tf(d, t) of each of `terms`.
        dictionary: Hashes of the terms, sorted, (T,).
        words: The terms themselves, (T,).
        post_indptr: Where each term's rows begin, (T + 1,).
        post_rows: Rows by term, rising.
        post_tf: tf(d, t) of each of `post_rows`.
        squares: A(d) = Σ tf², (R,).
        visible: May be returned, (R,).
        in_stock: Can be bought, (R,).
        price: NaN when unknown, (R,).
        created_s: Unix time, NaN when unknown, (R,).
        category_indptr: Where each row's category codes begin, (R + 1,).
        category_codes: Places in `category_values`: each prefix of the path.
        category_values: Category paths, as `category_path` joins them.
        brand_codes: Place in `brand_values`, or `NO_CODE`, (R,).
        brand_values: Brands.
        displays: A JSON object for each row.
        tombstones: Keys that are removed from older segments.
    """

    keys: Blob
    key_hashes: Hashes
    key_rows: Ints
    contents: Hashes
    indptr: Longs
    terms: Ints
    tf: Floats
    dictionary: Hashes
    words: Blob
    post_indptr: Longs
    post_rows: Ints
    post_tf: Floats
    squares: Doubles
    visible: Bools
    in_stock: Bools
    price: Doubles
    created_s: Doubles
    category_indptr: Longs
    category_codes: Ints
    category_values: Blob
    brand_codes: Ints
    brand_values: Blob
    displays: Blob
    tombstones: Blob

    def __len__(self) -> int:
        return len(self.contents)

    @property
    def postings(self) -> Postings:
        """
        The rows of each term.
        """
        return Postings(self.post_indptr, self.post_rows, self.post_tf)

    @property
    def forward(self) -> Forward:
        """
        The terms of each row.
        """
        return Forward(self.indptr, self.terms, self.tf)

    def find(self, key: bytes) -> int:
        """
        Return the row of *key*, or -1.
        """
        sought = np.uint64(key_hash(key))
        at = int(kernels.find_first(self.key_hashes, sought))
        while at < len(self) and self.key_hashes[at] == sought:
            row = int(self.key_rows[at])
            if self.keys[row] == key:
                return row
            at += 1
        return -1

    def find_all(self, keys: Blob, hashes: Hashes) -> NDArray[np.int32]:
        """
        Return the rows of those *keys* that are here.
        """
        rows = np.empty(len(keys), np.int32)
        kernels.find_keys(
            self.key_hashes, self.key_rows, self.keys.data, self.keys.offsets,
            hashes, keys.data, keys.offsets, rows,
        )  # fmt: skip
        return rows[rows >= 0]

    def hashed_keys(self) -> Hashes:
        """
        Return the hash of each row's key, in order of the rows.
        """
        hashes = np.empty(len(self), np.uint64)
        hashes[self.key_rows] = self.key_hashes
        return hashes

    def terms_of(self, rows: NDArray[np.integer]) -> Ints:
        """
        Return the places of all terms of *rows*, once per row that holds them.
        """
        if len(rows) == 1:
            return self.terms[self.indptr[rows[0]] : self.indptr[rows[0] + 1]]
        parts = [self.terms[self.indptr[row] : self.indptr[row + 1]] for row in rows]
        return np.concatenate(parts) if parts else np.empty(0, np.int32)


def key_hash(key: bytes) -> int:
    """
    Return XXH3 of a key, 64 bits.
    """
    return xxhash.xxh3_64_intdigest(key)


def hash_keys(keys: Iterable[bytes]) -> Hashes:
    """
    Return the hash of each key, uint64.
    """
    return np.fromiter(map(xxhash.xxh3_64_intdigest, keys), np.uint64)


def category_path(names: Sequence[str]) -> str:
    """
    Return a category path as one string.
    """
    return " > ".join(names)


def content_hash(product: Product) -> int:
    """
    Return a hash of everything a product says, 64 bits.
    """
    said = (
        sorted(product.texts.items()),
        product.category,
        product.brand,
        product.price,
        product.in_stock,
        product.visible,
        product.created_s,
    )
    return xxhash.xxh3_64_intdigest(encode(repr(said)) + product.display)


@dataclass(frozen=True, slots=True)
class _Rows:
    """
    Rows on their way into a segment: all of its row-wise arrays, in order of keys.
    """

    keys: Blob
    contents: Hashes
    visible: Bools
    in_stock: Bools
    price: Doubles
    created_s: Doubles
    displays: Blob


@dataclass(frozen=True, slots=True)
class _Facets:
    category_indptr: Longs
    category_codes: Ints
    category_values: Blob
    brand_codes: Ints
    brand_values: Blob


def build_segment(
    products: Iterable[Product],
    weights: Weights,
    tombstones: Iterable[bytes] = (),
) -> Segment:
    """
    Return a segment of *products*, whose keys must differ, and of *tombstones*.
    """
    ordered = sorted(products, key=lambda product: product.key)
    rows = _Rows(
        keys=Blob.of([product.key for product in ordered]),
        contents=np.fromiter(map(content_hash, ordered), np.uint64, len(ordered)),
        visible=np.array([product.visible for product in ordered], np.bool_),
        in_stock=np.array([product.in_stock for product in ordered], np.bool_),
        price=np.array([product.price for product in ordered], np.float64),
        created_s=np.array([product.created_s for product in ordered], np.float64),
        displays=Blob.of([product.display for product in ordered]),
    )
    return _assemble(
        rows,
        tally(ordered, weights),
        _to_facets(ordered),
        Blob.of(sorted(tombstones)),
    )


def _to_facets(products: Sequence[Product]) -> _Facets:
    categories: dict[str, int] = {}
    brands: dict[str, int] = {}
    codes = [
        [
            categories.setdefault(category_path(path[: depth + 1]), len(categories))
            for depth in range(len(path))
        ]
        for path in (product.category for product in products)
    ]
    return _Facets(
        category_indptr=_starts([len(row) for row in codes]),
        category_codes=np.array(list(chain.from_iterable(codes)), np.int32),
        category_values=Blob.of([encode(value) for value in categories]),
        brand_codes=np.array(
            [
                brands.setdefault(product.brand, len(brands))
                if product.brand
                else NO_CODE
                for product in products
            ],
            np.int32,
        ),
        brand_values=Blob.of([encode(value) for value in brands]),
    )


def _starts(lengths: Sequence[int] | NDArray[np.integer]) -> Longs:
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


def _assemble(rows: _Rows, terms: Terms, facets: _Facets, gone: Blob) -> Segment:
    """
    Add what follows from the rows: the way from keys, from terms, and A(d).
    """
    hashes = hash_keys(rows.keys)
    order = np.argsort(hashes, kind="stable")
    counts = np.zeros(len(terms.dictionary), np.int64)
    kernels.count_terms(terms.terms, counts)
    post_indptr = _starts(counts)
    post_rows = np.empty(len(terms.terms), np.int32)
    post_tf = np.empty(len(terms.terms), np.float32)
    kernels.invert(
        terms.indptr, terms.terms, terms.tf, post_indptr[:-1].copy(), post_rows, post_tf
    )
    squares = np.empty(len(rows.keys), np.float64)
    kernels.square_sums(terms.indptr, terms.tf, squares)
    return frozen(
        Segment(
            keys=rows.keys,
            key_hashes=hashes[order],
            key_rows=order.astype(np.int32),
            contents=rows.contents,
            indptr=terms.indptr,
            terms=terms.terms,
            tf=terms.tf,
            dictionary=terms.dictionary,
            words=terms.words,
            post_indptr=post_indptr,
            post_rows=post_rows,
            post_tf=post_tf,
            squares=squares,
            visible=rows.visible,
            in_stock=rows.in_stock,
            price=rows.price,
            created_s=rows.created_s,
            category_indptr=facets.category_indptr,
            category_codes=facets.category_codes,
            category_values=facets.category_values,
            brand_codes=facets.brand_codes,
            brand_values=facets.brand_values,
            displays=rows.displays,
            tombstones=gone,
        )
    )


def frozen(segment: Segment) -> Segment:
    """
    Return *segment* with every array made read-only.
    """
    for field in fields(Segment):
        value = getattr(segment, field.name)
        arrays = (value.data, value.offsets) if isinstance(value, Blob) else (value,)
        for array in arrays:
            kernels.read_only(array)
    return segment


@dataclass(frozen=True, slots=True)
class Part:
    """
    A segment to merge, and which of its rows are dead.
    """

    segment: Segment
    dead: Bools


def merge_segments(parts: Sequence[Part], *, keep_tombstones: bool) -> Segment:
    """
    Return one segment that says what *parts*, neighbours from old to new, say.

    Args:
        parts: Of each key at most one row is alive.
        keep_tombstones: Whether segments older than these remain.
    """
    living = [np.flatnonzero(~part.dead) for part in parts]
    segments = [part.segment for part in parts]
    keys = concatenate(
        [s.keys.take(rows) for s, rows in zip(segments, living, strict=True)]
    )
    order = _order_of(keys)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    places = np.split(place, np.cumsum([len(rows) for rows in living])[:-1])

    def column(name: str) -> NDArray[np.generic]:
        values = [
            getattr(s, name)[rows] for s, rows in zip(segments, living, strict=True)
        ]
        return np.concatenate(values)[order]

    def blob(name: str) -> Blob:
        values = [
            getattr(s, name).take(rows)
            for s, rows in zip(segments, living, strict=True)
        ]
        return concatenate(values).take(order)

    rows = _Rows(
        keys=keys.take(order),
        contents=column("contents").astype(np.uint64),
        visible=column("visible").astype(np.bool_),
        in_stock=column("in_stock").astype(np.bool_),
        price=column("price").astype(np.float64),
        created_s=column("created_s").astype(np.float64),
        displays=blob("displays"),
    )
    gone = EMPTY
    if keep_tombstones:
        present = set(rows.keys) if any(len(s.tombstones) for s in segments) else set()
        removed = set(chain.from_iterable(s.tombstones for s in segments))
        gone = Blob.of(sorted(removed - present))
    return _assemble(
        rows,
        _merge_terms(segments, living, places),
        _merge_facets(segments, living, places),
        gone,
    )


def _order_of(keys: Blob) -> Longs:
    """
    Return the order that sorts *keys* by their bytes.
    """
    lengths = np.diff(keys.offsets)
    width = int(lengths.max(initial=0))
    if width == 0 or width > LONGEST_SORTABLE:
        listed = list(keys)
        return np.array(sorted(range(len(keys)), key=listed.__getitem__), np.int64)
    # JSON text holds no zero byte, so padding with zeros keeps the order
    table = np.zeros((len(keys), width), np.uint8)
    table[np.arange(width) < lengths[:, None]] = keys.data
    return np.argsort(table.view(f"S{width}").ravel(), kind="stable").astype(np.int64)


def _merge_terms(
    segments: Sequence[Segment], living: Sequence[Longs], places: Sequence[Longs]
) -> Terms:
    total = sum(map(len, living))
    lengths = np.zeros(total, np.int64)
    for s, rows, to in zip(segments, living, places, strict=True):
        lengths[to] = s.indptr[rows + 1] - s.indptr[rows]
    indptr = _starts(lengths)
    used = [_used_terms(s, rows) for s, rows in zip(segments, living, strict=True)]
    hashes = np.concatenate(
        [s.dictionary[terms] for s, terms in zip(segments, used, strict=True)]
    )
    dictionary, first = np.unique(hashes, return_index=True)
    words = concatenate(
        [s.words.take(terms) for s, terms in zip(segments, used, strict=True)]
    ).take(first.astype(np.int64))
    merged = Terms(
        indptr=indptr,
        terms=np.empty(indptr[-1], np.int32),
        tf=np.empty(indptr[-1], np.float32),
        dictionary=dictionary,
        words=words,
    )
    for s, rows, to in zip(segments, living, places, strict=True):
        renamed = np.empty(len(s.dictionary), np.int64)
        kernels.find_sorted(dictionary, s.dictionary, renamed)
        kernels.gather_rows(
            s.indptr, s.terms, s.tf, rows, renamed.astype(np.int32),
            indptr, merged.terms, merged.tf, to,
        )  # fmt: skip
    return merged


def _used_terms(segment: Segment, rows: Longs) -> Longs:
    """
    Return the places of the terms that *rows* hold.
    """
    if len(rows) == len(segment):
        return np.arange(len(segment.dictionary))
    used = np.zeros(len(segment.dictionary), np.bool_)
    kernels.mark_terms(segment.indptr, segment.terms, rows, used)
    return np.flatnonzero(used)


def _merge_facets(
    segments: Sequence[Segment], living: Sequence[Longs], places: Sequence[Longs]
) -> _Facets:
    total = sum(map(len, living))
    lengths = np.zeros(total, np.int64)
    for s, rows, to in zip(segments, living, places, strict=True):
        lengths[to] = s.category_indptr[rows + 1] - s.category_indptr[rows]
    indptr = _starts(lengths)
    codes = np.empty(indptr[-1], np.int32)
    brand_codes = np.empty(total, np.int32)
    categories: dict[bytes, int] = {}
    brands: dict[bytes, int] = {}
    for s, rows, to in zip(segments, living, places, strict=True):
        kernels.gather_codes(
            s.category_indptr, s.category_codes, rows,
            _renamed(s.category_values, categories), indptr, codes, to,
        )  # fmt: skip
        named = np.append(_renamed(s.brand_values, brands), np.int32(NO_CODE))
        brand_codes[to] = named[s.brand_codes[rows]]
    category_codes, category_values = _without_unused(codes, list(categories))
    brand_codes, brand_values = _without_unused(brand_codes, list(brands))
    return _Facets(
        category_indptr=indptr,
        category_codes=category_codes,
        category_values=category_values,
        brand_codes=brand_codes,
        brand_values=brand_values,
    )


def _without_unused(codes: Ints, values: Sequence[bytes]) -> tuple[Ints, Blob]:
    """
    Return codes and values without those values that no row has any more.
    """
    used = np.unique(codes)
    used = used[used != NO_CODE]
    renamed = np.full(len(values) + 1, NO_CODE, np.int32)  # the last is NO_CODE's own
    renamed[used] = np.arange(len(used))
    return renamed[codes], Blob.of([values[code] for code in used])


def _renamed(values: Blob, codes: dict[bytes, int]) -> NDArray[np.int32]:
    return np.array([codes.setdefault(v, len(codes)) for v in values], np.int32)
