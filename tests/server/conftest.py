import contextlib

import pytest

from aiohttp.test_utils import TestClient, TestServer

from server.access import Keys
from server.app import House, make_app
from server.draining import Draining
from server.gate import Gate
from tests.support.ports import free_port
from tests.support.shops import make_kettles, make_live, make_shop


@pytest.fixture(name="shop")
def _shop(tmp_path):
    """
    A shop with kettles, published.
    """
    shop = make_shop(tmp_path / "data" / "model", make_kettles())
    with contextlib.closing(shop):
        yield shop


@pytest.fixture(name="serve")
async def _serve(tmp_path):
    """
    Starts a server on the shop's store; returns a client of it.
    """
    async with contextlib.AsyncExitStack() as stack:

        async def serve(
            keys=(),
            control_port=None,
            folder=None,
            house=None,
            draining=None,
            desk_port=0,
            orders=None,
            **gate,
        ):
            live = make_live(folder or tmp_path / "data" / "model")
            following = None
            if orders:
                following = make_live(orders)
                await stack.enter_async_context(following.following())
            app = make_app(
                live,
                house or House(Gate(admin_keys=Keys.of(keys), **gate)),
                control_port=control_port or free_port(),
                draining=draining or Draining(),
                desk_port=desk_port,
                orders=following,
            )
            await stack.enter_async_context(live.following())
            client = await stack.enter_async_context(TestClient(TestServer(app)))
            client.live = live
            return client

        yield serve
