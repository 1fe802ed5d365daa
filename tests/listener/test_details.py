import pytest

from listener.details import read_details
from recommender.settings import ListenerSettings, load_settings


@pytest.fixture(name="settings")
def _settings():
    return load_settings(ListenerSettings, [])


def test_details(settings, mongo_uri, collection):
    """
    The settings that shape the model, none that is secret, and the oplog's reach.
    """
    collection.insert_one({"name": "kettle"})

    details = read_details(settings, mongo_uri)

    assert details["oplog_window_s"] >= 0
    assert details["settings"]["weights"]["name"] == 3
    assert "name_fields" in details["settings"]
    assert not {"admin_keys", "mongodb_uri"} & set(details["settings"])


def test_nobody_answers(settings):
    """
    Without the database the oplog's reach is not known.
    """
    uri = "mongodb://127.0.0.1:1/shop?serverSelectionTimeoutMS=100"

    details = read_details(settings, uri)

    assert details["oplog_window_s"] is None
    assert details["settings"]["sublinear"] is True
