"""
A real Prometheus.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import yaml  # type: ignore[import-untyped]

from tests.support.ports import free_port
from tests.support.processes import ask
from tests.support.waiting import wait_for


EVERY_S: Final = 1
STOP_S: Final = 20.0


class Prometheus:
    """
    One that scrapes each second.
    """

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> Any:
        """
        Return what its API answers.
        """
        answer = ask(f"{self._url}/api/v1/{path}")
        assert answer.status == 200, answer.body
        return answer.json["data"]

    def query(self, expression: str) -> list[Any]:
        """
        Return the series that a query finds now.
        """
        found: list[Any] = self.get(f"query?query={quote(expression)}")["result"]
        return found

    @property
    def is_ready(self) -> bool:
        """
        Whether it answers.
        """
        return ask(f"{self._url}/-/ready").status == 200


@contextmanager
def prometheus(
    folder: Path, targets: Mapping[str, int], *, key: str, rules: Sequence[Path]
) -> Iterator[Prometheus]:
    """
    Yield one that scrapes ports of this machine, by the names of their jobs, with a
    key, and evaluates rules.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "key").write_text(key)
    config = {
        "global": {
            "scrape_interval": f"{EVERY_S}s",
            "evaluation_interval": f"{EVERY_S}s",
        },
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {
                "job_name": job,
                "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
                "authorization": {"credentials_file": str(folder / "key")},
            }
            for job, port in targets.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    with (folder / "prometheus.log").open("wb") as output:
        process = subprocess.Popen(
            [
                shutil.which("prometheus") or "",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'series'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"]},
            start_new_session=True,
        )
    try:
        running = Prometheus(port)
        wait_for(lambda: running.is_ready, timeout_s=60, what="Prometheus")
        yield running
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)
