"""
Whatever happened, the model is that of the living products.
"""

import random
import tempfile

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from recommender import index as index_module
from recommender.index import Index
from recommender.mutation import Clear, Delete, Upsert
from recommender.snapshot import Snapshot
from recommender.store import Store, StoreReader
from tests.support.products import (
    WEIGHTS,
    compact,
    make_catalogue,
    make_generation,
    make_index,
    make_key,
    make_product,
    publish,
)
from tests.support.truth import check_same_state, check_snapshot, norms_of


WORDS = ["tea", "pot", "kettle", "lamp", "red", "steel", "oak", "tent"]
IDS = st.sampled_from([str(i) for i in range(30)])
TEXTS = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
PRODUCTS = st.builds(
    make_product,
    IDS,
    name=TEXTS,
    description=TEXTS,
    category=st.sampled_from([(), ("Home",), ("Home", "Tea"), ("Out", "Tea")]),
    brand=st.sampled_from(["", "Aldo", "Brimm"]),
    price=st.sampled_from([float("nan"), 1.0, 2.5]),
    in_stock=st.booleans(),
    visible=st.booleans(),
)


class Shop(RuleBasedStateMachine):
    """
    A catalogue under every kind of change, published, merged, reloaded and read by
    one reader that follows each generation and one that skips most.
    """

    SIZES = {"SMALL_ROWS": 3, "LARGEST_PENDING": 5, "FANOUT": 2}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        for name, value in self.SIZES.items():
            self.patch.setattr(index_module, name, value)
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.store = Store.open(self.path)
        self.reader = StoreReader(self.path)
        self.index = Index(WEIGHTS)
        self.living = {}
        self.durable = None
        self.published = self.known = None
        self.near = self.far = None
        self.merge = self.merged = None
        self.recent = []
        self.generations = set()

    def teardown(self):
        try:
            self.follow()
        finally:
            self.store.close()
            self.folder.cleanup()
            self.patch.undo()

    def apply(self, *mutations):
        self.recent = [*self.recent, *mutations][-6:]
        self.index.apply(mutations)
        for mutation in mutations:
            match mutation:
                case Upsert(product):
                    self.living[product.key] = product
                case Delete(key):
                    self.living.pop(key, None)
                case Clear():
                    self.living.clear()
        assert self.index.products == len(self.living)

    @initialize(seed=st.integers(0, 3))
    def stock(self, seed):
        self.apply(*map(Upsert, make_catalogue(30, seed)))
        compact(self.index)

    @rule(products=st.lists(PRODUCTS, min_size=1, max_size=6))
    def upsert(self, products):
        self.apply(*map(Upsert, products))

    @rule(id_=IDS, price=st.sampled_from([3.0, 4.0]), visible=st.booleans())
    def change_columns(self, id_, price, visible):
        known = self.living.get(make_key(id_))
        if known is not None:
            texts = known.texts
            self.apply(
                Upsert(
                    make_product(
                        id_,
                        texts.get("name", ""),
                        description=texts.get("description", ""),
                        category=known.category,
                        brand=known.brand,
                        price=price,
                        in_stock=known.in_stock,
                        visible=visible,
                    )
                )
            )

    @rule(id_=IDS)
    def delete(self, id_):
        self.apply(Delete(make_key(id_)))

    @rule()
    def clear(self):
        self.apply(Clear())

    @rule()
    def replay(self):
        self.apply(*self.recent)

    @rule()
    def freeze(self):
        self.index.freeze()

    @rule()
    def compact_all(self):
        compact(self.index)

    @precondition(lambda self: self.merge is None)
    @rule()
    def begin_merge(self):
        self.merge = self.index.merge_due()
        self.merged = self.merge and self.merge.run()

    @precondition(lambda self: self.merge is not None)
    @rule(is_abandoned=st.booleans())
    def end_merge(self, is_abandoned):
        if is_abandoned:
            self.index.abandon()
        else:
            self.index.adopt(self.merge, self.merged)
        self.merge = None

    @rule()
    def follow(self):
        self.published = publish(self.store, self.index)
        assert self.published.generation not in self.generations
        self.generations.add(self.published.generation)
        self.known = self.reader.load(self.reader.read_manifest(), self.known)
        self.near = Snapshot.derive(self.known, self.near)
        check_snapshot(self.near, self.living.values(), WEIGHTS)
        check_same_state(self.near, Snapshot.derive(self.known))

    @precondition(lambda self: self.near is not None)
    @rule()
    def catch_up(self):
        self.far = Snapshot.derive(self.known, self.far)
        check_same_state(self.far, Snapshot.derive(self.known))

    @rule()
    def make_durable(self):
        self.follow()
        assert self.store.make_durable() == self.published
        self.durable = dict(self.living)

    @precondition(lambda self: self.durable is not None)
    @rule()
    def crash(self):
        """
        Begin again at the durable generation; readers have seen later ones.
        """
        self.store.close()
        self.store = Store.open(self.path)
        self.index = Index(WEIGHTS, self.store.load().segments)
        self.living = dict(self.durable)
        self.merge = None
        self.follow()

    @rule(products=st.lists(PRODUCTS, min_size=1, max_size=2), id_=IDS)
    def lose(self, products, id_):
        """
        Let readers see changes that a crash then takes back.
        """
        self.make_durable()
        self.apply(*map(Upsert, products), Delete(make_key(id_)))
        self.follow()
        self.crash()


