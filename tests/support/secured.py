"""
A replica set of one whose users must say who they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pymongo import MongoClient

from listener.demo.mongod import Mongod
from listener.demo.replica_set import REPLICA_SET, initiate
from tests.support.mongo import ELECTION_S, make_mongod


ADMIN: Final = "administrator"
PASSWORD: Final = "not: a/secret@all"  # noqa: S105 it guards nothing

Privilege = Mapping[str, Any]
PRODUCTS: Final = {"db": "shop", "collection": "products"}
FIND: Final[Privilege] = {"resource": PRODUCTS, "actions": ["find"]}
WATCH: Final[Privilege] = {"resource": PRODUCTS, "actions": ["changeStream"]}
LIST: Final[Privilege] = {
    "resource": {"db": "shop", "collection": ""},
    "actions": ["listCollections"],
}
LEAST: Final = (FIND, WATCH, LIST)  # all that a listener needs


@dataclass(frozen=True, slots=True)
class Secured:
    """
    Where it is, and a client that may do anything.
    """

    mongod: Mongod
    admin: MongoClient[dict[str, Any]]

    def uri(self, user: str = "", password: str = PASSWORD) -> str:
        """
        Return the shop's address as a user, or as nobody.
        """
        who = f"{quote(user)}:{quote(password, safe='')}@" if user else ""
        options = f"replicaSet={REPLICA_SET}&authSource=admin"
        return f"mongodb://{who}127.0.0.1:{self.mongod.port}/shop?{options}"

    def create_user(self, name: str, roles: Sequence[str | Mapping[str, str]]) -> str:
        """
        Make a user with roles that exist; return the address as that.
        """
        self.admin.admin.command("createUser", name, pwd=PASSWORD, roles=roles)
        return self.uri(name)

    def add(self, name: str, privileges: Iterable[Privilege] = LEAST) -> str:
        """
        Make a user with a role that has these privileges; return the address as that.
        """
        role = to_role_name(name)
        self.admin.admin.command(
            "createRole", role, privileges=list(privileges), roles=[]
        )
        return self.create_user(name, [role])

    def remove(self, name: str) -> None:
        """
        Take a user and its role away.
        """
        self.admin.admin.command("dropUser", name)
        self.admin.admin.command("dropRole", to_role_name(name))

    def grant(self, name: str, privileges: Iterable[Privilege]) -> None:
        """
        Let a user's role have these privileges, and no others, from now on.
        """
        self.admin.admin.command(
            "updateRole", to_role_name(name), privileges=list(privileges)
        )


def to_role_name(user: str) -> str:
    """
    Return what a user's role is called.
    """
    return f"role of {user}"


@contextmanager
def secured(folder: Path) -> Iterator[Secured]:
    """
    Yield a running one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / "keyfile"
    key.write_text("a key that members of one would share")
    key.chmod(0o600)
    options = ("--auth", f"--keyFile={key}")
    with make_mongod(folder, is_alone=False, options=options) as mongod:
        initiate([mongod.port], timeout_s=ELECTION_S)
        # Who comes from the same machine may make the first user.
        with _client(mongod.port) as client:
            client.admin.command("createUser", ADMIN, pwd=PASSWORD, roles=["root"])
        with _client(mongod.port, ADMIN) as admin:
            yield Secured(mongod, admin)


def _client(port: int, user: str | None = None) -> MongoClient[dict[str, Any]]:
    password = PASSWORD if user else None
    return MongoClient(
        port=port, directConnection=True, username=user, password=password
    )
