"""
`python -m benchmarks.drift`: what answers are worth when an index keeps old idf.

A part of a generated catalogue is replaced, and each product is asked for with the idf
of before in three places: everywhere; in the vectors of products alone; in their
lengths alone. How far scores may be off then is proven in docs/beyond-one-machine.md;
each pair that is compared here is held against it.
"""

from __future__ import annotations

import argparse
import itertools
import sys

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

import numpy as np

from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import sparse

from benchmarks.catalogue import Document, generate, generate_new
from listener.mapping import Mapper
from listener.opening import to_weights
from recommender.segment import Segment, build_segment
from recommender.settings import ListenerSettings, load_settings
from recommender.weights import LEAST_IDF


Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]

LIMIT: Final = 10
ROUNDING: Final = 1e-9
SHARES: Final = (0.01, 0.05, 0.1, 0.25, 0.5)
NEW: Final = {"alike": False, "of new words": True}
OFF: Final = 0.01  # of a length: from here on a product would be written again


class Beyond(Exception):  # noqa: N818 the class says what happened
    """
    A score is off by more than was proven.
    """


@dataclass(frozen=True, slots=True)
class Model:
    """
    D products, living before or now, over T terms.

    Attributes:
        tf: tf(d, t), (D, T).
        old: idf of before, of all terms, (T,).
        new: idf of now, (T,).
        living: Rows that live now.
    """

    tf: sparse.csr_array
    old: Numbers
    new: Numbers
    living: Rows


class Drift(NamedTuple):
    """
    What old idf does to the best ten of some products.

    Attributes:
        kept: Of ten returned, how many are as good as the true tenth; mean.
        worst: Most that the score of one of the true ten is off.
        bound: Most that was proven of any of them.
    """

    kept: float
    worst: float
    bound: float


class Lengths(NamedTuple):
    """
    What old lengths of the products' vectors mean.

    Attributes:
        off: Most that one is off, as a part of it.
        rewritten: Share of products that are off by more than `OFF`.
        candidates: How many have to be looked at to be sure of the ten; median.
        most: The same, at most.
        mended: The same, when those off by more than `OFF` were written again; median.
    """

    off: float
    rewritten: float
    candidates: float
    most: int
    mended: float


def make_model(products: int, share: float, seed: int, *, has_new_words: bool) -> Model:
    """
    Return a catalogue of which *share* was replaced since the idf was taken.

    Args:
        has_new_words: Whether what came describes itself in words that nothing else
            has, as a department that the shop never had.
    """
    before = list(itertools.islice(generate(seed), products))
    count = round(share * products)
    came = itertools.islice(generate_new(seed + 1), count)
    after = list(map(_reworded, came)) if has_new_words else list(came)
    segment = _to_segment([*before, *after])
    new = {document["_id"] for document in after}
    is_new = np.array([_is_new(key, new) for key in segment.keys])
    draw = np.random.default_rng(seed)
    gone = draw.choice(np.flatnonzero(~is_new), count, replace=False)
    living = np.setdiff1d(np.arange(len(segment)), gone)
    tf = sparse.csr_array(
        (segment.tf.astype(np.float64), segment.terms, segment.indptr),
        shape=(len(segment), len(segment.dictionary)),
    )
    return Model(tf, _idf(tf, np.flatnonzero(~is_new)), _idf(tf, living), living)


def _to_segment(documents: Iterable[Document]) -> Segment:
    settings = load_settings(ListenerSettings, [])
    mapper = Mapper(settings)
    mapped = (mapper.to_product(document).product for document in documents)
    return build_segment(mapped, to_weights(settings))


def _is_new(key: bytes, new: set[Any]) -> bool:
    return key.decode().strip('"') in new


def _reworded(document: Document) -> Document:
    words = (f"{word}q" for word in document["description"].split())
    return {**document, "description": " ".join(words)}


def _idf(tf: sparse.csr_array, rows: Rows) -> Numbers:
    """
    Return ln((1+N) / (1+df)) + `LEAST_IDF`; a term that nothing holds has df 0.
    """
    df = np.bincount(tf[rows].indices, minlength=tf.shape[1])
    idf: Numbers = np.log((1.0 + len(rows)) / (1.0 + df)) + LEAST_IDF
    return idf


def _weighed(tf: sparse.csr_array, by: Numbers) -> sparse.csr_array:
    """
    Return the rows with each term multiplied by its number.
    """
    return sparse.csr_array((tf.data * by[tf.indices], tf.indices, tf.indptr), tf.shape)


def _lengths(rows: sparse.csr_array) -> Numbers:
    return np.sqrt(cast("Numbers", rows.power(2).sum(axis=1)))


def _extremes(tf: sparse.csr_array, ratio: Numbers) -> tuple[Numbers, Numbers]:
    """
    Return least and most of *ratio* over the terms of each row.
    """
    values, starts = ratio[tf.indices], tf.indptr[:-1]
    return np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)


