"""
A model trained on some products, and what measures need to know of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import orjson

from numpy.typing import NDArray

from recommender.bulk import Builder
from recommender.generation import Generation
from recommender.manifest import Manifest
from recommender.position import ClusterTime
from recommender.product import Product
from recommender.snapshot import Row, Snapshot
from recommender.text import TEXT_VERSION, to_words
from recommender.weights import Weights


Places = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Catalogue:
    """
    N visible products, in order of their keys; a *place* is an index into them.

    Attributes:
        snapshot: The model, of the hidden ones too.
        rows: The visible products, (N,).
    """

    snapshot: Snapshot
    rows: tuple[Row, ...]

    @classmethod
    def train(cls, products: Iterable[Product], weights: Weights) -> Catalogue:
        """
        Return the model of *products*, trained from scratch; of equal keys the last
        one counts.
        """
        snapshot = _train(products, weights)
        visible = (row for row in snapshot.living() if row.visible)
        return cls(snapshot, tuple(sorted(visible, key=lambda row: row.key)))

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def places(self) -> dict[bytes, int]:
        """
        The place of each key.
        """
        return {row.key: place for place, row in enumerate(self.rows)}

    @cached_property
    def categories(self) -> Places:
        """
        A number for each one's innermost category, -1 without one, (N,).
        """
        return _numbered(row.category for row in self.rows)

    @cached_property
    def brands(self) -> Places:
        """
        A number for each one's brand, -1 without one, (N,).
        """
        return _numbered(row.brand for row in self.rows)

    @cached_property
    def prices(self) -> Numbers:
        """
        NaN when unknown, (N,).
        """
        return np.array([row.price for row in self.rows], np.float64)

    @cached_property
    def words(self) -> tuple[frozenset[str], ...]:
        """
        What pages show of each one's name and description, (N,).
        """
        return tuple(_words(row.display) for row in self.rows)


def _train(products: Iterable[Product], weights: Weights) -> Snapshot:
    builder = Builder(weights)
    builder.add(products)
    segment = builder.finish()
    manifest = Manifest(
        generation=1,
        segments=(),
        checkpoints={},
        as_of=ClusterTime(0, 0),
        identity="",
        fingerprint="",
        products=len(segment),
        visible=int(np.count_nonzero(segment.visible)),
        published_s=0.0,
        next_generation=2,
        text_version=TEXT_VERSION,
    )
    return Snapshot.derive(Generation(manifest, (segment,)))


def _numbered(names: Iterable[str]) -> Places:
    numbers: dict[str, int] = {"": -1}
    return np.array(
        [numbers.setdefault(name, len(numbers) - 1) for name in names], np.int64
    )


def _words(display: bytes) -> frozenset[str]:
    shown: dict[str, Any] = orjson.loads(display)
    texts = (shown.get(field) for field in ("name", "description"))
    return frozenset(
        word for text in texts if isinstance(text, str) for word in to_words(text)
    )
