"""
A frozen whole that answers: segments, and what follows from them together.

Deriving the next snapshot costs what the change costs. With N products, L =
ln(1+N) + `LEAST_IDF` and g(t) = -ln(1+df(t)), smooth idf is L + g(t): N moves L alone, and
a changed df the g of its term. Nothing exact is kept of rows: the norm of one is worked
out from its terms when it is scored in full.
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
    Floats,
    Forward,
    Hashes,
    Ints,
    Longs,
    Postings,
    read_only,
)
from recommender.lengths import NO_MOVES, Lengths, Moves
from recommender.manifest import Manifest
from recommender.query import Query, Vector
from recommender.search_kernels import Columns, Norms, Sought, Wanted
from recommender.segment import NO_CODE, Segment, hash_keys
from recommender.successive import Successive
from recommender.weights import LEAST_IDF


ENCODING: Final = ("utf-8", "surrogatepass")
SCALE: Final = 1e9  # scores are compared at nine decimals
MANY: Final = 1_000  # hits; from here on sorting is quicker than keeping the best
CLOSE: Final = 1.0 - 1e-6  # of a score, by what single precision takes of lengths
ROUNDED: Final = 2.0  # billionths that two scores may differ by, and be equal
NO_ROWS: Final = np.zeros(0, np.int32)

# Half of a query among few products would be the look at types, which are sure here.
_best_rows: Final = kernels.direct(search_kernels.best_rows)


class Hit(NamedTuple):
    """
    A product with its score, the cosine, above 0 and at most 1.
    """

    key: bytes
    score: float
    row: Row

    @property
    def display(self) -> bytes:
        """
        A JSON object with what a page shows.
        """
        return self.row.display


class Row(NamedTuple):
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
        products: How many rows live.
        visible: How many of them a visitor may see.
        lengths: ‖d‖, roughly.
        kept_dead: `dead`, and how it follows from one snapshot to the next.
        kept_g: The same of `g`.
        postings: The rows of each term, as kernels take them.
        forward: The terms of each row, likewise.
        columns: What filters look at, likewise.
    """

    segment: Segment
    products: int
    visible: int
    lengths: Lengths
    kept_dead: Successive[np.bool_]
    kept_g: Successive[np.float64]
    postings: Postings = field(init=False, repr=False)
    forward: Forward = field(init=False, repr=False)
    columns: Columns = field(init=False, repr=False)

    def __post_init__(self) -> None:
        s = self.segment
        columns = Columns(
            self.dead, s.visible, s.in_stock, s.price,
            s.category_indptr, s.category_codes, s.brand_codes,
        )  # fmt: skip
        # made once, for all queries
        object.__setattr__(self, "postings", s.postings)
        object.__setattr__(self, "forward", s.forward)
        object.__setattr__(self, "columns", columns)

    @property
    def dead(self) -> Bools:
        """
        Rows that a newer segment shadows, (R,).
        """
        return self.kept_dead.values

    @property
    def g(self) -> Doubles:
        """
        g(t) = -ln(1+df(t)) of each term, (T,).
        """
        return self.kept_g.values

    @property
    def df(self) -> Ints:
        """
        Living rows anywhere that hold each term, (T,), worked out when it is asked for.
        """
        return _to_df(self.g)

    @property
    def own(self) -> Ints:
        """
        Living rows here that hold each term, (T,), counted when it is asked for.
        """
        return _own(self.segment, self.dead)

    def df_at(self, places: Longs) -> Ints:
        """
        Return how many living rows anywhere hold each of some terms.
        """
        return _to_df(self.g[places])


@dataclass(frozen=True, slots=True)
class _Living:
    """
    A segment and who is alive in it, before the corpus is known.
    """

    segment: Segment
    dead: Successive[np.bool_]
    products: int
    visible: int
    lost: Ints  # rows that died since the snapshot before


