"""
What both processes hold in memory, and what the model takes on disk.
"""

from __future__ import annotations

import contextlib
import os

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.arrival import await_answer
from benchmarks.connection import Connection
from benchmarks.figures import Figure
from benchmarks.process_stats import family_bytes
from benchmarks.shop import PRODUCTS, Shop
from benchmarks.zipf import Popularity
from tests.support.processes import make_pair


MB: Final = 1e6
LOOKS: Final = 2_000


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield proportional memory of listener, server and one server more, and the size of
    the store, in MB, beside the documents as BSON.
    """
    pair = shop.follow()
    documents = shop.database.command("collStats", PRODUCTS)["size"] / MB
    paths = [shop.similar_path(id_) for id_ in Popularity(shop.visible, 0).draw(LOOKS)]
    visit(pair.port, paths)
    listener, server = pair.listener.pid, pair.server.pid
    alone = family_bytes(listener), family_bytes(server)
    with make_pair(shop.folder, shop.uri) as more:
        more.server.start()
        await_answer(more.port, paths[0], lambda: more.server.is_running)
        visit(more.port, paths)
        pids = (listener, server, more.server.pid)
        together = sum(map(family_bytes, pids))
    taken = {
        "listener": ("memory of the listener (PSS)", alone[0]),
        "server": ("memory of the server (PSS)", alone[1]),
        "worker": ("memory of one server more (PSS)", together - sum(alone)),
        "disk": ("store on disk", _disk_bytes(shop.folder / "model")),
    }
    for name, (what, size) in taken.items():
        yield Figure(
            f"footprint.{name}", what, size / MB, "MB", documents, "documents as BSON"
        )


def visit(port: int, paths: list[str]) -> None:
    """
    Ask for *paths*, one after the other.
    """
    with Connection(port) as connection:
        for path in paths:
            connection.get(path)


def _disk_bytes(folder: Path) -> int:
    """
    Return the size of all files; those about to be removed count, too.
    """
    size = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # renamed meanwhile
                size += (Path(root) / name).stat().st_size
    return size
