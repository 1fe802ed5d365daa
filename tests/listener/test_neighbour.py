"""
What another pair's server hands out, over a slow line.
"""

from __future__ import annotations

import itertools
import ssl

from pathlib import Path

import pytest

from listener.copies.neighbour import LEAST_PER_S, Neighbour
from listener.copies.place import PlaceFault
from recommender.manifest import SegmentRef
from tests.support.certificates import OPENSSL, Authority
from tests.support.trickling import trickling


REF = SegmentRef("1-0.seg", 100, "0")
BODY = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
MOST = 200  # pieces; who waits for all of them has waited too long


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nX: ", BODY % MOST], ids=["head", "body"]
)
@pytest.mark.parametrize("asked", ["manifest", "segment"])
def test_one_that_trickles_is_given_up(
    monkeypatch: pytest.MonkeyPatch, head: bytes, asked: str
) -> None:
    """
    Bytes that come one by one, in the head or in the body, do not hold a first start,
    though none of them is waited for long.
    """
    monkeypatch.setattr("listener.copies.neighbour.ANSWER_S", 0.3)
    with trickling(head, itertools.repeat(b"x", MOST), 0.05) as address:
        neighbour = Neighbour(address)
        ask = {
            "manifest": neighbour.read_manifest,
            "segment": lambda: list(neighbour.read_segment(REF)),
        }
        with pytest.raises(PlaceFault, match="TimeoutError"):
            ask[asked]()


def test_one_that_is_slow_enough_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A file may take longer than any silence, as long as it comes at the least rate.
    """
    monkeypatch.setattr("listener.copies.neighbour.ANSWER_S", 2.0)
    pieces = [bytes(LEAST_PER_S)] * 9
    whole = b"".join(pieces)
    with trickling(BODY % len(whole), pieces, 0.25) as address:
        assert b"".join(Neighbour(address).read_segment(REF)) == whole


@pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")
def test_one_behind_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Is asked as any other, and given up as any other; one whose certificate nobody vouches
    for is not asked.
    """
    authority = Authority.make(tmp_path, "authority")
    secret = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secret.load_cert_chain(authority.issue("neighbour"))
    with (
        trickling(BODY % 4, [b"four"], 0.0, secret) as address,
        pytest.raises(PlaceFault, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        Neighbour(address).read_manifest()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with trickling(BODY % 4, [b"four"], 0.0, secret) as address:
        assert Neighbour(address).read_manifest() == b"four"
    monkeypatch.setattr("listener.copies.neighbour.ANSWER_S", 1.0)
    with (
        trickling(BODY % MOST, itertools.repeat(b"x", MOST), 0.05, secret) as address,
        pytest.raises(PlaceFault, match="TimeoutError"),
    ):
        Neighbour(address).read_manifest()


def test_a_key_of_any_letters() -> None:
    """
    Is sent as it is written in UTF-8, which is how it is compared.
    """
    head = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    with (
        trickling(head, [], 0.0) as address,
        pytest.raises(PlaceFault, match="answered with 401"),
    ):
        Neighbour(address, "schlüssel-€").read_manifest()
