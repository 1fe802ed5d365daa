"""
JSON in no more memory than it has bytes.
"""

import tracemalloc

from collections.abc import Callable

import orjson
import pytest

from bson import Int64

from listener.display import to_display
from listener.fields import Values
from listener.keys import to_key
from recommender.address import to_keys
from recommender.json_bytes import to_json_bytes


MANY = 500
NAMED: Values = ("Steel Kettle", *[None] * 10)
LARGEST = 400  # bytes; the largest of them, with what Python has beside the content


def held_each(make: Callable[[int], object]) -> float:
    """
    Return how many bytes each of many stays with.
    """
    make(0)  # what is made once
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = [make(number) for number in range(MANY)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / len(kept)


def test_same_json() -> None:
    """
    The bytes are those of orjson, options and all.
    """
    value = {"b": 1, "a": [True, None, "ü"]}

    assert to_json_bytes(value) == orjson.dumps(value)
    option = orjson.OPT_SORT_KEYS
    assert to_json_bytes(value, option) == orjson.dumps(value, option=option)


@pytest.mark.parametrize(
    "make",
    [
        lambda number: to_json_bytes([number]),
        lambda number: to_key(f"sku-{number}"),
        lambda number: to_key(Int64(number)),
        lambda _: to_display(NAMED, {}),
        lambda number: to_keys(f"sku-{number}"),
        lambda number: to_keys(f"{number:024x}"),
        lambda number: to_keys(str(number)),
    ],
    ids=[
        "any",
        "string key",
        "integer key",
        "display",
        "string",
        "object id",
        "integer",
    ],
)
def test_what_is_kept_by_the_hundred_thousand_takes_what_it_has(
    make: Callable[[int], object],
) -> None:
    """
    Keys of products that wait, and what pages show of them, had 4 KB each.
    """
    assert held_each(make) < LARGEST
