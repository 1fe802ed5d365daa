"""
A disk with no room left.
"""

from __future__ import annotations

import os
import subprocess

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.matrix import observed
from tests.support.processes import running, to_uri
from tests.support.shop import make_document
from tests.support.stage import REGULARS, SETTINGS, STOCK, Stage
from tests.support.waiting import wait_for


SIZE: Final = "size=2m"
SUBJECTS: Final = ("publish", "durable", "position")


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    """
    A data folder whose model has two megabytes.
    """
    store = tmp_path / "data" / "model"
    store.mkdir(parents=True)
    subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", SIZE, "tmpfs", store], check=True
    )
    try:
        yield store.parent
    finally:
        subprocess.run(["/bin/umount", "--lazy", store], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """
    Leave no room on a disk for as long as the context lasts.
    """
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\x00" * 4096)
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_row_31_full_disk(stage: Stage, small_disk: Path) -> None:
    """
    While nothing can be written the last model serves, stale; each thing that cannot be
    written is said once, and once more when it can.
    """
    stage.set_up()
    products = stage.client["small"]["products"]
    products.drop()
    products.insert_many(map(make_document, range(STOCK)))
    uri = to_uri(stage.mongod.uri, "small")
    with (
        running(small_disk, uri, SETTINGS) as pair,
        observed(pair, products, REGULARS) as scene,
    ):
        with filled(small_disk / "model"):
            for number in range(500, 520):
                products.insert_one(make_document(number))
            failed = scene.wait_for_log("publish.failed")
            assert "No space left" in failed["error"]
            assert "EVERSHELF_DATA_DIR" in failed["remedy"]
            wait_for(lambda: scene.visitor.look_again().reason)
        scene.wait_for_log("publish.recovered")
        scene.assert_recovered(errors={f"{subject}.failed" for subject in SUBJECTS})
        for subject in SUBJECTS:
            failures = scene.logs(f"{subject}.failed")
            assert len(failures) <= 1
            if failures:  # a durable copy takes as long as the disk takes
                scene.wait_for_log(f"{subject}.recovered")
            assert len(failures) == len(scene.logs(f"{subject}.recovered"))
        assert not scene.logs("scan.started")
