"""
A database that speaks TLS only, and wants to know who comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import pytest

from pymongo import MongoClient

from listener.demo.replica_set import REPLICA_SET, await_primary
from recommender.exits import Exit
from tests.support.certificates import OPENSSL, Authority
from tests.support.mongo import ELECTION_S, make_mongod
from tests.support.processes import make_pair, running
from tests.support.shop import make_document


pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")

STOCK: Final = 12


class Tls(NamedTuple):
    """
    A database behind TLS.

    Attributes:
        port: Where.
        authority: Whose certificates it has, and trusts.
        client: A key and certificate that it accepts.
    """

    port: int
    authority: Authority
    client: Path

    def uri(self, **options: object) -> str:
        """
        Return the shop's address with options of the driver.
        """
        chosen = {"replicaSet": REPLICA_SET, **options}
        pairs = [f"{name}={quote(str(value), '')}" for name, value in chosen.items()]
        return f"mongodb://127.0.0.1:{self.port}/shop?{'&'.join(pairs)}"

    def trusted(self, **options: object) -> str:
        """
        Return the address as it should be.
        """
        return self.uri(
            tls="true",
            tlsCAFile=self.authority.certificate,
            tlsCertificateKeyFile=self.client,
            **options,
        )


@pytest.fixture(name="tls", scope="module")
def _tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority.make(folder, "authority")
    server, client = authority.issue("mongod"), authority.issue("listener")
    options = (
        "--tlsMode=requireTLS",
        f"--tlsCertificateKeyFile={server}",
        f"--tlsCAFile={authority.certificate}",
    )
    with make_mongod(folder / "db", is_alone=False, options=options) as mongod:
        tls = Tls(mongod.port, authority, client)
        host = f"127.0.0.1:{mongod.port}"
        config = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]}
        with MongoClient[dict[str, Any]](
            "127.0.0.1",
            mongod.port,
            directConnection=True,
            tls=True,
            tlsCAFile=str(authority.certificate),
            tlsCertificateKeyFile=str(client),
        ) as admin:
            admin.admin.command("replSetInitiate", config)
            await_primary(admin, timeout_s=ELECTION_S)
            admin["shop"]["products"].insert_many(map(make_document, range(STOCK)))
        yield tls


def test_tls_is_followed_and_verified(tls: Tls, tmp_path: Path) -> None:
    """
    With its authority and a certificate of our own in the address, the database is
    followed, and `verify` finds the model equal.
    """
    with running(tmp_path, tls.trusted()) as pair:
        assert pair.get("/v1/model").status == 200
        with MongoClient[dict[str, Any]](tls.trusted()) as seller:
            seller["shop"]["products"].insert_one(make_document(500))
        pair.assert_equal()
        assert not pair.listener.logs("listener.state", reason="unreachable")


def other_authority(tls: Tls, folder: Path) -> str:
    other = Authority.make(folder, "another")
    return tls.uri(
        tls="true", tlsCAFile=other.certificate, tlsCertificateKeyFile=tls.client
    )


def no_authority(tls: Tls, _folder: Path) -> str:
    return tls.uri(tls="true", tlsCertificateKeyFile=tls.client)


def no_certificate(tls: Tls, _folder: Path) -> str:
    return tls.uri(tls="true", tlsCAFile=tls.authority.certificate)


def no_tls(tls: Tls, _folder: Path) -> str:
    return tls.uri()


def stranger(tls: Tls, folder: Path) -> str:
    other = Authority.make(folder, "another")
    return tls.uri(
        tls="true",
        tlsCAFile=tls.authority.certificate,
        tlsCertificateKeyFile=other.issue("stranger"),
    )


@pytest.mark.parametrize(
    "to_address", [other_authority, no_authority, no_certificate, no_tls, stranger]
)
def test_tls_that_cannot_be_trusted_is_not_used(
    tls: Tls, tmp_path: Path, to_address: Any
) -> None:
    """
    A database that nobody vouches for is not read, whatever it says; one that does not
    take us is tried again, and the log says why.
    """
    folder = tmp_path / "keys"
    folder.mkdir()
    with make_pair(tmp_path / "data", to_address(tls, folder)) as pair:
        pair.listener.start()
        pair.listener.wait_for_log(
            "listener.state", state="retrying", reason="unreachable", timeout_s=60
        )
        assert not pair.listener.logs("model.published")
        assert pair.listener.stop() == Exit.OK


def test_tls_files_that_are_missing_are_said(tls: Tls, tmp_path: Path) -> None:
    """
    An authority's file that is not there is a wrong setting, and told as one.
    """
    address = tls.uri(tls="true", tlsCAFile=tmp_path / "absent.crt")
    with make_pair(tmp_path / "data", address) as pair:
        pair.listener.start()
        assert pair.listener.wait(60) == Exit.SETTINGS, pair.listener.text
        assert "MONGODB_URI" in pair.listener.text
        assert "Traceback" not in pair.listener.text
