"""
Row 21: who may read, and who may not any more.
"""

from __future__ import annotations

import re

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from recommender.exits import Exit
from tests.support.matrix import Scene
from tests.support.processes import make_pair, running
from tests.support.secured import (
    FIND,
    LEAST,
    LIST,
    WATCH,
    Privilege,
    Secured,
    secured,
)
from tests.support.shop import make_document
from tests.support.stage import SETTINGS, STOCK, Stage, on_stage
from tests.support.waiting import wait_for


USER: Final = "listener"


@pytest.fixture(name="users", scope="module")
def _users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured(tmp_path_factory.mktemp("secured")) as users:
        users.admin["shop"]["products"].insert_many(map(make_document, range(STOCK)))
        yield users


@pytest.fixture(name="stage", scope="module")
def _stage(users: Secured, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    uri = users.add(USER)
    with running(tmp_path_factory.mktemp("data"), uri, SETTINGS) as pair:
        yield Stage(users.mongod, users.admin, pair)


@pytest.fixture(name="scene")
def _scene(stage: Stage) -> Iterator[Scene]:
    with on_stage(stage) as scene:
        yield scene


def assert_refused(data_dir: Path, uri: str, remedy: str) -> None:
    """
    Fail unless a listener ends at once, and says once what to do.
    """
    with make_pair(data_dir, uri) as pair:
        pair.listener.start()
        assert pair.listener.wait(60) == Exit.REFUSED, pair.listener.text
        (line,) = pair.listener.logs("listener.refused")
        assert remedy in line["remedy"]
        assert line["level"] == "error"
        assert "Traceback" not in pair.listener.text
        assert not re.search("secret(@|%40)all", pair.listener.text)


def test_row_21_wrong_password_at_the_start(users: Secured, tmp_path: Path) -> None:
    """
    A wrong password ends the listener with exit code 4, and what to look at.
    """
    assert_refused(tmp_path, users.uri(USER, "wrong"), "password")


@pytest.mark.parametrize(
    ("name", "privileges"),
    [
        ("none", []),
        ("no listCollections", [FIND, WATCH]),
        ("no changeStream", [FIND, LIST]),
        ("no find", [WATCH, LIST]),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_row_21_missing_privilege_at_the_start(
    users: Secured, tmp_path: Path, name: str, privileges: list[Privilege]
) -> None:
    """
    So does each privilege that is missing; the remedy names what to grant.
    """
    uri = users.add(name, privileges)
    assert_refused(tmp_path, uri, "`find` and `changeStream`")


def test_least_privilege_is_enough(scene: Scene) -> None:
    """
    `find` and `changeStream` on the collection and `listCollections` on its database
    are all that following and verifying need.
    """
    scene.collection.insert_one(make_document(800))
    scene.collection.delete_one({"_id": "tent-99"})
    scene.assert_recovered()


@pytest.mark.parametrize("left", [[], [LIST]], ids=["none", "list"])
def test_row_21_privilege_revoked_and_granted_again(
    users: Secured, scene: Scene, left: list[Privilege]
) -> None:
    """
    What is revoked while it is followed is tried again, slowly, and not taken for a
    lost position; the last good model serves meanwhile.
    """
    users.grant(USER, left)
    refused = scene.wait_for_log("listener.state", state="retrying", reason="refused")
    assert "`find` and `changeStream`" in refused["remedy"]
    wait_for(lambda: scene.visitor.look_again().reason == "refused")
    scene.collection.insert_one(make_document(810))
    users.grant(USER, LEAST)
    scene.assert_recovered()
    assert not scene.logs("position.lost")
    assert scene.states[-1] == ("following", "")


def test_row_21_user_dropped_and_made_again(users: Secured, scene: Scene) -> None:
    """
    When the user is gone it is the same, and when there is one of the same name again,
    the listener is that one without a restart.
    """
    users.remove(USER)
    scene.wait_for_log("listener.state", state="retrying", reason="refused")
    scene.collection.insert_one(make_document(811))
    users.add(USER)
    scene.assert_recovered()
    assert not scene.logs("position.lost")
