"""
Who may use the admin doors, as pure functions over what a request says.

Without keys only a program on this very machine may, and no browser that another
site has talked into it: a loopback peer, a loopback Host, nothing that says the
request was passed on, and no foreign page behind it. As soon as any key is set, the
key is needed always, and it is enough.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self
from urllib.parse import SplitResult, urlsplit

from recommender.errors import SettingsFault


# Set by proxies, content networks and tunnels. Whoever sends one is not the visitor.
FORWARDING = frozenset(
    {
        "cdn-loop",
        "cf-connecting-ip",
        "client-ip",
        "fastly-client-ip",
        "fly-client-ip",
        "forwarded",
        "forwarded-for",
        "true-client-ip",
        "via",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-envoy-external-address",
        "x-original-forwarded-for",
        "x-real-ip",
    }
)
FORWARDING_PREFIX = "x-forwarded"
OWN_SITE = frozenset({"same-origin", "none"})  # none: typed by the user


class Refusal(Enum):
    """
    Why an admin door stays shut; the value says what the caller can do.
    """

    KEY_NEEDED = (
        "This needs the admin key: send it as 'Authorization: Bearer KEY' "
        "or as 'X-API-Key: KEY'."
    )
    KEY_WRONG = "The key is not one of EVERSHELF_ADMIN_KEYS."
    NOT_LOCAL = (
        "Without an admin key this answers only to programs on this machine that "
        "call it directly by a loopback address: set EVERSHELF_ADMIN_KEYS and send "
        "the key."
    )
    FOREIGN_PAGE = (
        "Without an admin key this does not answer to pages of other sites: set "
        "EVERSHELF_ADMIN_KEYS and send the key."
    )


@dataclass(frozen=True, slots=True)
class Keys:
    """
    The admin keys, known by their hashes only.
    """

    digests: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, keys: Iterable[str]) -> Self:
        """
        Return *keys*, hashed.
        """
        return cls(tuple(_digest(key) for key in keys))

    def __bool__(self) -> bool:
        return bool(self.digests)

    def __or__(self, others: Keys) -> Keys:
        return Keys(self.digests + others.digests)

    def accept(self, key: str) -> bool:
        """
        Say whether *key* is one of them, in a time that does not tell how nearly.
        """
        digest = _digest(key)
        matches = [hmac.compare_digest(digest, known) for known in self.digests]
        return any(matches)

    @staticmethod
    def digest(key: str) -> str:
        """
        Return what stands for *key* where it must not be kept itself.
        """
        return _digest(key).hex()


def refusal(peer: str | None, headers: Mapping[str, str], keys: Keys) -> Refusal | None:
    """
    Return why a request may not pass an admin door; None when it may.

    Args:
        peer: Address of the other end of the connection; None when it has none.
        headers: Of the request, their names in any case; a name may come twice.
        keys: The configured ones.
    """
    if keys:
        return _key_refusal(headers, keys)
    hosts = _values(headers, "host")
    if len(hosts) != 1 or not is_loopback(_host_name(hosts[0])):
        return Refusal.NOT_LOCAL
    if not is_loopback(peer or "") or any(map(_is_forwarding, headers)):
        return Refusal.NOT_LOCAL
    return None if _is_own_page(headers, hosts[0]) else Refusal.FOREIGN_PAGE


def has_key(headers: Mapping[str, str], keys: Keys) -> bool:
    """
    Say whether a request carries an admin key.
    """
    return bool(keys) and _key_refusal(headers, keys) is None


def given_keys(headers: Mapping[str, str]) -> list[str]:
    """
    Return the keys that a request carries, valid or not.
    """
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return [key for key in (bearer, headers.get("X-API-Key", "")) if key]


def check_binding(host: str, keys: Keys) -> None:
    """
    Refuse to be reachable from elsewhere without a key.

    Raises:
        SettingsFault: *host* is not a loopback address, and there are no keys.
    """
    if not keys and not is_loopback(host):
        msg = (
            f"EVERSHELF_HOST={host}: other machines could reach the admin doors; set "
            "EVERSHELF_ADMIN_KEYS, or bind to 127.0.0.1"
        )
        raise SettingsFault([msg])


def is_loopback(host: str) -> bool:
    """
    Say whether *host*, an address or a name without port, is this machine for sure.
    """
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _key_refusal(headers: Mapping[str, str], keys: Keys) -> Refusal | None:
    given = given_keys(headers)
    if not given:
        return Refusal.KEY_NEEDED
    return None if any(map(keys.accept, given)) else Refusal.KEY_WRONG


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _is_forwarding(name: str) -> bool:
    lower = name.lower()
    return lower in FORWARDING or lower.startswith(FORWARDING_PREFIX)


def _is_own_page(headers: Mapping[str, str], host: str) -> bool:
    """
    Say whether no page is behind the request, or one that this server served.

    Another port of this machine is another program, so it is foreign too.
    """
    if not OWN_SITE.issuperset(_values(headers, "sec-fetch-site")):
        return False
    own = _split(f"http://{host}")
    origins = _values(headers, "origin")
    return all(_is_same(_split(origin), own) for origin in origins)


def _values(headers: Mapping[str, str], lower: str) -> list[str]:
    return [value for name, value in headers.items() if name.lower() == lower]


def _is_same(origin: SplitResult | None, own: SplitResult | None) -> bool:
    if origin is None or own is None:
        return False
    return origin.scheme == own.scheme and origin.netloc.lower() == own.netloc.lower()


def _host_name(host: str) -> str:
    parts = _split(f"http://{host}")
    if parts is None or parts.netloc != host or "@" in host:
        return ""
    return parts.hostname or ""


def _split(url: str) -> SplitResult | None:
    """
    Return the parts of *url*; None when its port or its brackets make no sense.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
