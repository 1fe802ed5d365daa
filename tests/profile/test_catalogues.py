"""
Public catalogues, as others publish them.
"""

from __future__ import annotations

import gzip
import itertools

from pathlib import Path
from typing import Any

import orjson
import pytest

from listener.profile.decision import decide
from listener.profile.first_start import SAMPLE


DATA = Path(__file__).parents[3] / "shared" / "data"

SURE = {
    "aws_retail_demo": {"name", "description", "category", "price", "stock", "image"},
    "bestbuy_phones": {
        "name", "description", "category", "brand", "price", "image", "popularity"
    },
    "icecat": {"name", "description", "attributes", "brand", "price", "image"},
    "online_retail_products": {"name", "price"},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SURE))
def test_catalogue(name: str) -> None:
    """
    All that a catalogue has is found, nothing else, and the defaults read it.
    """
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"../shared/data/{path.name} is not beside this checkout")
    with gzip.open(path) as lines:
        sample: list[dict[str, Any]] = [
            orjson.loads(line) for line in itertools.islice(lines, SAMPLE)
        ]
    decision = decide(sample)

    assert set(decision.choices) == SURE[name]
    assert decision.settings == {}
    assert all(choice.sure > 0.9 for choice in decision.choices.values())
