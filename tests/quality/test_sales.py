"""
Orders that are foretold: what is bought together is found, and hidden products are not
forgotten.
"""

import csv
import gzip

from datetime import datetime, timedelta

import orjson
import pytest

from benchmarks.quality.__main__ import main
from benchmarks.quality.sales import BLEND, LINES, ORDERS, PRODUCTS, TEXT


SETS = ("tea", "garden", "office", "kitchen", "travel")
THINGS = ("cup", "lamp", "bag", "box", "mat", "clock")
ORDERS_A_DAY = 3


@pytest.fixture(name="folder")
def _folder(tmp_path):
    """
    A year in which each order is of one set, whose things have names of their own but
    for the set's.
    """
    products = [
        {"id": f"{name}-{thing}", "name": f"{name} {thing}", "price": 5}
        for name in SETS
        for thing in THINGS
    ]
    content = b"\n".join(map(orjson.dumps, products))
    (tmp_path / PRODUCTS).write_bytes(gzip.compress(content))
    with gzip.open(tmp_path / LINES, "wt", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["invoice", "stockcode", "quantity", "date"])
        for number in range(365 * ORDERS_A_DAY):
            date = datetime(2011, 1, 1) + timedelta(days=number // ORDERS_A_DAY)  # noqa: DTZ001
            name = SETS[number % len(SETS)]
            for thing in range(3):
                code = f"{name}-{THINGS[(number + thing) % len(THINGS)]}"
                rows.writerow([number, code, 1, date])
            rows.writerow([number, f"{name}-cup", -1, date])
    return tmp_path


def test_sales_are_foretold(folder, capsys):
    """
    Orders alone know nothing of hidden products; text does, and what it lends them of
    the orders of others makes the blend better than that; it is no worse than either.
    The record says all of it.
    """
    out = folder / "record.json"
    main(["online_retail", "--data", str(folder), "--out", str(out)])
    record = orjson.loads(out.read_bytes())["online_retail"]
    ways = {way["name"]: way["ndcg"] for way in record["ways"]}
    assert record["hidden"] > 0
    assert ways[ORDERS]["hidden"]["mean"] == 0
    assert ways[BLEND]["hidden"]["mean"] > ways[TEXT]["hidden"]["mean"] > 0
    assert ways[BLEND]["all"]["mean"] >= ways[TEXT]["all"]["mean"]
    assert ways[BLEND]["all"]["mean"] >= ways[ORDERS]["all"]["mean"]
    assert BLEND in capsys.readouterr().out


def test_without_the_data_it_is_skipped(tmp_path, capsys):
    """
    And says what is not there.
    """
    main(["online_retail", "--data", str(tmp_path), "--out", str(tmp_path / "r.json")])
    assert "online_retail: skipped, " in capsys.readouterr().out
    assert (
        PRODUCTS
        in orjson.loads((tmp_path / "r.json").read_bytes())["online_retail"]["skipped"]
    )
