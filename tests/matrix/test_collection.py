"""
The collection ends, or becomes another.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.matrix import Products, Scene
from tests.support.shop import make_document
from tests.support.stage import STOCK, Stage


def drop(collection: Products) -> None:
    collection.drop()


def rename_away(collection: Products) -> None:
    collection.rename("archive", dropTarget=True)


def drop_database(collection: Products) -> None:
    collection.database.client.drop_database(collection.database.name)


def put_out(collection: Products) -> None:
    staging = make_staging(collection)
    staging.aggregate([{"$out": collection.name}])


def rename_over(collection: Products) -> None:
    make_staging(collection).rename(collection.name, dropTarget=True)


def make_staging(collection: Products) -> Products:
    """
    Return another collection, with nine of ten of the products, of which each has
    another price, and some new ones.
    """
    staging = collection.database["staging"]
    staging.drop()
    kept = [make_document(i, price=1.5) for i in range(STOCK - 12)]
    new = [make_document(i) for i in range(700, 706)]
    staging.insert_many([*kept, *new])
    return staging


@pytest.mark.parametrize("harm", [drop, rename_away, drop_database])
def test_row_07_collection_is_gone(
    scene: Scene, harm: Callable[[Products], None]
) -> None:
    """
    A collection that was dropped or renamed away is obeyed, after the grace time of the
    shrink guard: until then the last good model serves. One that comes later is
    followed.
    """
    harm(scene.collection)
    held = scene.wait_for_log("listener.state", reason="held_by_shrink_guard")
    assert (held["visible"], held["before"]) == (0, STOCK)
    assert held["level"] == "warning"
    obeyed = scene.wait_for_log("model.published", cause="rebuild")
    assert obeyed["products"] == 0
    scene.assert_recovered(gone_from=obeyed["generation"])
    assert len(scene.logs("position.lost")) == 1

    scene.collection.insert_many(map(make_document, range(STOCK)))
    scene.assert_recovered(gone_from=obeyed["generation"])
    assert scene.visitor.look_again().is_answered


def test_row_07_made_again_is_known_after_a_restart(stage: Stage, scene: Scene) -> None:
    """
    A collection that came into being under the listener's eyes is the one that it
    followed: a restart does not take it for another, and reads nothing anew.
    """
    scene.collection.drop()
    obeyed = scene.wait_for_log("model.published", cause="rebuild", products=0)
    scene.collection.insert_many(map(make_document, range(STOCK)))
    scene.wait_for_log("model.published", products=STOCK)
    stage.wait_durable()
    stage.pair.listener.kill()
    stage.pair.listener.start()
    scene.wait_for_log("listener.state", state="catching_up")
    scene.assert_recovered(gone_from=obeyed["generation"])
    assert len(scene.logs("position.lost")) == 1
    assert len(scene.logs("scan.started")) == 1


def test_row_07_dropped_and_made_again_while_down(stage: Stage, scene: Scene) -> None:
    """
    A collection of the same name that was made anew while the listener was down is
    another one: the model is rebuilt.
    """
    stage.pair.listener.stop()
    scene.collection.drop()
    scene.collection.insert_many(make_document(i, price=2.5) for i in range(STOCK - 5))
    stage.pair.listener.start()
    scene.wait_for_log("position.lost", reason="collection_replaced")
    scene.assert_recovered()
    assert len(scene.logs("position.lost")) == 1


@pytest.mark.parametrize("swap", [put_out, rename_over])
def test_row_08_catalogue_swapped(
    scene: Scene, swap: Callable[[Products], None]
) -> None:
    """
    `$out` and a rename over the collection replace it without a word about any of its
    documents: the model is rebuilt from the new one, and then follows that.
    """
    swap(scene.collection)
    scene.wait_for_log("position.lost", reason="collection_renamed")
    scene.assert_recovered()
    assert scene.states == [("rebuilding", "collection_renamed"), ("following", "")]

    scene.collection.delete_one({"_id": "kettle-700"})
    scene.assert_recovered()


def test_row_09_drop_does_not_wipe_the_products(scene: Scene) -> None:
    """
    While a backup is restored, drop first, visitors have the last good model, stale
    and with its reason; no answer is without products, not even for a moment.
    """
    documents = list(scene.collection.find())
    scene.collection.drop()
    scene.wait_for_log("listener.state", reason="held_by_shrink_guard")
    scene.visitor.look_again()
    scene.collection.insert_many(documents)
    scene.assert_recovered()
    assert "held_by_shrink_guard" in scene.visitor.reasons
    published = scene.logs("model.published", cause="rebuild")
    assert [line["visible"] for line in published] == [STOCK]
