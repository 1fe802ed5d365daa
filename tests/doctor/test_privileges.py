"""
What the doctor says to a user who may not do everything.
"""

from __future__ import annotations

import re

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from listener.doctor.finding import Finding, Verdict
from listener.doctor.role import to_role
from tests.support.examined import examine, not_checked, verdicts
from tests.support.secured import (
    FIND,
    LIST,
    PASSWORD,
    WATCH,
    Privilege,
    Secured,
    secured,
)
from tests.support.shop import make_document


@pytest.fixture(name="shop", scope="module")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured(tmp_path_factory.mktemp("secured")) as shop:
        shop.admin["shop"]["products"].insert_many(
            [make_document(number) for number in range(20)]
        )
        yield shop


def allow(shop: Secured, role: dict[str, Any]) -> None:
    """
    Make a role as told, or that of the same name again.
    """
    if shop.admin.admin.command("rolesInfo", role["role"])["roles"]:
        shop.admin.admin.command("dropRole", role["role"])
    rest = {name: value for name, value in role.items() if name != "role"}
    shop.admin.admin.command("createRole", role["role"], **rest)


def printed(finding: Finding, command: str) -> list[Any]:
    """
    Return the arguments of a command that the remedy tells to type.
    """
    found = re.search(rf"\.{command}\((.*)\)$", finding.remedy, re.MULTILINE)
    assert found, finding.remedy
    arguments: list[Any] = orjson.loads(f"[{found[1]}]")
    return arguments


def test_least_privilege_is_enough(shop: Secured, tmp_path: Path) -> None:
    """
    With the three privileges nothing fails; only the oplog cannot be looked at, and
    the hint says what to allow, which then makes it seen.
    """
    admin = shop.admin.admin
    allow(shop, to_role("shop", "products"))
    uri = shop.create_user("least", ["evershelf"])
    findings = examine(uri, tmp_path)

    assert findings["address"].found.count("answers to least") == 1
    expected = dict.fromkeys(findings, Verdict.OK) | {"oplog": Verdict.UNKNOWN}
    assert verdicts(findings) == expected
    name, privileges = printed(findings["oplog"], "grantPrivilegesToRole")
    admin.command("grantPrivilegesToRole", name, privileges=privileges)
    assert examine(uri, tmp_path)["oplog"].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("missing", "privileges"),
    [
        ("find", [WATCH, LIST]),
        ("changeStream", [FIND, LIST]),
        ("listCollections", [FIND, WATCH]),
    ],
    ids=["find", "changeStream", "listCollections"],
)
def test_missing_privilege(
    shop: Secured, tmp_path: Path, missing: str, privileges: list[Privilege]
) -> None:
    """
    What is missing fails by name, and what is told to type mends it, for this user.
    """
    uri = shop.add(f"without-{missing}", privileges)
    findings = examine(uri, tmp_path)

    assert findings["privileges"].verdict is Verdict.FAIL
    assert findings["privileges"].found == f"`{missing}` missing"
    assert not_checked(findings) >= {"collection", "stream", "fields", "oplog"}
    assert findings["disk"].verdict is Verdict.OK

    (role,) = printed(findings["privileges"], "createRole")
    user, granted = printed(findings["privileges"], "grantRolesToUser")
    assert user == f"without-{missing}"
    allow(shop, role)
    shop.admin.admin.command("grantRolesToUser", user, roles=granted)
    assert examine(uri, tmp_path)["privileges"].verdict is Verdict.OK


def test_what_products_refer_to_is_asked_for_as_well(
    shop: Secured, tmp_path: Path
) -> None:
    """
    A user who may not read or follow the collection that has the names is told so by
    its name, and the role that is printed mends it; then its names are found.
    """
    products = shop.admin["shop"]["products"]
    products.update_many({}, {"$set": {"category": 7}})
    shop.admin["shop"]["kinds"].insert_one({"_id": 7, "title": "Kettles"})
    named = {"category_collection": "kinds", "category_name": "title"}
    uri = shop.add("referring", [FIND, WATCH, LIST])
    finding = examine(uri, tmp_path, **named)["privileges"]

    assert finding.verdict is Verdict.FAIL
    assert finding.found == "`find` on kinds missing"
    (role,) = printed(finding, "createRole")
    allow(shop, role)
    _, granted = printed(finding, "grantRolesToUser")
    shop.admin.admin.command("grantRolesToUser", "referring", roles=granted)
    findings = examine(uri, tmp_path, **named)
    assert findings["privileges"].found.endswith("and on kinds, `listCollections`")
    assert findings["stream"].verdict is Verdict.OK
    assert "category 100%" in findings["fields"].found


def test_nobody(shop: Secured, tmp_path: Path) -> None:
    """
    An address without a user is told how to make one.
    """
    finding = examine(shop.uri(), tmp_path)["privileges"]

    assert finding.verdict is Verdict.FAIL
    (role,) = printed(finding, "createRole")
    assert role == to_role("shop", "products")
    assert "createUser" in finding.remedy
    assert "MONGODB_URI" in finding.remedy


def test_wrong_password_is_not_shown(shop: Secured, tmp_path: Path) -> None:
    """
    A wrong password is said to be wrong, and is not shown; nothing else of the
    database is looked at.
    """
    uri = shop.uri("least").replace("secret", "mistake")
    findings = examine(uri, tmp_path)

    assert findings["address"].verdict is Verdict.FAIL
    assert "check user, password and authSource" in findings["address"].remedy
    assert "mistake" not in str(findings)
    assert PASSWORD not in str(findings)
    assert not_checked(findings) == {
        "version", "replica set", "privileges", "collection", "stream", "position",
        "clock", "schema", "fields", "visible", "oplog",
    }  # fmt: skip
    assert findings["listener"].verdict is Verdict.OK
