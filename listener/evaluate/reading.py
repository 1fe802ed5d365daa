"""
The products to evaluate, those of a file or of a collection, and their model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import structlog

from listener.assembly import CLOCK
from listener.complaints import Complaints
from listener.demo.jsonl import BadLine, count_lines, read_lines
from listener.evaluate.catalogue import Catalogue
from listener.mapping import Mapper
from listener.opening import open_source, to_weights
from listener.progress import shown
from recommender.errors import SettingsFault
from recommender.product import Product
from recommender.settings import ListenerSettings


BATCH: Final = 1_000
EMPTY: Final = "there is no visible product to evaluate: see EVERSHELF_VISIBLE_WHEN"

log = structlog.get_logger()


def read_file(settings: ListenerSettings, path: Path) -> list[Product]:
    """
    Return the products of a JSONL file; a line that is no document is left out.

    Raises:
        DemoFault: The file cannot be read, or is damaged.
        SettingsFault: A setting of the mapping cannot be right.
    """
    mapper, complaints = Mapper(settings), Complaints(CLOCK.monotonic)
    products: list[Product] = []
    bad: list[BadLine] = []

    def batches() -> Iterator[Sequence[Product]]:
        batch: list[Product] = []
        for line in read_lines(path):
            if isinstance(line, BadLine):
                bad.append(line)
                continue
            mapped = mapper.to_product(line.document)
            complaints.note(mapped.product.key, mapped.problems)
            batch.append(mapped.product)
            if len(batch) == BATCH:
                yield batch
                batch = []
        yield batch

    for batch in shown(batches(), total=count_lines(path), task="read", clock=CLOCK):
        products += batch
    if bad:
        log.warning(
            "evaluate.lines_skipped",
            count=len(bad),
            line=bad[0].number,
            reason=bad[0].reason,
        )
    return products


def read_collection(settings: ListenerSettings, uri: str) -> list[Product]:
    """
    Return the products of the collection that the settings name.

    Raises:
        SettingsFault: The address, or a setting of the mapping, cannot be right.
        Unreachable: The database cannot be read.
        Refused: The database does not allow it.
    """
    with open_source(settings, uri, Complaints(CLOCK.monotonic)) as source:
        batches = source.scan()
        counted = shown(batches, total=source.count(), task="read", clock=CLOCK)
        return [product for batch in counted for product in batch]


def train(settings: ListenerSettings, products: Iterable[Product]) -> Catalogue:
    """
    Return the model that a listener with these settings would make of *products*.

    Raises:
        SettingsFault: None of them is visible.
    """
    catalogue = Catalogue.train(products, to_weights(settings))
    if not len(catalogue):
        raise SettingsFault([EMPTY])
    return catalogue
