"""
A real server that speaks as S3 does: SeaweedFS.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson

from listener.demo.tether import tethered
from tests.support.ports import free_port
from tests.support.processes import ask
from tests.support.waiting import wait_for


WEED: Final = shutil.which("weed", path=f"{Path(sys.executable).parent}:{os.defpath}")
KEY: Final = "a-key"
SECRET: Final = "swordfish"  # noqa: S105 of nothing
PARTS: Final = ("master", "volume", "filer", "s3")


class Weed:
    """
    One that keeps its buckets on its disk, and makes one when something is put there.
    """

    def __init__(self, folder: Path) -> None:
        """
        Get ready; it is not started yet.
        """
        self._folder = folder
        self._ports = {part: (free_port(), free_port()) for part in PARTS}
        self._process: subprocess.Popen[bytes] | None = None
        may = {
            "name": "shop",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "s3.json").write_bytes(orjson.dumps({"identities": [may]}))

    @property
    def environment(self) -> Mapping[str, str]:
        """
        What says where it is, and who asks.
        """
        return {
            "AWS_ENDPOINT_URL": self._address,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> None:
        """
        Start it, with what it kept.
        """
        assert WEED is not None
        command = [
            WEED,
            "server",
            f"-dir={self._folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
            f"-s3.config={self._folder / 's3.json'}",
            "-master.volumeSizeLimitMB=64",
            # of two that run at once one would end, as these ports are always the same
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            *(f"-{part}.port={ports[0]}" for part, ports in self._ports.items()),
            *(f"-{part}.port.grpc={ports[1]}" for part, ports in self._ports.items()),
        ]
        with (self._folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                tethered(command), stdout=output, stderr=subprocess.STDOUT
            )
        # without a signature it says that it wants one
        wait_for(lambda: ask(self._address).status, timeout_s=60, what="SeaweedFS")

    def kill(self) -> None:
        """
        End it at once.
        """
        assert self._process is not None
        self._process.kill()
        self._process.wait(20)
        self._process = None

    @property
    def _address(self) -> str:
        return f"http://127.0.0.1:{self._ports['s3'][0]}"


@contextmanager
def seaweed(folder: Path) -> Iterator[Weed]:
    """
    Yield one that runs; it is ended afterwards.
    """
    server = Weed(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
