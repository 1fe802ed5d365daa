"""
A replica set of one whose users must say who they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient

from listener.demo.replica_set import REPLICA_SET, initiate
from tests.support.mongo import ELECTION_S, make_mongod


ADMIN: Final = "administrator"
PASSWORD: Final = "not: a/secret@all"  # noqa: S105 it guards nothing


@dataclass(frozen=True, slots=True)
class Secured:
    """
    Where it is, and a client that may do anything.
    """

    port: int
    admin: MongoClient[dict[str, Any]]

    def uri(self, user: str = "", database: str = "shop") -> str:
        """
        Return the address as *user*, all of whom have the same password; or as nobody.
        """
        who = f"{user}:not%3A%20a%2Fsecret%40all@" if user else ""
        options = f"replicaSet={REPLICA_SET}&authSource=admin"
        return f"mongodb://{who}127.0.0.1:{self.port}/{database}?{options}"

    def create_user(self, name: str, roles: Sequence[Mapping[str, str]]) -> str:
        """
        Make a user; return the address as that.
        """
        self.admin.admin.command("createUser", name, pwd=PASSWORD, roles=list(roles))
        return self.uri(name)


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
        roles = [{"role": "root", "db": "admin"}]
        with MongoClient[dict[str, Any]](
            port=mongod.port, directConnection=True
        ) as client:
            client.admin.command("createUser", ADMIN, pwd=PASSWORD, roles=roles)
        where: dict[str, Any] = {
            "port": mongod.port, "username": ADMIN, "password": PASSWORD
        }  # fmt: skip
        with MongoClient[dict[str, Any]](**where, directConnection=True) as admin:
            yield Secured(mongod.port, admin)