class _Scratch(threading.local):
    """
    Scores that are used again: 4 bytes for each row of the largest segment that the
    thread has asked.
    """

    def __init__(self) -> None:
        self._scores = np.zeros(0, np.float32)

    def take(self, rows: int) -> Floats:
        """
        Return *rows* scores or more, all zero.
        """
        scores, self._scores = self._scores, np.zeros(0, np.float32)
        return scores if len(scores) >= rows else np.zeros(rows, np.float32)

    def give_back(self, scores: Floats) -> None:
        """
        Take what was lent, zero again; a query that failed gives nothing back.
        """
        self._scores = scores


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
        corpus: The same object as in the snapshot before for as long as no idf is
            another, nor what shapes all rows.
    """

    manifest: Manifest
    views: tuple[View, ...]
    products: int
    visible: int
    corpus: object = field(default_factory=object, repr=False)

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
        views, is_moved = _views(_living(generation.segments, before), before)
        if before and _count(views) != due:
            # A crash may take back a change that *previous* has seen: then a row that
            # is dead there lives, and always too few are counted.
            views, is_moved = _views(_living(generation.segments, {}), {})
        products, visible = _count(views)
        if (products, visible) != due:
            msg = (
                f"generation {manifest.generation} holds {products} products, "
                f"{visible} visible, instead of {manifest.products}, {manifest.visible}"
            )
            raise StoreCorrupt(msg)
        if (
            previous is None
            or is_moved
            or _shape(manifest) != _shape(previous.manifest)
        ):
            return cls(manifest, views, products, visible)
        return cls(manifest, views, products, visible, previous.corpus)

    @property
    def generation(self) -> int:
        """
        The generation's number.
        """
        return self.manifest.generation

    @property
    def big_l(self) -> float:
        """
        L = ln(1+N) + `LEAST_IDF`.
        """
        return _big_l(self.products)

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
        forward = row.view.segment.forward
        return search_kernels.square_of(row.row, forward, row.view.g, self.big_l)

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
        # `take` does the same as brackets in half the time where few are taken
        idf = self.big_l + view.g.take(places)
        tf = segment.tf[span].astype(np.float64)
        return Vector(segment.dictionary.take(places), tf * idf, idf)

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
            limit: None are returned below 1.
            least: Of the score.
        """
        if limit < 1:
            return []  # the kernels look at the last of as many as there is room for
        if filters.asks_nothing:
            filters = NO_FILTERS  # which each segment sees at a glance
        hits: list[Hit] = []
        floor = max(1, round(least * SCALE))
        for view in self.views:
            keys = view.segment.keys
            hits += [
                Hit(keys[row], score / SCALE, Row(view, row))
                for score, row in self._best_in(view, query, limit, floor, filters)
            ]
            if len(self.views) > 1:  # one by itself has them in order
                hits.sort(key=lambda hit: (-hit.score, hit.key))
                del hits[limit:]
            if len(hits) == limit:
                floor = max(floor, round(hits[-1].score * SCALE))
        return hits

    def _best_in(
        self, view: View, query: Query, limit: int, floor: int, filters: Filters
    ) -> Iterable[tuple[int, int]]:
        segment = view.segment
        wanted = to_wanted(segment, filters)
        if wanted is None:
            return ()
        places = np.empty(len(query.hashes), np.int64)
        kernels.find_sorted(segment.dictionary, query.hashes, places)
        terms = Sought(read_only(places), read_only(query.weights))
        lengths, big_l = view.lengths, self.big_l
        norms = Norms(
            view.g, big_l, query.square, lengths.values, lengths.shrunk(big_l)
        )  # fmt: skip
        asked = floor, view.columns, wanted
        if limit > MANY:
            return _first_of_all(view, terms, norms, asked, limit)
        best, rows = np.empty(limit, np.int64), np.empty(limit, np.int32)
        scores = _scratch.take(len(segment))
        kept = _best_rows(
            view.postings, view.forward, terms, norms, *asked,
            scores[: len(segment)], best, rows,
        )  # fmt: skip
        _scratch.give_back(scores)
        return zip(best[:kept].tolist(), rows[:kept].tolist(), strict=True)


