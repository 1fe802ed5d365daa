"""
Who may read, and how often.
"""

from __future__ import annotations

import ipaddress
import math
import time

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from server.access import Keys, given_keys, has_key
from server.doors import CHALLENGE, to_peer
from server.pace import WINDOW_S, Left, Pace
from server.problems import Problem


GUARDED: Final = "/v1/"
UNCOUNTED: Final = ("/health/", "/metrics")  # probes come as they like
STREAM: Final = "/v1/events"  # where browsers can send no header
SHARED_BITS: Final = 64  # of an IPv6 address; one household has all below
FORWARDED_FOR: Final = "X-Forwarded-For"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Counted:
    """
    By what a request was counted, and what that has left.
    """

    name: str
    per_minute: int
    left: Left


COUNTED: Final = web.RequestKey("counted", Counted)


@dataclass(frozen=True, slots=True)
class Gate:
    """
    Stands before the doors.

    Attributes:
        admin_keys: Good for reading, too, and never counted.
        read_keys: One of them is needed under `/v1` when there are any.
        by_key: How often one read key may ask; None: as often as it likes.
        by_address: How often one address may, without a key that is valid.
        proxies: Whose `X-Forwarded-For` is believed.
    """

    admin_keys: Keys = Keys()  # noqa: RUF009 frozen
    read_keys: Keys = Keys()  # noqa: RUF009 frozen
    by_key: Pace | None = None
    by_address: Pace | None = None
    proxies: tuple[Network, ...] = ()

    def check(self, request: web.Request) -> None:
        """
        Let *request* pass.

        Raises:
            Problem: 401 without a key where one is needed; 429 when it comes too soon.
        """
        if has_key(request.headers, self.admin_keys):
            return
        given = _given(request) if self.read_keys else []
        key = next((k for k in given if self.read_keys.accept(k)), None)
        self._count(request, key)
        if not self.read_keys or key is not None:
            return
        if request.path.startswith(GUARDED):
            code = "key_wrong" if given else "key_needed"
            raise Problem(401, code, _ADVICE[code], headers=CHALLENGE)

    def _count(self, request: web.Request, key: str | None) -> None:
        pace, name = (self.by_key, "key") if key else (self.by_address, "address")
        if pace is None or request.path.startswith(UNCOUNTED):
            return
        caller = self.read_keys.digest(key) if key else self._address(request)
        left = pace.take(caller, time.monotonic())
        request[COUNTED] = Counted(name, pace.per_minute, left)
        if not left.is_allowed:
            detail = f"This {name} may ask {pace.per_minute} times a minute."
            wait = {"Retry-After": str(max(1, math.ceil(left.retry_in_s)))}
            raise Problem(429, "too_many_requests", detail, headers=wait)

    def _address(self, request: web.Request) -> str:
        """
        Return the address that a request comes from: the nearest that is no proxy of
        ours.
        """
        address = to_peer(request) or ""
        passed = ",".join(request.headers.getall(FORWARDED_FOR, [])).split(",")
        while passed and self._is_proxy(address):
            nearer = passed.pop().strip()
            if not _is_address(nearer):
                break
            address = nearer
        return _to_group(address)

    def _is_proxy(self, address: str) -> bool:
        if not self.proxies or not _is_address(address):
            return False
        parsed = ipaddress.ip_address(address)
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self.proxies)


def to_rate(request: web.BaseRequest) -> Mapping[str, str]:
    """
    Return the headers that tell what the caller has left (IETF draft "RateLimit header
    fields for HTTP").
    """
    counted = request.get(COUNTED)
    if counted is None:
        return {}
    name, left = counted.name, counted.left
    return {
        "RateLimit-Policy": f'"{name}";q={counted.per_minute};w={WINDOW_S}',
        "RateLimit": f'"{name}";r={left.remaining};t={math.ceil(left.full_in_s)}',
    }


def to_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """
    Return addresses and networks as networks.

    Raises:
        ValueError: One of them is neither.
    """
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


_ADVICE: Final[Mapping[str, str]] = {
    "key_needed": (
        "This needs a key: send it as 'Authorization: Bearer KEY' or as "
        "'X-API-Key: KEY'."
    ),
    "key_wrong": "The key is none of those that are valid.",
}


def _given(request: web.Request) -> list[str]:
    given = given_keys(request.headers)
    if request.path == STREAM and hdrs.AUTHORIZATION not in request.headers:
        given += request.query.getall("key", [])
    return given


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _to_group(address: str) -> str:
    """
    Return what is counted as one caller.
    """
    if ":" not in address or not _is_address(address):
        return address
    parsed = ipaddress.IPv6Address(address)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), SHARED_BITS), strict=False))
