"""
Documents that cannot be used in full, from the database to the log.
"""

import pytest

from listener.assembly import make_daemon, to_workshop
from listener.complaints import MINUTE_S, MOST_LINES, Complaints
from listener.opening import open_source
from listener.signals import Round, Stop
from recommender.position import State
from tests.support.documents import make_settings
from tests.support.listener import events
from tests.support.waiting import wait_for


@pytest.fixture(name="follow")
def _follow(collection, mongo_uri, store, tmp_path, clock):
    """
    A function that lets a daemon turn until its condition holds.
    """
    settings = make_settings(
        data_dir=tmp_path, database=collection.database.name, max_staleness_s=0.01
    )
    complaints = Complaints(clock.monotonic)
    with open_source(settings, mongo_uri, complaints) as source:
        workshop = to_workshop(settings, mongo_uri, complaints)
        daemon, status, _ = make_daemon(
            settings, source, workshop, complaints, store, Round(Stop())
        )

        def until(is_so):
            def ask():
                daemon.turn()
                return status.state is State.FOLLOWING and is_so(status)

            wait_for(ask, what="the condition")

        try:
            yield until
        finally:
            daemon.close()


def lines(logs):
    return events(logs, "product.incomplete", "product.incomplete_summary")


def test_an_incomplete_product_is_said_and_its_deletion_remembered(
    collection, follow, logs
):
    """
    A bad price is said when the product is read, not again when it is written anew,
    and again when it returns after its deletion.
    """
    bad = {"_id": "kettle", "name": "Kettle", "price": "on request"}
    collection.insert_one(bad)
    follow(lambda status: status.served.products == 1)
    collection.update_one({"_id": "kettle"}, {"$set": {"name": "Lamp"}})
    collection.insert_one({"_id": "b"})
    follow(lambda status: status.served.products == 2)

    assert len(lines(logs)) == 1

    collection.delete_one({"_id": "kettle"})
    follow(lambda status: status.served.products == 1)
    collection.insert_one(bad)
    follow(lambda status: status.served.products == 2)

    assert [line["product_id"] for line in lines(logs)] == ["kettle", "kettle"]
    assert lines(logs)[0]["problems"] == ["price: not a number: string"]


def test_a_bad_import_is_summed_up_though_nothing_follows(
    collection, follow, logs, clock
):
    """
    When the minute is over the rest is counted, without another write; no product is
    left out of the model.
    """
    collection.insert_many([{"price": -1} for _ in range(100)])
    follow(lambda status: status.served.products == 100)

    assert len(lines(logs)) == MOST_LINES

    clock.advance(MINUTE_S)
    follow(lambda _status: len(lines(logs)) > MOST_LINES)

    assert lines(logs)[-1]["count"] == 100 - MOST_LINES