def _first_of_all(
    view: View,
    terms: Sought,
    norms: Norms,
    asked: tuple[int, Columns, Wanted],
    limit: int,
) -> Iterable[tuple[int, int]]:
    """
    Return value and row of the first *limit*, by a list of all that hold a term: those
    are scored that can be among them.
    """
    floor, columns, wanted = asked
    size = len(view.segment)
    totals, rows = np.empty(size), np.empty(size, np.int32)
    count = search_kernels.touched_rows(
        view.postings, terms, columns, wanted, totals, rows
    )
    totals, rows = totals[:count], rows[:count]
    if count > limit:
        # With ‖d‖ from s to s / (2s - 1) of what it was, a score that seems to be x is
        # from (2s - 1)·x / s to x / s.
        scores = totals / (norms.lengths[rows] * math.sqrt(norms.query_square))
        last = np.partition(scores, -limit)[-limit]
        least = (2.0 * norms.shrunk - 1.0) * last * CLOSE - ROUNDED / SCALE
        chosen = scores >= least
        totals, rows = totals[chosen], rows[chosen]
    values = np.empty(len(rows), np.int64)
    search_kernels.values_of(rows, totals, view.forward, norms, values)
    reached = values >= floor
    values, rows = values[reached], rows[reached]
    order = np.lexsort((rows, -values))[:limit]
    return zip(values[order].tolist(), rows[order].tolist(), strict=True)


def _shape(manifest: Manifest) -> tuple[object, ...]:
    """
    Return what scores follow from beside the rows that have changed.
    """
    return manifest.products, manifest.fingerprint, manifest.text_version


def _big_l(products: int) -> float:
    return math.log1p(products) + LEAST_IDF


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
            one = _Living(segment, view.kept_dead, view.products, view.visible, NO_ROWS)
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
        Successive.of(np.zeros(len(segment), np.bool_)),
        len(segment),
        int(np.count_nonzero(segment.visible)),
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
    sought = chain.from_iterable(newer)
    found = [segment.find_all(*keys) for keys in sought if len(keys[0])]
    found = [rows for rows in found if len(rows)]
    if len(found) > 1:  # of two that are newer, which may have the same key
        found = [np.unique(np.concatenate(found))]
    rows = found[0] if found else NO_ROWS
    lost = rows[~living.dead.values[rows]]
    if not len(lost):
        return living
    return _Living(
        segment,
        living.dead.replaced(lost, np.ones(len(lost), np.bool_)),
        living.products - len(lost),
        living.visible - int(np.count_nonzero(segment.visible[lost])),
        lost,
    )


def _own(segment: Segment, dead: Bools) -> Ints:
    """
    Return how many living rows of a segment hold each of its terms.
    """
    own = np.diff(segment.post_indptr).astype(np.int32)
    gone = np.flatnonzero(dead).astype(np.int32)
    kernels.uncount_terms(segment.indptr, segment.terms, gone, own)
    return own


def _to_df(g: Doubles) -> Ints:
    """
    Return df from -ln(1+df), which double precision tells apart far beyond any number
    of rows.
    """
    return np.rint(np.expm1(-g)).astype(np.int32)


def _to_g(df: Ints) -> Doubles:
    """
    Return -ln(1+df).
    """
    return -np.log1p(df)


def _views(
    living: Sequence[_Living], before: Mapping[Segment, View]
) -> tuple[tuple[View, ...], bool]:
    """
    Return the views, and whether any df may be another than before.
    """
    big_l = _big_l(sum(one.products for one in living))
    if not before:
        owns = [(one.segment, _own(one.segment, one.dead.values)) for one in living]
        return tuple(
            _fresh(one, _sum_here(one.segment, owns), big_l) for one in living
        ), True
    changes = _changed_terms(living, before)
    views = tuple(
        _moved(before[one.segment], one, changes, big_l)
        if one.segment in before
        else _fresh(one, _df_here(one.segment, before.values(), changes), big_l)
        for one in living
    )
    return views, len(changes.hashes) > 0


