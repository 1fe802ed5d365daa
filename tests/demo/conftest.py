"""
Ports of tests.
"""

from __future__ import annotations

import socket

from collections.abc import Iterator

import pytest

from tests.support.ports import free_port


@pytest.fixture(name="free_port")
def _free_port() -> int:
    return free_port()


@pytest.fixture
def taken_port() -> Iterator[int]:
    """
    A port on which this test listens.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
