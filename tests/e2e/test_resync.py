"""
`run_listener.py resync`, with a listener and without.
"""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys

from pathlib import Path
from typing import Any

from pymongo.collection import Collection

from recommender.store import CURRENT, DURABLE, StoreReader
from tests.support.processes import ROOT, Pair, make_pair, to_uri
from tests.support.shop import make_document
from tests.support.waiting import wait_for


Products = Collection[dict[str, Any]]


def test_the_running_listener_does_it(shop: Pair) -> None:
    """
    A running listener trains from scratch and publishes; answers go on, and resync
    ends with what was published.
    """
    before = shop.get("/v1/model").json["generation"]
    code, resync = shop.run("resync")

    assert code == 0, resync.text
    (done,) = resync.logs("resync.done")
    assert done["by"] == "the running listener"
    assert (done["products"], done["generation"] > before) == (58, True)
    assert shop.listener.logs("rebuild.started", reason="requested")
    wait_for(lambda: shop.get("/v1/model").json["generation"] >= done["generation"])
    shop.assert_equal()


def test_this_process_does_it(
    tmp_path: Path, mongo_uri: str, collection: Products
) -> None:
    """
    Without a listener this process trains the first model, and later another one, with
    a bar on a terminal; it leaves them durable, and lets go of the store.
    """
    collection.insert_many([make_document(number) for number in range(20)])
    uri = to_uri(mongo_uri, collection.database.name)
    with make_pair(tmp_path / "data", uri) as pair:
        code, resync = pair.run("resync")
        assert code == 0, resync.text
        (done,) = resync.logs("resync.done", by="this process", products=20)

        code, bar = on_terminal(pair)
        assert code == 0, bar
        assert "scan" in bar
        assert "/20" in bar
        reader = StoreReader(pair.data_dir / "model")
        durable = reader.read_pointer(DURABLE)
        assert durable.generation > done["generation"]
        assert durable == reader.read_pointer(CURRENT)
        assert not reader.is_held()

        pair.listener.start()
        pair.listener.wait_for_log("listener.state", state="following")
        assert not pair.listener.logs("scan.started"), "it goes on where resync was"
        pair.assert_equal()


def on_terminal(pair: Pair) -> tuple[int, str]:
    """
    Run resync with a terminal as its standard error; return its code, and what it
    showed there.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "run_listener.py", "resync"],
        cwd=ROOT,
        env={**os.environ, **pair.environment, "TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = bytearray()
    with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    return process.wait(60), shown.decode()
