"""
A frozen whole that answers: segments, and what follows from them together.

Deriving the next snapshot costs what the change costs. With N products, L =
ln(1+N) + 1 and g(t) = -ln(1+df(t)), smooth idf is L + g(t), so the squared norm of
a product is L²·A + 2L·B + C: N moves L alone, and a changed df moves B and C of
the rows that hold the term.
"""

from __future__ import annotations

import math
import threading

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, NamedTuple

import numpy as np

from recommender import kernels, search_kernels
from recommender.blob import Blob
from recommender.errors import StoreCorrupt, UnknownProduct
from recommender.filters import NO_FILTERS, Filters, to_wanted
from recommender.generation import Generation
from recommender.kernels import (
    Bools,
    Doubles,
    Hashes,
    Ints,
    read_only,
)
from recommender.manifest import Manifest
from recommender.query import Query, Vector
from recommender.search_kernels import Columns, Norms, Sought
from recommender.segment import NO_CODE, Segment, hash_keys


ENCODING: Final = ("utf-8", "surrogatepass")
SCALE: Final = 1e9  # scores are compared at nine decimals
MANY: Final = 1_000  # hits; from here on sorting all is quicker than keeping the best
NO_ROWS: Final = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True)
class Hit:
    """
    A product with its score, the cosine, above 0 and at most 1.
    """

    key: bytes
    score: float
    display: bytes
    row: Row = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Row:
    """
    Where a living product is.
    """

    view: View
    row: int

    @property
    def key(self) -> bytes:
        """
        Its key.
        """
        return self.view.segment.keys[self.row]

    @property
    def visible(self) -> bool:
        """
        Whether a visitor may see it.
        """
        return bool(self.view.segment.visible[self.row])

    @property
    def in_stock(self) -> bool:
        """
        Whether it can be bought.
        """
        return bool(self.view.segment.in_stock[self.row])

    @property
    def price(self) -> float:
        """
        NaN when unknown.
        """
        return float(self.view.segment.price[self.row])

    @property
    def created_s(self) -> float:
        """
        Unix time of creation, NaN when unknown.
        """
        return float(self.view.segment.created_s[self.row])

    @property
    def category(self) -> str:
        """
        Its category path, as `category_path` joins it; empty when unknown.
        """
        paths = self._category_paths()
        return paths[-1] if paths else ""

    @property
    def categories(self) -> tuple[str, ...]:
        """
        The names on its category path, outermost first; empty when unknown.
        """
        paths = self._category_paths()
        longer = zip(("", *paths), paths, strict=False)
        return tuple(path[len(outer) :].removeprefix(" > ") for outer, path in longer)

    @property
    def brand(self) -> str:
        """
        Empty when unknown.
        """
        s = self.view.segment
        code = s.brand_codes[self.row]
        return "" if code == NO_CODE else s.brand_values[code].decode(*ENCODING)

    @property
    def display(self) -> bytes:
        """
        A JSON object with what a page shows.
        """
        return self.view.segment.displays[self.row]

    def _category_paths(self) -> list[str]:
        s = self.view.segment
        span = slice(s.category_indptr[self.row], s.category_indptr[self.row + 1])
        values = s.category_values
        return [values[code].decode(*ENCODING) for code in s.category_codes[span]]

    def terms(self) -> dict[str, float]:
        """
        Return tf(d, t) of each of its terms.
        """
        s = self.view.segment
        span = slice(s.indptr[self.row], s.indptr[self.row + 1])
        words = (s.words[place].decode(*ENCODING) for place in s.terms[span])
        return dict(zip(words, s.tf[span].tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """
    A segment as one snapshot sees it, R rows and T terms.

    Attributes:
        dead: Rows that a newer segment shadows, (R,).
        products: How many rows live.
        visible: How many of them a visitor may see.
        own: Living rows here that hold each term, (T,).
        df: Living rows anywhere that hold each term, (T,).
        b: B(d) = Σ tf²·g(t), (R,).
        c: C(d) = Σ tf²·g(t)², (R,).
    """

    segment: Segment
    dead: Bools
    products: int
    visible: int
    own: Ints
    df: Ints
    b: Doubles
    c: Doubles

    @property
    def columns(self) -> Columns:
        """
        What filters look at.
        """
        s = self.segment
        return Columns(
            self.dead, s.visible, s.in_stock, s.price,
            s.category_indptr, s.category_codes, s.brand_codes,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Living:
    """
    A segment and who is alive in it, before the corpus is known.
    """

    segment: Segment
    dead: Bools
    products: int
    visible: int
    own: Ints
    lost: Ints  # rows that died since the snapshot before


class _Room(NamedTuple):
    """
    What a query needs for at least R rows: scores, all zero; a list to fill; and their
    lengths.
    """

    scores: Doubles
    touched: Ints
    lengths: Doubles

    @classmethod
    def of(cls, rows: int) -> _Room:
        """
        Return room for *rows* rows.
        """
        return cls(
            np.zeros(rows, np.float64),
            np.empty(rows, np.int32),
            np.empty(rows, np.float64),
        )


class _Scratch(threading.local):
    """
    Room that is used again: 20 bytes for each row of the largest segment that the
    thread has asked.
    """

    def __init__(self) -> None:
        self._room = _Room.of(0)

    def take(self, rows: int) -> _Room:
        """
        Return room for *rows* rows.
        """
        room, self._room = self._room, _Room.of(0)
        return room if len(room.scores) >= rows else _Room.of(rows)

    def give_back(self, room: _Room) -> None:
        """
        Take what was lent, scores zero again; a query that failed gives nothing back.
        """
        self._room = room


_scratch = _Scratch()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Snapshot:
    """
    The whole model of one generation.

    Attributes:
        manifest: Of the generation.
        views: Its segments, oldest first.
        products: Living products, hidden ones too.
        visible: Living products that a visitor may see.
    """

    manifest: Manifest
    views: tuple[View, ...]
    products: int
    visible: int

    @classmethod
    def derive(
        cls, generation: Generation, previous: Snapshot | None = None
    ) -> Snapshot:
        """
        Return the snapshot of *generation*, using what *previous* has worked out.

        Raises:
            StoreCorrupt: The segments do not add up to what the manifest says.
        """
        manifest = generation.manifest
        due = (manifest.products, manifest.visible)
        before = {view.segment: view for view in previous.views} if previous else {}
        views = _views(_living(generation.segments, before), before)
        if before and _count(views) != due:
            # A crash may take back a change that *previous* has seen: then a row that
            # is dead there lives, and always too few are counted.
            views = _views(_living(generation.segments, {}), {})
        products, visible = _count(views)
        if (products, visible) != due:
            msg = (
                f"generation {manifest.generation} holds {products} products, "
                f"{visible} visible, instead of {manifest.products}, {manifest.visible}"
            )
            raise StoreCorrupt(msg)
        return cls(manifest, views, products, visible)

    @property
    def generation(self) -> int:
        """
        The generation's number.
        """
        return self.manifest.generation

    @property
    def big_l(self) -> float:
        """
        L = ln(1+N) + 1.
        """
        return math.log1p(self.products) + 1.0

    def find(self, key: bytes) -> Row | None:
        """
        Return where the living product of *key* is, hidden or not; None if nowhere.
        """
        for view in reversed(self.views):
            row = view.segment.find(key)
            if row >= 0 and not view.dead[row]:
                return Row(view, row)
        return None

    def living(self) -> Iterator[Row]:
        """
        Yield every living product, in no order.
        """
        for view in self.views:
            for row in np.flatnonzero(~view.dead):
                yield Row(view, int(row))

    def square(self, row: Row) -> float:
        """
        Return ‖d‖² of a living product.
        """
        view, at, big_l = row.view, row.row, self.big_l
        a, b, c = view.segment.squares[at], view.b[at], view.c[at]
        return float(big_l * (big_l * a + 2.0 * b) + c)

    def similar(
        self, key: bytes, *, limit: int, filters: Filters = NO_FILTERS
    ) -> list[Hit]:
        """
        Return the visible products most like that of *key*, best first.

        The product itself is never among them. If *limit* products pass the filters
        with a score above 0, *limit* are returned. Ties are in order of their keys.

        Raises:
            UnknownProduct: No product has this key.
        """
        row = self.find(key)
        if row is None:
            raise UnknownProduct
        unwanted = filters.exclude | {key}
        hits = self.best(self.query(row), limit + len(unwanted), filters)
        return [hit for hit in hits if hit.key not in unwanted][:limit]

    def vector(self, row: Row) -> Vector:
        """
        Return the tf·idf of a living product, not normalised.
        """
        view, at = row.view, row.row
        segment = view.segment
        span = slice(segment.indptr[at], segment.indptr[at + 1])
        places = segment.terms[span]
        idf = self.big_l - np.log1p(view.df[places])
        tf = segment.tf[span].astype(np.float64)
        return Vector(segment.dictionary[places], tf * idf, idf)

    def query(self, row: Row) -> Query:
        """
        Return what asks for products like that of *row*.
        """
        return Query.of(self.vector(row))

    def best(
        self,
        query: Query,
        limit: int,
        filters: Filters = NO_FILTERS,
        least: float = 0.0,
    ) -> list[Hit]:
        """
        Return the visible products most like *query*, best first, those to exclude and
        those asked with among them.

        Args:
            least: Of the score.
        """
        found: list[tuple[int, bytes, View, int]] = []
        floor = max(1, round(least * SCALE))
        for view in self.views:
            for score, row in self._best_in(view, query, limit, floor, filters):
                found.append((-score, view.segment.keys[row], view, row))
            found.sort(key=lambda hit: hit[:2])
            del found[limit:]
            if len(found) == limit:
                floor = max(floor, -found[-1][0])
        return [
            Hit(key, -score / SCALE, view.segment.displays[row], Row(view, row))
            for score, key, view, row in found
        ]

    def _best_in(
        self, view: View, query: Query, limit: int, floor: int, filters: Filters
    ) -> Iterable[tuple[int, int]]:
        segment = view.segment
        wanted = to_wanted(segment, filters)
        if wanted is None:
            return ()
        places = np.empty(len(query.hashes), np.int64)
        kernels.find_sorted(segment.dictionary, query.hashes, places)
        terms = Sought(
            read_only(places), read_only(query.weights), read_only(query.squares)
        )
        norms = Norms(segment.squares, view.b, view.c, self.big_l, query.square)
        asked = norms, floor, view.columns, wanted
        room = _scratch.take(len(segment))
        if limit <= MANY:
            best, rows = np.empty(limit, np.int64), np.empty(limit, np.int32)
            kept = search_kernels.best_rows(
                segment.postings, segment.forward, terms, *asked, *room, best, rows
            )
        else:
            best, rows = (
                np.empty(len(segment), np.int64),
                np.empty(len(segment), np.int32),
            )
            kept = search_kernels.all_rows(
                segment.postings, terms, *asked, *room, best, rows
            )
            order = np.lexsort((rows[:kept], -best[:kept]))[:limit]
            best, rows, kept = best[order], rows[order], len(order)
        _scratch.give_back(room)
        return zip(best[:kept].tolist(), rows[:kept].tolist(), strict=True)


def _count(views: Iterable[View]) -> tuple[int, int]:
    """
    Return how many products live, and how many of them are visible.
    """
    counts = [(view.products, view.visible) for view in views]
    return sum(products for products, _ in counts), sum(seen for _, seen in counts)


def _living(
    segments: Sequence[Segment], before: Mapping[Segment, View]
) -> list[_Living]:
    """
    Say who is alive in each segment: rows whose key no newer segment has.
    """
    hashed = {s: _hashed_keys(s) for s in segments[1:] if s not in before}
    living = []
    for i, segment in enumerate(segments):
        if view := before.get(segment):
            one = _Living(
                segment, view.dead, view.products, view.visible, view.own, NO_ROWS
            )
            newer = [hashed[s] for s in segments[i + 1 :] if s in hashed]
        else:
            one = _all_living(segment)
            newer = [
                hashed[s] if s in hashed else _hashed_keys(s) for s in segments[i + 1 :]
            ]
        living.append(_without(one, newer))
    return living


def _all_living(segment: Segment) -> _Living:
    return _Living(
        segment,
        read_only(np.zeros(len(segment), np.bool_)),
        len(segment),
        int(np.count_nonzero(segment.visible)),
        np.diff(segment.post_indptr).astype(np.int32),
        NO_ROWS,
    )


def _hashed_keys(segment: Segment) -> list[tuple[Blob, Hashes]]:
    return [
        (segment.keys, segment.hashed_keys()),
        (segment.tombstones, hash_keys(segment.tombstones)),
    ]


def _without(
    living: _Living, newer: Iterable[Iterable[tuple[Blob, Hashes]]]
) -> _Living:
    segment = living.segment
    found = [segment.find_all(*keys) for keys in chain.from_iterable(newer)]
    rows = np.unique(np.concatenate([NO_ROWS, *found]))
    lost = rows[~living.dead[rows]]
    if not len(lost):
        return living
    dead, own = living.dead.copy(), living.own.copy()
    dead[lost] = True
    kernels.uncount_terms(segment.indptr, segment.terms, lost, own)
    return _Living(
        segment,
        read_only(dead),
        living.products - len(lost),
        living.visible - int(np.count_nonzero(segment.visible[lost])),
        own,
        lost,
    )


def _views(
    living: Sequence[_Living], before: Mapping[Segment, View]
) -> tuple[View, ...]:
    hashes, changes = _changed_terms(living, before)
    return tuple(
        _moved(before[one.segment], one, hashes, changes)
        if one.segment in before
        else _fresh(one, living)
        for one in living
    )


def _changed_terms(
    living: Sequence[_Living], before: Mapping[Segment, View]
) -> tuple[Hashes, Ints]:
    """
    Return which terms more or fewer living products hold than before, and by how many.
    """
    kept = {one.segment for one in living if one.segment in before}
    hashes: list[Hashes] = [np.zeros(0, np.uint64)]
    changes: list[Ints] = [np.zeros(0, np.int32)]
    if not kept:
        return hashes[0], changes[0]  # nobody would ask
    for view in before.values():
        if view.segment not in kept:
            hashes.append(view.segment.dictionary)
            changes.append(-view.own)
    for one in living:
        if one.segment not in kept:
            hashes.append(one.segment.dictionary)
            changes.append(one.own)
        elif len(one.lost):
            places = np.unique(one.segment.terms_of(one.lost))
            hashes.append(one.segment.dictionary[places])
            changes.append(one.own[places] - before[one.segment].own[places])
    unique, place = np.unique(np.concatenate(hashes), return_inverse=True)
    total = np.zeros(len(unique), np.int64)
    np.add.at(total, place, np.concatenate(changes))
    moved = total != 0
    return unique[moved], total[moved].astype(np.int32)


def _moved(view: View, one: _Living, hashes: Hashes, changes: Ints) -> View:
    """
    Return *view* after the document frequencies of *hashes* have changed.
    """
    segment = one.segment
    places = np.empty(len(hashes), np.int64)
    kernels.find_sorted(segment.dictionary, hashes, places)
    here = places >= 0
    if not here.any():
        return _viewed(one, view.df, view.b, view.c)
    places = places[here]
    df = view.df.copy()
    df[places] += changes[here]
    sizes = segment.post_indptr[places + 1] - segment.post_indptr[places]
    if sizes.sum() > len(segment.terms) // 2:
        return _weighed(one, df)
    b, c = view.b.copy(), view.c.copy()
    kernels.move_norm_parts(
        segment.post_indptr, segment.post_rows, segment.post_tf,
        places, -np.log1p(view.df[places]), -np.log1p(df[places]), b, c,
    )  # fmt: skip
    return _viewed(one, df, read_only(b), read_only(c))


def _fresh(one: _Living, living: Sequence[_Living]) -> View:
    """
    Return the view of a segment that was not there before.
    """
    df = one.own.copy()
    mine = one.segment.dictionary
    for other in living:
        if other is one:
            continue
        theirs = other.segment.dictionary
        if len(mine) <= len(theirs):
            places = np.empty(len(mine), np.int64)
            kernels.find_sorted(theirs, mine, places)
            here = places >= 0
            df[here] += other.own[places[here]]
        else:
            places = np.empty(len(theirs), np.int64)
            kernels.find_sorted(mine, theirs, places)
            here = places >= 0
            df[places[here]] += other.own[here]
    return _weighed(one, df)


def _weighed(one: _Living, df: Ints) -> View:
    segment = one.segment
    b = np.empty(len(segment), np.float64)
    c = np.empty(len(segment), np.float64)
    kernels.norm_parts(segment.indptr, segment.terms, segment.tf, -np.log1p(df), b, c)
    return _viewed(one, df, read_only(b), read_only(c))


def _viewed(one: _Living, df: Ints, b: Doubles, c: Doubles) -> View:
    return View(one.segment, one.dead, one.products, one.visible, one.own, df, b, c)