class TestShop(Shop.TestCase):
    """
    After any of it, what is read from disk equals what is trained from scratch.
    """

    settings = settings(max_examples=30, stateful_step_count=30)


def test_long_run_stays_exact(monkeypatch):
    """
    20,000 mutations in batches, with merges that end many publications later and a
    reader that skips generations.
    """
    monkeypatch.setattr(index_module, "SMALL_ROWS", 16)
    monkeypatch.setattr(index_module, "FANOUT", 3)
    monkeypatch.setattr(index_module, "LARGEST_PENDING", 512)
    draw = random.Random(11)
    index, living = Index(WEIGHTS), {}
    far = merge = merged = None
    done = publications = merges = 0

    while done < 20_000:
        batch = [make_mutation(draw) for _ in range(draw.choice((1, 2, 5, 20, 90)))]
        if draw.random() < 0.005:
            batch.append(Clear())
        index.apply(batch)
        done += len(batch)
        for mutation in batch:
            note(living, mutation)
        generation = make_generation(index)
        publications += 1
        if merge is None:
            merge = index.merge_due()
            merged = merge and merge.run()
        elif draw.random() < 0.2:
            index.adopt(merge, merged)
            merge, merges = None, merges + 1
        if draw.random() < 0.3:
            far = Snapshot.derive(generation, far)
        if publications % 40 == 0:
            far = Snapshot.derive(generation, far)
            asked = draw.sample(sorted(living), min(8, len(living)))
            check_snapshot(far, living.values(), WEIGHTS, asked)
            check_same_state(far, Snapshot.derive(generation))

    assert publications > 500
    assert merges > 10


def note(living, mutation):
    match mutation:
        case Upsert(product):
            living[product.key] = product
        case Delete(key):
            living.pop(key, None)
        case Clear():
            living.clear()


def make_mutation(draw):
    """
    Return a mutation of one of 600 products: some thirds are changes of columns only.
    """
    number = draw.randrange(600)
    if draw.random() < 0.2:
        return Delete(make_key(str(number)))
    version = draw.choice((0, 0, draw.randrange(50)))
    words = [f"w{(number * 7 + version * i * i) % 83}" for i in range(6)]
    return Upsert(
        make_product(
            str(number),
            " ".join(words[:3]),
            description=" ".join(words),
            category=("Home", f"c{number % 9}")[: number % 3],
            price=float(draw.randrange(4)),
            visible=draw.random() < 0.8,
        )
    )


def test_norms_do_not_drift():
    """
    After 4,000 changes carried on from snapshot to snapshot, each of which moves the
    document frequencies of some ten terms, norms are what they are from scratch;
    measured 2e-15.
    """
    draw = random.Random(5)
    base = make_index(
        make_product(f"b{i}", f"tea w{i % 211} w{i % 97} w{i % 13}") for i in range(500)
    )
    base.freeze()
    snapshot = Snapshot.derive(make_generation(base))
    for _ in range(4000):
        words = " ".join(f"w{draw.randrange(211)}" for _ in range(5))
        base.apply([Upsert(make_product(f"n{draw.randrange(30)}", f"tea {words}"))])
        snapshot = Snapshot.derive(make_generation(base), snapshot)

    scratch = norms_of(Snapshot.derive(make_generation(base)))
    drifts = [
        np.abs(norms / scratch[segment] - 1).max()
        for segment, norms in norms_of(snapshot).items()
    ]
    assert max(drifts) < 1e-13
