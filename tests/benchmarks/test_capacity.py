"""
How far one machine goes: the measuring, and the formulas. No figure is judged here.
"""

from __future__ import annotations

import math

import orjson
import pytest

from benchmarks.capacity.__main__ import main
from benchmarks.capacity.formula import fit
from benchmarks.capacity.measured import Built, Capacity, Changed, Served, Spread
from benchmarks.capacity.report import formulas, to_record, to_table
from benchmarks.goals import QUERIES


SIZES = [1_000.0, 30_000.0, 2_000_000.0]


def make_capacity(products: int) -> Capacity:
    """
    Make a catalogue that takes 1,000 bytes each, and some square roots.
    """
    spread = Spread(*(products**0.5 * times for times in (1.0, 2.0, 3.0)))
    return Capacity(
        products,
        Built(1.0, 1.0, 1.0, products / 1e6, *[1_000 * products] * 2, products, 35),
        Served(products / 1e6, 100_000_000, 120_000_000, {"plain": spread}),
        Changed(spread, spread, spread, 7_000.0),
    )


def test_a_size_has_every_number(tmp_path):
    """
    All that is measured is a number above 0, and fit for the record; the store's bytes
    are those of a model with as many products. Nothing else is left behind.
    """
    out = tmp_path / "record.json"
    arguments = ["--sizes", "600", "--samples", "5", "--changes", "2"]

    assert main([*arguments, "--folder", str(tmp_path), "--out", str(out)]) == 0

    record = orjson.loads(out.read_bytes())
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]
    (one,) = record["capacities"]
    assert one["products"] == 600
    assert [
        name for name, n in one["numbers"].items() if not (math.isfinite(n) and n > 0)
    ] == []
    assert {f"query.{kind}.p99" for kind in QUERIES} <= one["numbers"].keys()
    assert 30 < one["numbers"]["postings"] < 42
    assert one["built"]["disk"] > 300 * 600
    assert one["built"]["terms"] > 600
    assert one["numbers"]["change.written"] > 1
    assert record["failed"] == record["formulas"] == {}
    assert record["environment"]["cores"] >= 1


def test_what_grows_has_a_formula():
    """
    Each quantity that should grow with the catalogue has the formula by which it does,
    in its own unit; a table shows them, and by how much they are off, and the record has them.
    """
    capacities = [make_capacity(products) for products in (1_000, 20_000, 300_000)]

    found = formulas(capacities)

    by_name = {quantity.name: formula for quantity, formula in found.items()}
    assert by_name["disk"].first == pytest.approx(0.0, abs=1e-9)
    assert by_name["disk"].second == pytest.approx(1e-3)
    assert by_name["query.plain.p99"].first == pytest.approx(3.0)
    assert by_name["query.plain.p99"].second == pytest.approx(0.5)
    assert by_name["build.total"].first == pytest.approx(3.0)
    assert {"change.deriving", "memory", "terms"} <= by_name.keys()
    assert not {"postings", "build.mapping", "change.written"} & by_name.keys()
    record = orjson.loads(
        orjson.dumps(to_record({}, capacities, {}, found), default=list)
    )
    assert record["formulas"].keys() == by_name.keys()
    shown = to_table(capacities, found)
    assert shown.row_count == len(capacities[0].numbers())
    assert list(shown.columns[-1].cells).count("0.0%") == len(found)


def test_two_sizes_leave_nothing_to_be_wrong():
    """
    A formula of two parameters hits both: how good it is cannot be told, and is not.
    """
    capacities = [make_capacity(products) for products in (1_000, 20_000)]

    shown = to_table(capacities, formulas(capacities))

    assert set(shown.columns[-1].cells) == {"", "not known"}


def test_a_size_that_fails_is_said_and_the_others_are_kept(tmp_path):
    """
    Where a store cannot be put, the record says why, and the run fails.
    """
    out = tmp_path / "record.json"
    nowhere = tmp_path / "nowhere"

    failed = main(["--sizes", "10", "--folder", str(nowhere), "--out", str(out)])

    assert failed == 1
    record = orjson.loads(out.read_bytes())
    assert record["capacities"] == []
    assert "nowhere" in record["failed"]["10"]


@pytest.mark.parametrize(
    ("shape", "first", "second"), [("linear", 7e7, 1_100.0), ("power", 0.002, 0.85)]
)
def test_a_formula_is_found_again(shape, first, second):
    """
    What follows a formula exactly gives that formula, at any size.
    """
    known = {
        "linear": lambda n: first + second * n,
        "power": lambda n: first * n**second,
    }

    formula = fit(shape, SIZES, [known[shape](n) for n in SIZES])

    assert formula.first == pytest.approx(first, rel=1e-4)
    assert formula.second == pytest.approx(second, rel=1e-4)
    assert formula.residuals == pytest.approx([0.0] * 3, abs=1e-6)
    assert formula.at(1e7) == pytest.approx(known[shape](1e7), rel=1e-3)


def test_a_small_size_counts_as_much_as_a_large_one():
    """
    What is off by a tenth at one size shows, however large the others' numbers are.
    """
    values = [1.1 * SIZES[0], *SIZES[1:]]

    residuals = fit("power", SIZES, values).residuals

    assert 0.02 < max(map(abs, residuals)) < 0.1
    assert residuals[0] > 0


@pytest.mark.parametrize(
    ("sizes", "values"),
    [([10.0], [1.0]), ([10.0, 10.0], [1.0, 2.0]), (SIZES, [0, 1, 2])],
)
def test_no_formula_of_too_little(sizes, values):
    """
    One size says nothing of growth, and zero has no relative error.
    """
    with pytest.raises(ValueError, match=r"too few|above 0"):
        fit("linear", sizes, values)
