"""
Which other sites' pages may read answers (CORS), and how long caches may keep them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from aiohttp import hdrs, web


ANY: Final = "*"
OPEN: Final = ("/v1/", "/openapi.json")  # and no door that writes
METHODS: Final = "GET, HEAD, POST"
SENT: Final = (
    "Authorization, Content-Type, If-None-Match, Last-Event-ID, X-API-Key, X-Request-ID"
)
READ: Final = (
    "ETag, Evershelf-As-Of, Evershelf-Cluster-Time, Evershelf-Generation, "
    "Evershelf-Lag-Ms, Evershelf-Reached, Evershelf-Stale, Evershelf-Stale-Reason, "
    "RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
)
ASK_AGAIN_S: Final = "600"
FOR_ANY: Final[Mapping[str, str]] = MappingProxyType(
    {"Access-Control-Allow-Origin": ANY, "Access-Control-Expose-Headers": READ}
)
FOR_OTHERS: Final[Mapping[str, str]] = MappingProxyType({hdrs.VARY: hdrs.ORIGIN})


@dataclass(frozen=True, slots=True)
class Origins:
    """
    The origins of pages that may read, such as "https://shop.example"; "*" for any.
    """

    allowed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, origins: Iterable[str]) -> Origins:
        """
        Return *origins* as browsers send them.
        """
        return cls(frozenset(origin.rstrip("/").lower() for origin in origins))

    def headers(self, request: web.BaseRequest) -> Mapping[str, str]:
        """
        Return what the answer to *request* tells the browser.
        """
        if not self.allowed or not request.path.startswith(OPEN):
            return {}
        if ANY in self.allowed:
            return FOR_ANY
        origin = request.headers.get(hdrs.ORIGIN, "")
        if origin.lower() not in self.allowed:
            return FOR_OTHERS
        return {**FOR_ANY, "Access-Control-Allow-Origin": origin, **FOR_OTHERS}

    def tell(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """
        Put it into the answer's headers.
        """
        for name, value in self.headers(request).items():
            response.headers.add(name, value)

    def answer(self, request: web.Request) -> web.Response | None:
        """
        Return the answer to a browser that asks whether it may ask, and may; None when
        *request* is anything else.
        """
        is_asking = (
            request.method == hdrs.METH_OPTIONS
            and hdrs.ORIGIN in request.headers
            and "Access-Control-Request-Method" in request.headers
        )
        if not is_asking or "Access-Control-Allow-Origin" not in self.headers(request):
            return None
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": SENT,
                "Access-Control-Max-Age": ASK_AGAIN_S,
            },
        )