@dataclass(frozen=True, slots=True, eq=False)
class _Changes:
    """
    Terms, in order of their hashes, that more or fewer living products hold than
    before, and how many more.
    """

    hashes: Hashes
    more: Ints


def _changed_terms(
    living: Sequence[_Living], before: Mapping[Segment, View]
) -> _Changes:
    kept = {one.segment for one in living if one.segment in before}
    hashes: list[Hashes] = [np.zeros(0, np.uint64)]
    changes: list[Ints] = [np.zeros(0, np.int32)]
    for view in before.values():
        if view.segment not in kept:
            hashes.append(view.segment.dictionary)
            changes.append(-view.own)
    for one in living:
        if one.segment not in kept:
            hashes.append(one.segment.dictionary)
            changes.append(_own(one.segment, one.dead.values))
        elif len(one.lost):
            places = one.segment.terms_of(one.lost)
            hashes.append(one.segment.dictionary[places])
            changes.append(np.full(len(places), -1, np.int32))
    return _added_up(np.concatenate(hashes), np.concatenate(changes))


def _added_up(hashes: Hashes, changes: Ints) -> _Changes:
    """
    Return the changes of each term, of which some may be there more than once, as one.
    """
    if not len(hashes):
        return _Changes(hashes, changes)
    order = np.argsort(hashes)
    in_order = hashes[order]
    starts = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1]))
    total = np.add.reduceat(changes[order], starts, dtype=np.int32)
    moved = np.flatnonzero(total)
    return _Changes(in_order[starts[moved]], total[moved])


def _shared(mine: Hashes, theirs: Hashes) -> tuple[Longs, Longs]:
    """
    Return the places in both of the terms that both have.
    """
    if len(mine) > len(theirs):
        return _shared(theirs, mine)[::-1]
    places = np.empty(len(mine), np.int64)
    kernels.find_sorted(theirs, mine, places)
    here = np.flatnonzero(places >= 0)
    return here, places[here]


def _sum_here(segment: Segment, owns: Iterable[tuple[Segment, Ints]]) -> Ints:
    """
    Return df of each of a segment's terms, of what each segment has of its own.
    """
    df = np.zeros(len(segment.dictionary), np.int32)
    for other, own in owns:
        if other is segment:
            df += own
        else:
            mine, theirs = _shared(segment.dictionary, other.dictionary)
            df[mine] += own[theirs]
    return df


def _df_here(segment: Segment, before: Iterable[View], changes: _Changes) -> Ints:
    """
    Return df of each term of a segment that was not there before: every view of before
    that has the term knows how many held it then.
    """
    df = np.zeros(len(segment.dictionary), np.int32)
    for view in before:
        mine, theirs = _shared(segment.dictionary, view.segment.dictionary)
        df[mine] = view.df_at(theirs)
    mine, theirs = _shared(segment.dictionary, changes.hashes)
    df[mine] += changes.more[theirs]
    return df


def _moved(view: View, one: _Living, changes: _Changes, big_l: float) -> View:
    """
    Return *view* after document frequencies have changed.
    """
    segment = one.segment
    theirs, places = _shared(changes.hashes, segment.dictionary)
    if not len(places):
        lengths = view.lengths.moved(segment, view.g, NO_MOVES, big_l)
        if one.dead is view.kept_dead and lengths is view.lengths:
            return view
        return _viewed(one, view.kept_g, lengths)
    was = view.g[places]
    now = _to_g(_to_df(was) + changes.more[theirs])
    kept = view.kept_g.replaced(places, now)
    moves = Moves.between(places, was, now)
    return _viewed(one, kept, view.lengths.moved(segment, kept.values, moves, big_l))


def _fresh(one: _Living, df: Ints, big_l: float) -> View:
    """
    Return the view of a segment with all worked out.
    """
    kept = Successive.of(_to_g(df))
    return _viewed(one, kept, Lengths.of(one.segment, kept.values, big_l))


def _viewed(one: _Living, kept: Successive[np.float64], lengths: Lengths) -> View:
    return View(one.segment, one.products, one.visible, lengths, one.dead, kept)
