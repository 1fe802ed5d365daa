import itertools
import math

import numpy as np
import pytest

from recommender import lengths, search_kernels
from recommender import snapshot as snapshots
from recommender.errors import StoreCorrupt, UnknownProduct
from recommender.filters import Filters
from recommender.generation import Generation
from recommender.index import Index
from recommender.mutation import Delete, Upsert
from recommender.query import EMPTY, Part, Query, blend
from recommender.segment_file import from_buffer, to_chunks
from recommender.snapshot import Snapshot
from recommender.weights import Weights, term_weights
from tests.support.products import (
    WEIGHTS,
    compact,
    make_catalogue,
    make_generation,
    make_index,
    make_key,
    make_product,
    make_snapshot,
)
from tests.support.truth import check_same_state


SHELF = [
    make_product(
        "kettle",
        "steel kettle",
        category=("Home", "Kitchen"),
        brand="Aldo",
        price=30.0,
    ),
    make_product(
        "kettle-red",
        "red steel kettle",
        category=("Home", "Kitchen"),
        brand="Brimm",
        price=35.0,
    ),
    make_product(
        "teapot",
        "steel teapot",
        category=("Home", "Kitchen"),
        brand="Aldo",
        price=20.0,
        in_stock=False,
    ),
    make_product("pan", "iron pan", category=("Home", "Kitchen"), price=25.0),
    make_product("lamp", "steel lamp", category=("Home", "Light"), brand="aldo"),
    make_product("tent", "red tent", category=("Outdoor",), price=90.0),
    make_product("secret", "steel kettle", category=("Home", "Kitchen"), visible=False),
]


@pytest.fixture(name="shelf")
def _shelf():
    return make_snapshot(SHELF)


def hits(snapshot, id_, limit=10, **filters):
    found = snapshot.similar(make_key(id_), limit=limit, filters=Filters(**filters))
    return [hit.key.decode().strip('"') for hit in found]


def scored(snapshot, key):
    return [(hit.key, hit.score) for hit in snapshot.similar(key, limit=9)]


def test_most_alike_come_first(shelf):
    """
    A kettle's neighbour is the other kettle; then come steel things of its kitchen,
    then what shares less; what shares nothing is absent.
    """
    assert hits(shelf, "kettle") == ["kettle-red", "teapot", "lamp", "pan"]
    assert hits(shelf, "tent") == ["kettle-red"]


def test_hit_has_score_and_display(shelf):
    """
    A hit's score is a cosine at nine decimals; its display is the product's.
    """
    (hit,) = shelf.similar(make_key("kettle"), limit=1)

    assert 0 < hit.score < 1
    assert hit.score == round(hit.score, 9)
    assert hit.display == b'{"name":"red steel kettle"}'


def test_twin_has_score_one():
    """
    Two products that say the same are alike to the last decimal.
    """
    snapshot = make_snapshot(
        [*SHELF, make_product("twin", "red tent", category=("Outdoor",))]
    )

    (first, *_) = snapshot.similar(make_key("tent"), limit=5)

    assert (first.key, first.score) == (make_key("twin"), 1.0)


def test_self_and_hidden_are_never_returned(shelf):
    """
    Whatever is asked, neither the product itself nor a hidden one comes back.
    """
    for product in SHELF:
        found = hits(shelf, product.key.decode().strip('"'), limit=100)
        assert product.key.decode().strip('"') not in found
        assert "secret" not in found


def test_hidden_product_can_be_asked_about(shelf):
    """
    A hidden product has neighbours; who may ask is decided elsewhere.
    """
    assert hits(shelf, "secret", limit=1) == ["kettle"]
    assert shelf.find(make_key("secret")).visible is False


