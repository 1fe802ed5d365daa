"""
A database that asks who you are, with a shop that is followed by a user who may only
read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus

from pymongo import MongoClient
from pymongo.database import Database

from tests.support.mongo import make_mongod
from tests.support.processes import running
from tests.support.shop import make_document
from tests.support.stage import SETTINGS, STOCK, Document, Stage


ROOT: Final = "root"
USER: Final = "listener"
PASSWORD: Final = "open sesame"  # noqa: S105
Privilege = Mapping[str, Any]

READ: Final = {
    "resource": {"db": "shop", "collection": "products"},
    "actions": ["find", "changeStream"],
}
LIST: Final = {
    "resource": {"db": "shop", "collection": ""},
    "actions": ["listCollections"],
}
LEAST: Final = (READ, LIST)


@dataclass(frozen=True, slots=True)
class Users:
    """
    Who may read the shop.
    """

    admin: Database[Document]
    port: int

    def uri(self, user: str = USER, password: str = PASSWORD) -> str:
        """
        Return the shop's address for a user.
        """
        who = f"{quote_plus(user)}:{quote_plus(password)}"
        options = "replicaSet=evershelf&authSource=admin"
        return f"mongodb://{who}@127.0.0.1:{self.port}/shop?{options}"

    def add(self, name: str, privileges: Iterable[Privilege] = LEAST) -> None:
        """
        Make a user with a role that has these privileges.
        """
        self.admin.command(
            "createRole", to_role(name), privileges=list(privileges), roles=[]
        )
        self.admin.command("createUser", name, pwd=PASSWORD, roles=[to_role(name)])

    def remove(self, name: str) -> None:
        """
        Take a user and its role away.
        """
        self.admin.command("dropUser", name)
        self.admin.command("dropRole", to_role(name))

    def grant(self, name: str, privileges: Iterable[Privilege]) -> None:
        """
        Let a user's role have these privileges, and no others, from now on.
        """
        self.admin.command("updateRole", to_role(name), privileges=list(privileges))


def to_role(name: str) -> str:
    """
    Return what a user's role is called.
    """
    return f"role of {name}"


@contextmanager
def guarded(folder: Path) -> Iterator[tuple[Stage, Users]]:
    """
    Yield a stage with authentication on, whose `client` may do everything, and whose
    listener is `USER`.
    """
    key = folder / "key"
    key.write_text("nosecretatall")
    key.chmod(0o600)
    with (
        make_mongod(folder / "mongod") as unguarded,
        MongoClient[Document](unguarded.uri) as client,
    ):
        client.admin.command("createUser", ROOT, pwd=PASSWORD, roles=[ROOT])
        client["shop"]["products"].insert_many(map(make_document, range(STOCK)))
        port = unguarded.port
    options = (f"--keyFile={key}",)
    with make_mongod(
        folder / "mongod", port=port, is_alone=False, options=options
    ) as mongod:
        address: dict[str, Any] = {"username": ROOT, "password": PASSWORD}
        with MongoClient[Document](mongod.uri, **address) as client:
            users = Users(client.admin, port)
            users.add(USER)
            with running(folder / "data", users.uri(), SETTINGS) as pair:
                yield Stage(mongod, client, pair), users
