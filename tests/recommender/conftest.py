import logging

import numpy as np
import pytest
import structlog

from recommender.store import Store, StoreReader


@pytest.fixture(name="draw", params=range(5))
def _draw(request):
    return np.random.default_rng(request.param)


@pytest.fixture(name="store")
def _store(tmp_path):
    with Store.open(tmp_path / "model") as store:
        yield store


@pytest.fixture(name="reader")
def _reader(store, tmp_path):
    return StoreReader(tmp_path / "model")


@pytest.fixture(autouse=True)
def _restore_logs():
    """
    Leave no setting of the logs behind.
    """
    handlers = list(logging.getLogger().handlers)
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers = handlers