def test_hidden_products_count_in_the_model():
    """
    N and the document frequencies count hidden products, so hiding moves no score.
    """
    shown = [make_product(p.key.decode().strip('"'), p.texts["name"]) for p in SHELF]
    hidden = [
        make_product(p.key.decode().strip('"'), p.texts["name"], visible=i != 5)
        for i, p in enumerate(SHELF)
    ]

    one, other = make_snapshot(shown), make_snapshot(hidden)

    assert (one.products, other.products) == (7, 7)
    assert (one.visible, other.visible) == (7, 6)
    assert scored(other, make_key("kettle")) == [
        (key, score)
        for key, score in scored(one, make_key("kettle"))
        if key != make_key("tent")
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"categories": ("Light",)}, ["lamp"]),
        ({"categories": ("home",)}, ["kettle-red", "teapot", "lamp", "pan"]),
        ({"categories": ("Home > Kitchen",)}, ["kettle-red", "teapot", "pan"]),
        ({"categories": ("Kitchen", "Light")}, ["kettle-red", "teapot", "lamp", "pan"]),
        ({"categories": ("Garden",)}, []),
        ({"brands": ("ALDO",)}, ["teapot", "lamp"]),
        ({"brands": ("Aldo", "Brimm")}, ["kettle-red", "teapot", "lamp"]),
        ({"brands": ("Corva",)}, []),
        ({"min_price": 25.0}, ["kettle-red", "pan"]),
        ({"max_price": 25.0}, ["teapot", "pan"]),
        ({"min_price": 20.0, "max_price": 25.0}, ["teapot", "pan"]),
        ({"min_price": 0.0}, ["kettle-red", "teapot", "pan"]),
        ({"in_stock": True}, ["kettle-red", "lamp", "pan"]),
        ({"in_stock": False}, ["teapot"]),
        (
            {"exclude": frozenset({make_key("kettle-red"), b"1"})},
            ["teapot", "lamp", "pan"],
        ),
        (
            {"categories": ("Kitchen",), "brands": ("Aldo",), "in_stock": False},
            ["teapot"],
        ),
        ({"categories": ("Light",), "max_price": 1e9}, []),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, list) else "_".join(value),
)
def test_filters(shelf, filters, expected):
    """
    Every filter holds for every hit, and filters add up.
    """
    assert hits(shelf, "kettle", **filters) == expected


def test_filter_does_not_shorten_the_answer():
    """
    If as many as asked for pass, as many come, however far down they rank.
    """
    near = [make_product(f"near{i}", "steel kettle") for i in range(50)]
    far = [
        make_product(f"far{i}", f"steel w{i} x{i} y{i}", price=1.0) for i in range(5)
    ]
    snapshot = make_snapshot([make_product("q", "steel kettle"), *near, *far])

    assert len(hits(snapshot, "q", limit=5, max_price=2.0)) == 5
    excluded = frozenset(product.key for product in near)
    assert len(hits(snapshot, "q", limit=5, exclude=excluded)) == 5


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_ties_are_in_order_of_keys_over_all_segments(limit):
    """
    Equal scores come by key bytes, wherever their rows are, at every limit.
    """
    index = make_index([make_product("q", "tea pot"), make_product("b", "tea")])
    index.freeze()
    segments = [*index.freeze()]
    for ids in (("d", "a"), ("B", "c"), ("é", "aa")):
        other = make_index([make_product(id_, "tea") for id_ in ids])
        segments += other.freeze()
    snapshot = Snapshot.derive(make_generation(Index(WEIGHTS, segments)))

    assert len(snapshot.views) == 4
    assert hits(snapshot, "q", limit) == ["B", "a", "aa", "b", "c", "d", "é"][:limit]


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_of_none_is_answered_with_none(shelf, limit):
    """
    No kernel is asked to keep nothing: it would write beside an array of no places.
    """
    query = shelf.query(shelf.find(make_key("kettle")))

    assert shelf.best(query, limit) == []


def test_product_without_terms_has_no_neighbours():
    """
    A product that says nothing is found, and nothing is like it.
    """
    snapshot = make_snapshot(
        [make_product("1"), make_product("2"), make_product("3", "x y")]
    )

    assert hits(snapshot, "1") == []


def test_only_product_has_no_neighbours():
    """
    One product alone gets an empty answer.
    """
    assert hits(make_snapshot([make_product("1", "tea")]), "1") == []


@pytest.mark.parametrize("products", [[], SHELF])
def test_unknown_product(products):
    """
    A key that no product has is an error of its own.
    """
    with pytest.raises(UnknownProduct):
        make_snapshot(products).similar(make_key("absent"), limit=3)


