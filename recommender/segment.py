"""
Frozen rows: what a generation is made of.

A segment knows nothing of the corpus: every number in it follows from its own
products. Newer segments shadow older ones; who is alive is told from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np
import xxhash

from numpy.typing import NDArray

from recommender import kernels
from recommender.blob import EMPTY, Blob, Gathered, Share, concatenate
from recommender.displays import Displays, pack
from recommender.kernels import (
    Bools,
    Doubles,
    Forward,
    Halves,
    Hashes,
    Ints,
    Longs,
    Postings,
)
from recommender.product import Product
from recommender.tally import Terms, tally
from recommender.text import encode
from recommender.weights import Weights


NO_CODE: Final = -1  # of a row without a brand
LONGEST_SORTABLE: Final = 96  # wider keys would waste memory as fixed-width strings

Later = Callable[[], Displays]  # returns them when they are there
Beside = Callable[[Callable[[], Displays]], Later]  # has them made in another thread


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
        squares: Σ tf² of each, (R,); in files of this format, and asked for by nobody.
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
    tf: Halves
    dictionary: Hashes
    words: Blob
    post_indptr: Longs
    post_rows: Ints
    post_tf: Halves
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
    displays: Displays
    tombstones: Blob

    def __len__(self) -> int:
        return len(self.contents)

    @property
    def nbytes(self) -> int:
        """
        Bytes of all arrays together.
        """
        return sum(array.nbytes for _, array in to_arrays(self))

    @property
    def postings(self) -> Postings:
        """
        The rows of each term, as kernels take them.
        """
        bits = self.post_tf.view(np.uint16)
        return Postings(self.post_indptr, self.post_rows, bits)

    @property
    def forward(self) -> Forward:
        """
        The terms of each row, as kernels take them.
        """
        return Forward(self.indptr, self.terms, self.tf.view(np.uint16))

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

    def find_each(self, keys: Blob, hashes: Hashes) -> NDArray[np.int32]:
        """
        Return the row of each of *keys*, -1 where there is none.
        """
        rows = np.empty(len(keys), np.int32)
        kernels.find_keys(
            self.key_hashes, self.key_rows, self.keys.data, self.keys.offsets,
            hashes, keys.data, keys.offsets, rows,
        )  # fmt: skip
        return rows

    def find_all(self, keys: Blob, hashes: Hashes) -> NDArray[np.int32]:
        """
        Return the rows of those *keys* that are here.
        """
        rows = self.find_each(keys, hashes)
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
    _, texts, category, brand, price, in_stock, visible, created_s, display = product
    said = (
        sorted(texts.items()), category, brand, price, in_stock, visible, created_s
    )  # fmt: skip
    return xxhash.xxh3_64_intdigest(encode(repr(said)) + display)


@dataclass(frozen=True, slots=True)
class _Rows:
    """
    Rows on their way into a segment: row-wise arrays, in order of keys.
    """

    keys: Blob
    hashes: Hashes
    contents: Hashes
    visible: Bools
    in_stock: Bools
    price: Doubles
    created_s: Doubles


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
    ordered = sorted(products, key=attrgetter("key"))
    keys = [product.key for product in ordered]
    displays = Displays.plain(Blob.of([product.display for product in ordered]))
    rows = _Rows(
        keys=Blob.of(keys),
        hashes=hash_keys(keys),
        contents=np.fromiter(map(content_hash, ordered), np.uint64, len(ordered)),
        visible=np.array([product.visible for product in ordered], np.bool_),
        in_stock=np.array([product.in_stock for product in ordered], np.bool_),
        price=np.array([product.price for product in ordered], np.float64),
        created_s=np.array([product.created_s for product in ordered], np.float64),
    )
    return _assemble(
        rows,
        tally(ordered, weights),
        _to_facets(ordered),
        Blob.of(sorted(tombstones)),
        lambda: displays,
    )


def _to_facets(products: Sequence[Product]) -> _Facets:
    categories: dict[str, int] = {}
    brands: dict[str, int] = {}
    known: dict[tuple[str, ...], list[int]] = {}
    for product in products:
        path = product.category
        if path not in known:
            known[path] = [
                categories.setdefault(category_path(path[: depth + 1]), len(categories))
                for depth in range(len(path))
            ]
    codes = [known[product.category] for product in products]
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


def _assemble(
    rows: _Rows,
    terms: Terms,
    facets: _Facets,
    gone: Blob,
    displays: Later,
) -> Segment:
    """
    Add what follows from the rows: the way from keys, from terms, and A(d). *displays*
    are asked for when all else is done.
    """
    order = np.argsort(rows.hashes, kind="stable")
    counts = np.zeros(len(terms.dictionary), np.int64)
    kernels.count_terms(terms.terms, counts)
    post_indptr = _starts(counts)
    post_rows = np.empty(len(terms.terms), np.int32)
    post_tf = np.empty(len(terms.terms), np.float16)
    kernels.invert(
        terms.indptr, terms.terms, terms.tf.view(np.uint16),
        post_indptr[:-1].copy(), post_rows, post_tf.view(np.uint16),
    )  # fmt: skip
    return frozen(
        Segment(
            keys=rows.keys,
            key_hashes=rows.hashes[order],
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
            squares=square_sums(terms.indptr, terms.tf),
            visible=rows.visible,
            in_stock=rows.in_stock,
            price=rows.price,
            created_s=rows.created_s,
            category_indptr=facets.category_indptr,
            category_codes=facets.category_codes,
            category_values=facets.category_values,
            brand_codes=facets.brand_codes,
            brand_values=facets.brand_values,
            displays=displays(),
            tombstones=gone,
        )
    )


def square_sums(indptr: Longs, tf: Halves) -> Doubles:
    """
    Return A(d) of each row.
    """
    squares = np.empty(len(indptr) - 1, np.float64)
    kernels.square_sums(indptr, tf.view(np.uint16), squares)
    return squares


def frozen(segment: Segment) -> Segment:
    """
    Return *segment* with every array made read-only.
    """
    for _, array in to_arrays(segment):
        kernels.read_only(array)
    return segment


def to_arrays(segment: Segment) -> Iterator[tuple[str, NDArray[Any]]]:
    """
    Yield all arrays of *segment*, each by the name of its field and its own.
    """
    for field in fields(Segment):
        value = getattr(segment, field.name)
        match value:
            case Displays():
                yield from _arrays_of(field.name, value.strings)
                yield f"{field.name}.dictionary", value.dictionary
            case Blob():
                yield from _arrays_of(field.name, value)
            case _:
                yield field.name, value


def _arrays_of(name: str, blob: Blob) -> Iterator[tuple[str, NDArray[Any]]]:
    yield f"{name}.data", blob.data
    yield f"{name}.offsets", blob.offsets


@dataclass(frozen=True, slots=True)
class Part:
    """
    A segment to merge, and which of its rows are dead.
    """

    segment: Segment
    dead: Bools


def merge_segments(
    parts: Sequence[Part], *, keep_tombstones: bool, beside: Beside | None = None
) -> Segment:
    """
    Return one segment that says what *parts*, neighbours from old to new, say.

    Args:
        parts: Of each key at most one row is alive.
        keep_tombstones: Whether segments older than these remain.
        beside: Where what pages show is packed while all else is merged here; None:
            it is merged here, too, as it is.
    """
    segments = [part.segment for part in parts]
    living = [np.flatnonzero(~part.dead) for part in parts]
    keys = concatenate(
        [s.keys.take(rows) for s, rows in zip(segments, living, strict=True)]
    )
    order = _order_of(keys)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    places = np.split(place, np.cumsum([len(rows) for rows in living])[:-1])
    sources = [
        _Source(*source) for source in zip(segments, living, places, strict=True)
    ]
    ordered = keys.take(order)
    gone = _merge_tombstones(segments, ordered) if keep_tombstones else EMPTY
    displays = (
        beside(partial(_pack_displays, sources))
        if beside
        else partial(_copy_displays, sources)
    )
    return _merge(sources, ordered, gone, displays)


class _Source(NamedTuple):
    """
    What a segment gives to a merge: the rows that live, and where each comes to be.
    """

    segment: Segment
    rows: Longs
    places: Longs


def _merge(
    sources: Sequence[_Source], keys: Blob, gone: Blob, displays: Later
) -> Segment:
    def column(name: str) -> NDArray[Any]:
        values = [(places, getattr(s, name)[rows]) for s, rows, places in sources]
        return _placed(values, len(keys))

    hashes = [(places, s.hashed_keys()[rows]) for s, rows, places in sources]
    rows = _Rows(
        keys=keys,
        hashes=_placed(hashes, len(keys)),
        contents=column("contents"),
        visible=column("visible"),
        in_stock=column("in_stock"),
        price=column("price"),
        created_s=column("created_s"),
    )
    terms, facets = _merge_terms(sources), _merge_facets(sources)
    return _assemble(rows, terms, facets, gone, displays)


def _placed(values: Sequence[tuple[Longs, NDArray[Any]]], total: int) -> NDArray[Any]:
    """
    Return values of several segments as one array, each at its place.
    """
    placed = np.empty(total, values[0][1].dtype)
    for places, some in values:
        placed[places] = some
    return placed


def _merge_tombstones(segments: Sequence[Segment], keys: Blob) -> Blob:
    removed = set(chain.from_iterable(s.tombstones for s in segments))
    return Blob.of(sorted(removed - set(keys))) if removed else EMPTY


def _copy_displays(sources: Sequence[_Source]) -> Displays:
    shown = _gathered(sources)
    return Displays.plain(shown.take(np.arange(len(shown))))


def _pack_displays(sources: Sequence[_Source]) -> Displays:
    return pack(_gathered(sources)) or _copy_displays(sources)


def _gathered(sources: Sequence[_Source]) -> Gathered:
    return Gathered(
        [Share(s.displays.unpacked(), rows, places) for s, rows, places in sources]
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


def _merge_terms(sources: Sequence[_Source]) -> Terms:
    total = sum(len(rows) for _, rows, _ in sources)
    lengths = np.zeros(total, np.int64)
    for s, rows, to in sources:
        lengths[to] = s.indptr[rows + 1] - s.indptr[rows]
    indptr = _starts(lengths)
    used = [(s, _used_terms(s, rows)) for s, rows, _ in sources]
    hashes = np.concatenate([s.dictionary[terms] for s, terms in used])
    dictionary, first = np.unique(hashes, return_index=True)
    words = concatenate([s.words.take(terms) for s, terms in used])
    merged = Terms(
        indptr=indptr,
        terms=np.empty(indptr[-1], np.int32),
        tf=np.empty(indptr[-1], np.float16),
        dictionary=dictionary,
        words=words.take(first.astype(np.int64)),
    )
    for s, rows, to in sources:
        renamed = np.empty(len(s.dictionary), np.int64)
        kernels.find_sorted(dictionary, s.dictionary, renamed)
        kernels.gather_rows(
            *s.forward, rows, renamed.astype(np.int32),
            indptr, merged.terms, merged.tf.view(np.uint16), to,
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


def _merge_facets(sources: Sequence[_Source]) -> _Facets:
    total = sum(len(rows) for _, rows, _ in sources)
    lengths = np.zeros(total, np.int64)
    for s, rows, to in sources:
        lengths[to] = s.category_indptr[rows + 1] - s.category_indptr[rows]
    indptr = _starts(lengths)
    codes = np.empty(indptr[-1], np.int32)
    brand_codes = np.empty(total, np.int32)
    categories: dict[bytes, int] = {}
    brands: dict[bytes, int] = {}
    for s, rows, to in sources:
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
