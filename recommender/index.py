"""
The mutable index: takes mutations, gives frozen segments.

It keeps its segments in such proportions that their number stays small and a
change rewrites little: each is at least `FANOUT` times as large as the next newer
one. Small neighbours are merged at once, large ones in the background. What is smaller
than `FANOUT` rows is not merged: it is built again, with what has come since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, assert_never

import numpy as np

from recommender.blob import Blob
from recommender.kernels import Bools
from recommender.mutation import Clear, Delete, Mutation, Upsert
from recommender.product import Product
from recommender.row import Said, unlike_parts
from recommender.segment import (
    Part,
    Segment,
    build_segment,
    content_hash,
    hash_keys,
    merge_segments,
)
from recommender.weights import Weights


FANOUT: Final = 8
SMALL_ROWS: Final = 512  # merging as many takes about a millisecond
LARGEST_PENDING: Final = 16_384  # bounds the memory of a cold build
MOSTLY_DEAD: Final = 0.5  # from here on a segment is worth rewriting alone
FEW: Final = 8  # keys; so many are found sooner one by one
MISSING: Final = ("missing",)  # what differs of a product that is not here
# While more is waiting to be applied, which needs the processor more than a merge does;
# beyond it, queries would take long.
MOST_SEGMENTS: Final = 16


@dataclass(frozen=True, slots=True)
class Counts:
    """
    What a run of mutations did, by kind.
    """

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.deleted + other.deleted,
            self.unchanged + other.unchanged,
        )

    @property
    def changes(self) -> int:
        """
        How many mutations changed the catalogue.
        """
        return self.inserted + self.updated + self.deleted


@dataclass(slots=True)
class _Shelved:
    """
    A segment and which of its rows are dead.
    """

    segment: Segment
    dead: Bools

    @property
    def size(self) -> int:
        return len(self.segment) + len(self.segment.tombstones)

    @property
    def is_mostly_dead(self) -> bool:
        rows = len(self.segment)
        dead = int(np.count_nonzero(self.dead))
        return rows > SMALL_ROWS and dead > MOSTLY_DEAD * rows

    def kill(self, newer: Segment) -> None:
        """
        Note that *newer* shadows this one.
        """
        for keys, hashes in (
            (newer.keys, newer.hashed_keys()),
            (newer.tombstones, hash_keys(newer.tombstones)),
        ):
            self.dead[self.segment.find_all(keys, hashes)] = True


@dataclass(frozen=True, slots=True)
class Merge:
    """
    A merge that the index asks for; run it in any thread, then let the index adopt.
    """

    parts: tuple[Part, ...]
    keep_tombstones: bool

    def run(self) -> Segment:
        """
        Return the merged segment; pure, and slow.
        """
        return merge_segments(self.parts, keep_tombstones=self.keep_tombstones)


_Row = tuple[Segment, int]
_Unbuilt = dict[bytes, Product | None]  # by key; None: removed


@dataclass(frozen=True, slots=True)
class _Known:
    """
    What the index knows of a living product.
    """

    content: int
    visible: bool


class Index:
    """
    The living catalogue. One thread owns it.
    """

    def __init__(self, weights: Weights, segments: Sequence[Segment] = ()) -> None:
        """
        Start from *segments*, oldest first, as another index once froze them.
        """
        self._weights = weights
        self._pending: _Unbuilt = {}
        self._growing: tuple[Segment, _Unbuilt] | None = None  # and what it is of
        self._shelf: list[_Shelved] = []
        self._merging: Merge | None = None
        for segment in segments:
            self._shelve(segment)
        self.recount()

    @property
    def products(self) -> int:
        """
        How many products there are, hidden ones too.
        """
        return self._products

    @property
    def visible(self) -> int:
        """
        How many products may be returned to a visitor.
        """
        return self._visible

    def apply(self, mutations: Iterable[Mutation]) -> Counts:
        """
        Bring the catalogue to where *mutations* say it is, one after the other.

        A product that says what it said before changes nothing.
        """
        left = list(mutations)
        counts = Counts()
        while left:
            # None of them is shelved before the last of them is here.
            room = max(1, LARGEST_PENDING - len(self._pending))
            some, left = left[:room], left[room:]
            counts += self._apply(some, self._shelved_rows(some))
        return counts

    def _apply(
        self, mutations: Iterable[Mutation], shelved: dict[bytes, _Row]
    ) -> Counts:
        """
        Args:
            shelved: Where the living rows of their keys are, of those that have one.
        """
        inserted = updated = deleted = unchanged = 0
        for mutation in mutations:
            match mutation:
                case Upsert(product):
                    known = self._known(product.key, shelved.get(product.key))
                    if known is None:
                        inserted += 1
                    elif known.content == content_hash(product):
                        unchanged += 1
                        continue
                    else:
                        updated += 1
                    self._put(product, known)
                case Delete(key):
                    known = self._known(key, shelved.get(key))
                    if known is None:
                        unchanged += 1
                    else:
                        deleted += 1
                        self._remove(key, known)
                case Clear():
                    deleted += self._products
                    self._clear()
                    shelved.clear()
                case _:
                    assert_never(mutation)
        return Counts(inserted, updated, deleted, unchanged)

    def freeze(self) -> tuple[Segment, ...]:
        """
        Return all segments, oldest first; together they are the catalogue.
        """
        self._forget_gone()
        if self._pending:
            self._reopen()
            said = self._pending
            built = self._take_pending()
            self._shelve(built)
            if len(said) < min(FANOUT, SMALL_ROWS):
                self._growing = built, said
            else:
                self._merge_small()
        return tuple(shelved.segment for shelved in self._shelf)

    def merge_due(self, *, idle: bool = True) -> Merge | None:
        """
        Return a merge worth doing in the background, if there is one.

        Until it is adopted or abandoned no other is offered.

        Args:
            idle: Whether nothing more is waiting to be applied; else there is none
                unless there are more than `MOST_SEGMENTS`.
        """
        if self._merging or not (idle or len(self._shelf) > MOST_SEGMENTS):
            return None
        run = self._run_due()
        if not run:
            return None
        chosen = self._shelf[run.start : run.stop]
        self._merging = Merge(
            tuple(Part(s.segment, s.dead.copy()) for s in chosen),
            keep_tombstones=run.start > 0,
        )
        return self._merging

    def adopt(self, merge: Merge, merged: Segment) -> None:
        """
        Put *merged* in the place of what it was merged from.

        A merge that was abandoned, or whose segments are gone, changes nothing.
        """
        if merge is not self._merging:
            return
        self.abandon()
        segments = [shelved.segment for shelved in self._shelf]
        first = merge.parts[0].segment
        if first not in segments:
            return  # cleared meanwhile
        at = segments.index(first)
        end = at + len(merge.parts)
        shelved = _Shelved(merged, np.zeros(len(merged), np.bool_))
        for newer in segments[end:]:
            shelved.kill(newer)
        self._shelf[at:end] = [shelved] if shelved.size else []

    def abandon(self) -> None:
        """
        Forget the merge under way, so that it may be offered again.
        """
        self._merging = None

    def contents(self) -> Iterator[tuple[bytes, int]]:
        """
        Yield key and content hash of every living product, in no order.
        """
        for key, product in self._pending.items():
            if product is not None:
                yield key, content_hash(product)
        for shelved in self._shelf:
            for row in np.flatnonzero(~shelved.dead):
                key = shelved.segment.keys[row]
                if key not in self._pending:
                    yield key, int(shelved.segment.contents[row])

    def keys(self) -> Iterator[bytes]:
        """
        Yield the key of every product that lives now, in no order; the index may change
        while they are taken.
        """
        pending = dict(self._pending)
        alive = [(s.segment.keys, np.flatnonzero(~s.dead)) for s in self._shelf]
        shelved = (keys[row] for keys, rows in alive for row in rows)
        return chain(
            (key for key, product in pending.items() if product is not None),
            (key for key in shelved if key not in pending),
        )

    def content(self, key: bytes) -> int | None:
        """
        Return the content hash of a living product, else None.
        """
        known = self._known(key, self._find(key))
        return None if known is None else known.content

    def unlike(self, expected: Mapping[bytes, Said]) -> dict[bytes, Sequence[str]]:
        """
        Return the parts in which products are not what their rows are *expected* to
        say, by key; `MISSING` of those that are not here, nothing of all others.
        """
        waiting = {key: self._pending[key] for key in expected if key in self._pending}
        products = [product for product in waiting.values() if product is not None]
        pending = build_segment(products, self._weights)
        unlike: dict[bytes, Sequence[str]] = {}
        for key, said in expected.items():
            if key in waiting:
                row = pending.find(key)
                found = (pending, row) if row >= 0 else None
            else:
                found = self._find(key)
            parts = MISSING if found is None else unlike_parts(*found, said)
            if parts:
                unlike[key] = parts
        return unlike

    def recount(self) -> None:
        """
        Count products and visible ones anew, from what the rows say.
        """
        shadowed = Blob.of(list(self._pending))
        hashes = hash_keys(self._pending)
        pending = [p for p in self._pending.values() if p is not None]
        self._products = len(pending)
        self._visible = sum(product.visible for product in pending)
        for shelved in self._shelf:
            alive = ~shelved.dead
            alive[shelved.segment.find_all(shadowed, hashes)] = False
            self._products += int(alive.sum())
            self._visible += int((shelved.segment.visible & alive).sum())

    def _known(self, key: bytes, shelved: _Row | None) -> _Known | None:
        if key in self._pending:
            product = self._pending[key]
            if product is None:
                return None
            return _Known(content_hash(product), product.visible)
        if shelved is None:
            return None
        segment, row = shelved
        return _Known(int(segment.contents[row]), bool(segment.visible[row]))

    def _shelved_rows(self, mutations: Iterable[Mutation]) -> dict[bytes, _Row]:
        """
        Return where the living rows are of the products that *mutations* are of.
        """
        keys = list(_keys_of(mutations))
        if len(keys) < FEW:
            sought = ((key, self._find(key)) for key in keys)
            return {key: row for key, row in sought if row is not None}
        blob, hashes = Blob.of(keys), hash_keys(keys)
        found: dict[bytes, _Row] = {}
        for shelved in self._shelf:
            rows = shelved.segment.find_each(blob, hashes)
            here = np.flatnonzero(rows >= 0)
            for i in here[~shelved.dead[rows[here]]].tolist():
                found[keys[i]] = shelved.segment, int(rows[i])
        return found

    def _find(self, key: bytes) -> _Row | None:
        """
        Return where the living row of *key* is.
        """
        for shelved in reversed(self._shelf):
            row = shelved.segment.find(key)
            if row >= 0 and not shelved.dead[row]:
                return shelved.segment, row
        return None

    def _put(self, product: Product, known: _Known | None) -> None:
        self._products += known is None
        self._visible += product.visible - (known is not None and known.visible)
        self._note(product.key, product)

    def _remove(self, key: bytes, known: _Known) -> None:
        self._products -= 1
        self._visible -= known.visible
        self._note(key, None)

    def _note(self, key: bytes, product: Product | None) -> None:
        self._pending[key] = product
        if len(self._pending) >= LARGEST_PENDING:
            self._shelve(self._take_pending())

    def _clear(self) -> None:
        self._pending.clear()
        self._shelf.clear()
        self._products = self._visible = 0

    def _take_pending(self) -> Segment:
        """
        Return what is pending as a segment; all of it stays pending if that fails.
        """
        pending = self._pending
        products = [product for product in pending.values() if product is not None]
        removed = [key for key, product in pending.items() if product is None]
        segment = build_segment(products, self._weights, self._shelved(removed))
        self._pending = {}
        return segment

    def _forget_gone(self) -> None:
        """
        Let nothing be pending of what came and went since the last segment.
        """
        removed = [key for key, product in self._pending.items() if product is None]
        for key in set(removed).difference(self._shelved(removed)):
            del self._pending[key]

    def _reopen(self) -> None:
        """
        Let what the newest segment says be pending again, if it is still growing.
        """
        if self._growing is None:
            return
        segment, said = self._growing
        self._growing = None
        is_newest = bool(self._shelf) and self._shelf[-1].segment is segment
        if is_newest and not self._is_merging(segment):
            self._shelf.pop()
            self._pending = said | self._pending

    def _shelved(self, keys: Sequence[bytes]) -> Sequence[bytes]:
        """
        Return those *keys* that some segment holds, the only ones worth a tombstone.
        """
        if not keys:
            return ()
        blob = Blob.of(keys)
        hashes = hash_keys(keys)
        held = {
            shelved.segment.keys[row]
            for shelved in self._shelf
            for row in shelved.segment.find_all(blob, hashes)
        }
        return [key for key in keys if key in held]

    def _shelve(self, segment: Segment) -> None:
        if not len(segment) and not len(segment.tombstones):
            return
        for older in self._shelf:
            older.kill(segment)
        self._shelf.append(_Shelved(segment, np.zeros(len(segment), np.bool_)))

    def _is_small_merge_due(self) -> bool:
        older, newer = self._shelf[-2:]
        return (
            older.size < FANOUT * newer.size
            and older.size + newer.size <= SMALL_ROWS
            and not self._is_merging(older.segment)
        )

    def _is_merging(self, segment: Segment) -> bool:
        return self._merging is not None and any(
            part.segment is segment for part in self._merging.parts
        )

    def _merge_small(self) -> None:
        """
        Merge the newest neighbours for as long as they are too much alike in size.
        """
        while len(self._shelf) > 1 and self._is_small_merge_due():
            self._merge_newest()

    def _merge_newest(self) -> None:
        merged = merge_segments(
            [Part(shelved.segment, shelved.dead) for shelved in self._shelf[-2:]],
            keep_tombstones=len(self._shelf) > 2,  # noqa: PLR2004
        )
        shelved = _Shelved(merged, np.zeros(len(merged), np.bool_))
        self._shelf[-2:] = [shelved] if shelved.size else []

    def _run_due(self) -> range | None:
        """
        Return the neighbours to merge in the background: from the first that is too
        small beside what is newer, up to the newest; or one that is mostly dead.
        """
        newer = 0
        start = None
        for i in reversed(range(len(self._shelf))):
            size = self._shelf[i].size
            if newer and size < FANOUT * newer and size + newer > SMALL_ROWS:
                start = i
            newer += size
        if start is not None:
            return range(start, len(self._shelf))
        for i, shelved in enumerate(self._shelf):
            if shelved.is_mostly_dead:
                return range(i, i + 1)
        return None


def _keys_of(mutations: Iterable[Mutation]) -> Iterator[bytes]:
    for mutation in mutations:
        match mutation:
            case Upsert(product):
                yield product.key
            case Delete(key):
                yield key