def test_deleted_product_is_gone_everywhere():
    """
    A deleted product is neither found nor returned, and its row shadows nothing.
    """
    index = make_index(SHELF)
    index.freeze()
    index.apply([Delete(make_key("kettle-red")), Delete(make_key("tent"))])
    snapshot = Snapshot.derive(make_generation(index))

    assert snapshot.find(make_key("tent")) is None
    assert hits(snapshot, "kettle") == ["teapot", "lamp", "pan"]
    assert snapshot.products == 5


@pytest.mark.parametrize("visible", [True, False])
def test_visibility_takes_effect_both_ways(visible):
    """
    Hiding and showing take effect with the next snapshot, in answers and counts.
    """
    index = make_index(
        [make_product("1", "tea"), make_product("2", "tea", visible=not visible)]
    )
    first = Snapshot.derive(make_generation(index))
    index.apply([Upsert(make_product("2", "tea", visible=visible))])

    second = Snapshot.derive(make_generation(index), first)

    assert hits(first, "1") == ([] if visible else ["2"])
    assert hits(second, "1") == (["2"] if visible else [])
    assert second.visible == 1 + visible


def test_row_shows_its_product(shelf):
    """
    A row gives all that is known of its product.
    """
    row = shelf.find(make_key("teapot"))
    blank = make_snapshot([make_product("1", visible=False)]).find(make_key("1"))

    assert (row.key, row.display) == (make_key("teapot"), b'{"name":"steel teapot"}')
    assert (row.visible, row.in_stock, row.price) == (True, False, 20.0)
    assert (row.category, row.brand) == ("Home > Kitchen", "Aldo")
    assert row.terms() == pytest.approx(term_weights(SHELF[2], WEIGHTS))
    assert (blank.visible, blank.category, blank.brand) == (False, "", "")
    assert math.isnan(blank.price)
    assert math.isnan(blank.created_s)
    assert blank.terms() == {}


def test_living_rows():
    """
    Every living product has one row, the newest; dead rows are passed over.
    """
    index = make_index(make_catalogue(600))
    index.freeze()
    index.apply([Delete(make_key("4")), Upsert(make_product("5", "tea"))])
    snapshot = Snapshot.derive(make_generation(index))

    rows = {row.key: row for row in snapshot.living()}

    assert rows.keys() == set(index.keys())
    assert len(list(snapshot.living())) == 599
    assert rows[make_key("5")].terms() == {"tea": 3.0}


def test_snapshot_has_its_generation():
    """
    A snapshot says which generation it is.
    """
    assert make_snapshot([], generation=7).generation == 7


@pytest.mark.parametrize("wrong", [{"products": 8}, {"visible": 7}])
def test_snapshot_adds_up_or_is_refused(wrong):
    """
    Segments that hold other counts than the manifest says are corrupt.
    """
    with pytest.raises(StoreCorrupt, match="holds 7 products, 6 visible, instead"):
        make_snapshot(SHELF, **wrong)


def test_order_of_adding_does_not_matter():
    """
    The same products in another order, in other segments, give the same answers.
    """
    catalogue = make_catalogue(80)
    one = make_snapshot(catalogue)
    index = Index(WEIGHTS)
    for product in reversed(catalogue):
        index.apply([Upsert(product)])
        index.freeze()
    other = Snapshot.derive(make_generation(index))

    for product in catalogue:
        assert scored(one, product.key) == scored(other, product.key)


def test_segment_that_stands_alone_counts_its_terms_once():
    """
    Until something is written, what it holds is what all hold, and not once a row has
    died.
    """
    index = make_index(make_catalogue(60))
    first = Snapshot.derive(make_generation(index))
    index.apply([Upsert(make_product("5", "steel kettle"))])
    second = Snapshot.derive(make_generation(index), first)

    assert (first.views[0].df == first.views[0].own).all()
    assert second.views[0].df.sum() > second.views[0].own.sum()
    check_same_state(second, Snapshot.derive(make_generation(index)))


def test_old_snapshot_keeps_answering_as_it_did():
    """
    Deriving the next snapshots changes nothing in the ones before that somebody holds,
    nor in a part of one.
    """
    index = make_index(make_catalogue(60))
    held = [Snapshot.derive(make_generation(index))]
    for number in range(8):
        index.apply([Upsert(make_product("5", f"steel kettle a{number}"))])
        index.apply([Delete(make_key(str(10 + number)))])
        held.append(Snapshot.derive(make_generation(index), held[-1]))
        if number == 3:
            kept = [parts_of(snapshot) for snapshot in held]
            part = held[1].views[0].g[3:9]
            was = part.copy()
            del held[1], kept[1]

    assert (part == was).all()
    for snapshot, parts in zip(held, kept, strict=False):
        for now, then in zip(parts_of(snapshot), parts, strict=True):
            assert np.array_equal(now, then)