class Comparison:
    """
    Some products, asked with new idf and with old.
    """

    def __init__(self, model: Model, asked: int, seed: int) -> None:
        tf = model.tf[model.living]
        draw = np.random.default_rng(seed)
        self._rows = draw.choice(tf.shape[0], asked, replace=False)
        self._tf, self._old, self._new = tf, model.old, model.new
        self._by_old = _lengths(_weighed(tf, model.old))
        self._by_new = _lengths(_weighed(tf, model.new))
        self._least, self._most = _extremes(tf, model.old / model.new)
        self._true = self._scores(self._new, self._new, self._by_new, self._by_new)

    def everywhere(self) -> Drift:
        """
        Return what comes of old idf in questions and products alike.
        """
        scores = self._scores(self._old, self._old, self._by_old, self._by_old)
        least = np.minimum(self._least[self._rows, None], self._least)
        most = np.maximum(self._most[self._rows, None], self._most)
        kappa = most / least
        half = (1.0 - self._true) / (1.0 + self._true)  # tan² of half the angle
        least = np.maximum(_cosine(half * kappa**2), 0.0)  # as no term is below 0
        return self._drift(scores, least, _cosine(half / kappa**2))

    def in_products(self) -> Drift:
        """
        Return what comes of old idf in the vectors of products alone.
        """
        scores = self._scores(self._new, self._old, self._by_new, self._by_old)
        kappa = self._most / self._least
        angle = np.arccos(np.clip(self._true, -1.0, 1.0))
        turned = np.arccos(np.clip(2.0 * np.sqrt(kappa) / (1.0 + kappa), -1.0, 1.0))
        least = np.cos(np.minimum(angle + turned, np.pi / 2))
        return self._drift(scores, least, np.cos(np.maximum(angle - turned, 0.0)))

    def in_lengths(self) -> Drift:
        """
        Return what comes of old idf in the lengths of products alone.
        """
        scores = self._scores(self._new, self._new, self._by_new, self._by_old)
        return self._drift(scores, self._true / self._most, self._true / self._least)

    def lengths(self) -> Lengths:
        """
        Return what old lengths mean, and what it takes to be sure all the same.
        """
        ratio = self._by_new / self._by_old
        is_off = np.abs(ratio - 1.0) > OFF
        old = self._candidates(self._by_old)
        mended = self._candidates(np.where(is_off, self._by_new, self._by_old))
        return Lengths(
            float(np.abs(ratio - 1.0).max()),
            float(is_off.mean()),
            float(np.median(old)),
            int(old.max()),
            float(np.median(mended)),
        )

    def _candidates(self, lengths: Numbers) -> NDArray[np.int64]:
        """
        Return how many products could be among the ten of each that asks, by *lengths*
        of which only the least ratio to the true ones is known.
        """
        scores = self._scores(self._new, self._new, self._by_new, lengths)
        enough = self._tenth()[:, None] * (self._by_new / lengths).min() - ROUNDING
        return cast("NDArray[np.int64]", (scores >= enough).sum(axis=1))

    def _scores(
        self, asking: Numbers, stored: Numbers, by_asking: Numbers, by_stored: Numbers
    ) -> Numbers:
        """
        Return the inner product of each that asks with all, 0 with itself.
        """
        questions = _weighed(self._tf[self._rows], asking)
        products = _weighed(self._tf, stored)
        scores = (questions @ products.T).toarray()
        scores /= by_asking[self._rows, None] * by_stored
        scores[np.arange(len(self._rows)), self._rows] = 0.0
        return cast("Numbers", scores)

    def _tenth(self) -> Numbers:
        return np.partition(self._true, -LIMIT, axis=1)[:, -LIMIT]

    def _drift(self, scores: Numbers, least: Numbers, most: Numbers) -> Drift:
        """
        Raises:
            Beyond: A score is not between *least* and *most*.
        """
        there = self._true > 0.0
        if (there & ((scores < least - ROUNDING) | (scores > most + ROUNDING))).any():
            raise Beyond
        chosen = np.argpartition(-scores, LIMIT, axis=1)[:, :LIMIT]
        tenth = self._tenth()[:, None]
        good = np.take_along_axis(self._true, chosen, axis=1) >= tenth - ROUNDING
        best = self._true >= tenth
        allowed = np.maximum(self._true - least, most - self._true)
        return Drift(
            float(good.sum(axis=1).mean()),
            float(np.abs(scores - self._true)[best].max()),
            float(allowed[best].max()),
        )


def _cosine(half: Numbers) -> Numbers:
    """
    Return the cosine of an angle, from tan² of its half.
    """
    return (1.0 - half) / (1.0 + half)


WAYS: Final = {
    "everywhere": Comparison.everywhere,
    "in products' vectors": Comparison.in_products,
    "in products' lengths": Comparison.in_lengths,
}


def to_rows(
    products: int, shares: Sequence[float], asked: int, seed: int
) -> Iterator[tuple[str, ...]]:
    """
    Yield what a table says, a row for each share, kind and way.
    """
    for (kind, has_new_words), share in itertools.product(NEW.items(), shares):
        model = make_model(products, share, seed, has_new_words=has_new_words)
        compared = Comparison(model, asked, seed)
        lengths = compared.lengths()
        for way, measure in WAYS.items():
            drift = measure(compared)
            plain = way == "in products' lengths"
            yield (
                f"{share:.0%} {kind}", way, f"{drift.kept:.2f}", f"{drift.worst:.4f}",
                f"{drift.bound:.4f}",
                f"{lengths.candidates:.0f}, at most {lengths.most}" if plain else "",
                f"{lengths.off:.2%}" if plain else "",
                f"{lengths.rewritten:.1%}" if plain else "",
                f"{lengths.mended:.0f}" if plain else "",
            )  # fmt: skip


COLUMNS: Final = (
    "replaced by products", "old idf", "right of ten", "worst score off by", "proven",
    "sure of ten after", "worst length off by", f"lengths off by more than {OFF:.0%}",
    "sure of ten after, those written again",
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """
    Measure what *arguments* ask for; return 0.
    """
    parser = argparse.ArgumentParser("python -m benchmarks.drift", description=__doc__)
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--asked", type=int, default=200, help="products to ask with")
    parser.add_argument("--seed", type=int, default=0, help="of all draws")
    options = parser.parse_args(arguments)
    table = Table(
        *COLUMNS, title=f"{options.products:,} products", title_justify="left"
    )
    for row in to_rows(options.products, SHARES, options.asked, options.seed):
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 220).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
