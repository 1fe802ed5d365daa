import pytest

from recommender.store import Store, StoreReader


@pytest.fixture(name="store")
def _store(tmp_path):
    with Store.open(tmp_path / "model") as store:
        yield store


@pytest.fixture(name="reader")
def _reader(store, tmp_path):
    return StoreReader(tmp_path / "model")