def parts_of(snapshot):
    """
    Return copies of what a snapshot has, and what it answers.
    """
    answer = snapshot.similar(make_key("3"), limit=20)
    arrays = [
        array.copy()
        for view in snapshot.views
        for array in (view.dead, view.own, view.df, view.g, view.lengths.values)
    ]
    return [*arrays, np.array([hit.key for hit in answer], object)]


def test_unchanged_text_moves_no_norm():
    """
    A change of price alone leaves df and lengths of all other segments as they are.
    """
    index = make_index(make_catalogue(600))
    first = Snapshot.derive(make_generation(index))
    product = make_catalogue(1)[0]
    index.apply(
        [
            Upsert(
                make_product(
                    "0",
                    name=product.texts["name"],
                    description=product.texts["description"],
                    category=product.category,
                    brand=product.brand,
                    price=1.25,
                    visible=True,
                )
            )
        ]
    )

    second = Snapshot.derive(make_generation(index), first)

    assert len(second.views) == 2
    assert second.views[0].g is first.views[0].g
    assert second.views[0].lengths is first.views[0].lengths


def test_failed_query_leaves_nothing_for_the_next(shelf, monkeypatch):
    """
    A query that breaks off between adding scores and ranking them does not show in
    the answers after it.
    """
    expected = hits(shelf, "kettle")
    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "_best_rows", None)
        with pytest.raises(TypeError):
            hits(shelf, "tent")

    assert hits(shelf, "kettle") == expected


def made():
    """
    Return a snapshot of what was just made.
    """
    return make_snapshot(make_catalogue(60))


def read():
    """
    Return one of what came from a file.
    """
    generation = make_generation(make_index(make_catalogue(60)))
    files = [b"".join(to_chunks(segment)) for segment in generation.segments]
    segments = tuple(from_buffer(memoryview(file)) for file in files)
    return Snapshot.derive(Generation(generation.manifest, segments))


def moved():
    """
    Return one that follows others, of which nobody holds the first.
    """
    index = make_index(make_catalogue(60))
    snapshot = Snapshot.derive(make_generation(index))
    for number in range(4):
        index.apply([Upsert(make_product("5", f"steel kettle a{number}"))])
        snapshot = Snapshot.derive(make_generation(index), snapshot)
    return snapshot


def merged():
    """
    Return one of segments that have become one.
    """
    index = make_index(make_catalogue(60))
    make_generation(index)
    index.apply(map(Upsert, make_catalogue(90)[60:]))
    compact(index)
    return Snapshot.derive(make_generation(index))


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(categories=("Kitchen",), not_brands=("Aldo",)),
        Filters(within=("Home > Kitchen",), same_brands=("Aldo",), in_stock=True),
        Filters(min_price=1, max_price=99.5, ranges=((0, 50), (60.5, 99))),
        Filters(outside=("Home",), not_categories=("Light",)),
    ],
    ids=["none", "names", "of the product seen", "prices", "others"],
)
@pytest.mark.parametrize("make", [made, read, moved, merged])
def test_arguments_have_the_types_of_the_kernel(make, monkeypatch, filters):
    """
    What is called without a look at types is what it was compiled for, however segments
    and views have come about; the kernel itself refuses all else.
    """
    snapshot = make()
    vectors = [snapshot.vector(snapshot.find(make_key(id_))) for id_ in "12"]
    of_both = blend([Part(vectors[0])], [Part(vectors[1], 0.5)])
    queries = [Query.of(vector) for vector in (*vectors, of_both, EMPTY)]
    expected = [snapshot.best(query, 3, filters) for query in queries]

    monkeypatch.setattr(snapshots, "_best_rows", search_kernels.best_rows)

    assert [snapshot.best(query, 3, filters) for query in queries] == expected
    assert any(expected)


