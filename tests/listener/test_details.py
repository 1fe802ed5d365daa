import pytest

from listener.details import read_details
from listener.doctor.database import Oplog
from listener.status import Status
from recommender.settings import ListenerSettings, load_settings


@pytest.fixture(name="settings")
def _settings():
    return load_settings(ListenerSettings, [])


@pytest.fixture(name="status")
def _status(clock):
    return Status(clock.clock)


def test_details(settings, status):
    """
    The settings that shape the model, none that is secret, and the oplog's reach.
    """
    status.oplog = Oplog(1_000, 4_600, is_whole=False)

    details = read_details(settings, status)

    assert details["oplog_window_s"] == 3_600
    assert details["settings"]["weights"]["name"] == 3
    assert "name_fields" in details["settings"]
    assert not {"admin_keys", "mongodb_uri"} & set(details["settings"])


def test_oplog_is_not_known(settings, status):
    """
    Where the oplog may not be read, or nobody answers, its reach is null.
    """
    details = read_details(settings, status)

    assert details["oplog_window_s"] is None
    assert details["settings"]["sublinear"] is True
