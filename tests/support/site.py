"""
A shop with its page, really running.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from listener.demo.desk import open_desk
from server.access import Keys
from tests.support.ports import free_port
from tests.support.processes import Pair, running, to_uri
from tests.support.waiting import wait_for


@dataclass(frozen=True, slots=True)
class Site:
    """
    Attributes:
        pair: The listener and the server.
        products: What they follow.
        other_port: Where another site may be, whose pages may read.
    """

    pair: Pair
    products: Collection[dict[str, Any]]
    other_port: int

    @property
    def address(self) -> str:
        """
        Of the server.
        """
        return f"http://127.0.0.1:{self.pair.port}"

    def one(self, **query: Any) -> dict[str, Any]:
        """
        Return a product.
        """
        found = self.products.find_one(query, sort=[("_id", 1)])
        assert found is not None, query
        return found

    def settle(self) -> None:
        """
        Wait until all that was written is served.
        """
        visible = self.products.count_documents({"status": "approved"})
        total = self.products.count_documents({})

        def is_served() -> bool:
            answer = self.pair.get("/v1/model")
            if answer.status != HTTPStatus.OK:
                return False
            model = answer.json
            return (model["products"], model["visible"]) == (total, visible)

        wait_for(is_served, what="everything")


@contextmanager
def running_site(
    folder: Path,
    uri: str,
    client: MongoClient[dict[str, Any]],
    database: str,
    *,
    has_desk: bool = True,
    admin_key: str = "",
    settings: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """
    Yield a shop that follows *database*; with a desk as the demo has it, and further
    settings.
    """
    own = to_uri(uri, database)
    with ExitStack() as stack:
        keys = Keys.of([admin_key] if admin_key else [])
        port = free_port() if has_desk else 0
        if has_desk:
            stack.enter_context(open_desk(own, database, "products", keys, port))
        other_port = free_port()
        chosen = {
            "EVERSHELF_ADMIN_KEYS": admin_key,
            "EVERSHELF_DESK_PORT": str(port),
            "EVERSHELF_CORS_ORIGINS": f"http://127.0.0.1:{other_port}",
            **(settings or {}),
        }
        pair = stack.enter_context(running(folder, own, chosen))
        yield Site(pair, client[database]["products"], other_port)