def test_scores_are_lent_again(shelf):
    """
    A second query needs no new memory for its scores.
    """
    hits(shelf, "kettle")
    scores = snapshots._scratch._scores

    hits(shelf, "tent")

    assert snapshots._scratch._scores is scores


@pytest.mark.parametrize(
    ("weight", "tolerance"),
    [(1e-4, 2**-11), (2.0**-13, 0), (1.0, 0), (2.0**13, 0), (1e4, 2**-11)],
)
def test_extreme_weights_rank_as_ordinary_ones(weight, tolerance):
    """
    A power of two as a common factor of all weights changes no answer, and any other,
    at the bounds, too, no score by more than half precision does.
    """
    names = ("name", "description", "category", "brand")
    weights = Weights(dict.fromkeys(names, weight))
    catalogue = make_catalogue(50)
    plain = make_snapshot(catalogue, Weights(dict.fromkeys(names, 1.0)))
    scaled = make_snapshot(catalogue, weights)

    for product in catalogue[:10]:
        one = {h.key: h.score for h in plain.similar(product.key, limit=60)}
        other = {h.key: h.score for h in scaled.similar(product.key, limit=60)}
        assert one == pytest.approx(other, rel=tolerance, abs=2e-9)


def test_price_without_filter_may_be_unknown(shelf):
    """
    Products without a price are left out by price filters alone.
    """
    prices = {p.key: p.price for p in SHELF}

    assert math.isnan(prices[make_key("lamp")])
    assert "lamp" in hits(shelf, "kettle")
    assert "lamp" not in hits(shelf, "kettle", min_price=0.0)


def test_every_limit_is_a_prefix_of_the_longest():
    """
    A smaller limit gives the beginning of what a larger one gives.
    """
    index = make_index(make_catalogue(200))
    index.freeze()
    index.apply(map(Upsert, itertools.islice(make_catalogue(400), 200, None)))
    snapshot = Snapshot.derive(make_generation(index))
    whole = snapshot.similar(make_key("7"), limit=400)

    for limit in (1, 2, 5, 17, 100):
        assert snapshot.similar(make_key("7"), limit=limit) == whole[:limit]
    assert len(whole) > 100
    scores = np.array([hit.score for hit in whole])
    assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize(
    "lost",
    [Upsert(make_product("3", "steel kettle")), Delete(make_key("3"))],
    ids=["upsert", "delete"],
)
def test_product_is_itself_again_after_a_crash_lost_its_change(lost):
    """
    A change that a crash took back, and that does not come again since the product
    became what it was, does not stay in the snapshots of those who have seen it.
    """
    catalogue = make_catalogue(600)
    index = make_index(catalogue)
    segments = index.freeze()
    index.apply([lost])
    seen = Snapshot.derive(make_generation(index, generation=5))
    restarted = Index(WEIGHTS, segments)
    restarted.apply([Upsert(make_product("new", "steel kettle"))])
    generation = make_generation(restarted, generation=9)

    after = Snapshot.derive(generation, seen)

    assert after.find(make_key("3")).view.segment is segments[0]
    check_same_state(after, Snapshot.derive(generation))


@pytest.mark.parametrize("off", [0.01, 0.5])
@pytest.mark.parametrize("limit", [1, 7, 50, 290])
def test_deep_pages_begin_as_shallow_ones(monkeypatch, off, limit):
    """
    Who asks for very many has the same first ones with the same scores, however far
    lengths are off.
    """
    monkeypatch.setattr(lengths, "OFF", off)
    monkeypatch.setattr(lengths, "TERM_OFF", 10 * off)
    index = make_index(make_catalogue(300))
    index.freeze()
    snapshot = Snapshot.derive(make_generation(index))
    for number in range(60):
        index.apply([Upsert(make_product(f"new{number}", "steel kettle"))])
        snapshot = Snapshot.derive(make_generation(index), snapshot)
    asked = [make_key(str(number)) for number in range(30)]
    expected = [snapshot.similar(key, limit=limit) for key in asked]
    off_by = 1 - min(v.lengths.shrunk(snapshot.big_l) for v in snapshot.views)
    monkeypatch.setattr(snapshots, "MANY", 0)

    assert [snapshot.similar(key, limit=limit) for key in asked] == expected
    assert 0 < off_by < off
