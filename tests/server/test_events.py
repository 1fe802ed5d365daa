import asyncio
import contextlib
import json
import shutil

import pytest

from recommender.position import State
from server import events as event_streams
from tests.support.products import make_product
from tests.support.shops import Shop, make_kettles, until


PATIENCE_S = 60


class Stream:
    """
    What comes from `/v1/events`, event by event.
    """

    def __init__(self, answer):
        self.answer = answer
        self.comments = []

    async def block(self):
        """
        Return the fields of what comes next; None at the end.
        """
        fields = {}
        while line := await self.answer.content.readline():
            text = line.decode().rstrip("\n")
            if not text:
                return fields
            name, _, value = text.partition(":")
            fields[name] = value.strip()
        return None

    async def next(self, kind):
        """
        Return the next event of a kind, its id among its data.
        """
        async with asyncio.timeout(PATIENCE_S):
            while (fields := await self.block()) is not None:
                if fields.get("event") == kind:
                    return json.loads(fields["data"]) | {"id": fields.get("id")}
        raise AssertionError(kind)


@pytest.fixture(name="open_stream")
async def _open_stream():
    """
    Opens streams, and closes them in the end.
    """
    async with contextlib.AsyncExitStack() as stack:

        async def open_stream(client, last=None):
            headers = {} if last is None else {"Last-Event-ID": str(last)}
            answer = await client.get("/v1/events", headers=headers)
            stack.callback(answer.close)
            assert answer.status == 200
            return Stream(answer)

        yield open_stream


async def test_present_generation_comes_at_once(serve, shop, open_stream):
    """
    Who comes new learns where things stand, and how fresh they are.
    """
    assert shop.index.visible == 4
    stream = await open_stream(await serve())

    assert await stream.block() == {"retry": "2000"}
    event = await stream.next("generation")
    assert event.pop("id").startswith("1-")
    assert event == {
        "generation": 1,
        "as_of": "2023-11-14T22:13:20Z",
        "cluster_time": "1700000000:1",
        "visible": 4,
        "changed": [],
        "gone": [],
        "complete": True,
    }
    assert await stream.next("status") == {"stale": False, "reason": "", "id": None}
    headers = stream.answer.headers
    assert headers["Content-Type"].startswith("text/event-stream")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Evershelf-Generation"] == "1"
    assert headers["Server"] == "evershelf"
    assert headers["X-Request-ID"]


async def test_changes_are_told_and_hidden_ones_never(serve, shop, open_stream):
    """
    New, changed, shown, hidden and deleted products are named by the address that
    answers give them; what was hidden and stays so is not.
    """
    stream = await open_stream(await serve())
    await stream.next("generation")
    shop.put(
        make_product("new/1", "kettle"),
        make_product("k2", "green kettle"),
        make_product("k3", "red steel kettle pending, still", visible=False),
        make_product("secret", "kettle", visible=False),
        make_product("k4", "blue kettle", visible=False),
    )
    shop.remove("t1")
    shop.publish()

    first = await stream.next("generation")
    shop.put(make_product("k4", "blue kettle"))
    shop.remove("secret", "k3")
    shop.publish()
    second = await stream.next("generation")

    assert sorted(first["changed"]) == ["k2", "new/1"]
    assert sorted(first["gone"]) == ["k4", "t1"]
    assert (first["generation"], first["visible"]) == (2, 3)
    assert first["id"].startswith("2-")
    assert (second["changed"], second["gone"]) == (["k4"], [])


async def test_who_comes_back_gets_what_it_missed(serve, shop, open_stream):
    """
    From the id last seen on, everything is told, in order.
    """
    client = await serve()
    last = (await (await open_stream(client)).next("generation"))["id"]
    for number in (2, 3):
        shop.put(make_product(f"n{number}", "kettle"))
        shop.publish()
        await until(lambda n=number: client.live.served.snapshot.generation == n)

    stream = await open_stream(client, last=last)

    events = [await stream.next("generation") for _ in range(2)]
    assert [event["changed"] for event in events] == [["n2"], ["n3"]]


@pytest.mark.parametrize("last", ["0", "1", "7", "x", "-1", "9" * 30, "²"])
async def test_who_cannot_go_on_starts_anew(serve, shop, open_stream, last):
    """
    An id that is not known means that anything may have changed.
    """
    assert shop.index.visible == 4
    client = await serve()

    stream = await open_stream(client, last=last.encode().decode("latin-1"))

    event = await stream.next("reset")
    assert (event["generation"], event["complete"]) == (1, False)


async def test_store_made_anew_is_told(serve, shop, open_stream, tmp_path):
    """
    A generation with the same number and another content is another store's.
    """
    client = await serve()
    stream = await open_stream(client)
    await stream.next("generation")
    with contextlib.closing(Shop(tmp_path / "other")) as other:
        other.put(*make_kettles(), make_product("k9", "kettle"))
        other.publish()
    shutil.copytree(tmp_path / "other", shop.folder, dirs_exist_ok=True)
    (tmp_path / "other" / "current.json").replace(shop.folder / "current.json")

    event = await stream.next("reset")

    assert (event["generation"], event["visible"]) == (1, 5)


async def test_same_number_of_another_store_is_not_gone_on_from(
    serve, shop, open_stream, tmp_path
):
    """
    A page that comes back after the store was made anew is not told that it is up to
    date because the new one has come to the number that the page knows.
    """
    stream = await open_stream(await serve())
    last = (await stream.next("generation"))["id"]
    assert shop.index.visible == 4
    with contextlib.closing(Shop(tmp_path / "other")) as other:
        other.put(*make_kettles(), make_product("k9", "kettle"))
        other.publish()
        client = await serve(folder=tmp_path / "other")

        event = await (await open_stream(client, last=last)).next("reset")

    assert (event["generation"], event["visible"]) == (1, 5)


async def test_staleness_is_told_when_it_changes(serve, shop, open_stream):
    """
    A page can say that it may be out of date.
    """
    stream = await open_stream(await serve())
    assert (await stream.next("status"))["stale"] is False
    shop.say(state=State.RETRYING, reason="unreachable")
    broken = await stream.next("status")
    shop.say()
    mended = await stream.next("status")

    assert (broken["stale"], broken["reason"]) == (True, "unreachable")
    assert mended["stale"] is False


async def test_stream_before_the_first_model(serve, tmp_path, open_stream):
    """
    A page may come before the model; it is told as soon as there is one.
    """
    folder = tmp_path / "data" / "model"
    stream = await open_stream(await serve(folder=folder))

    assert (await stream.next("status"))["reason"] == "no_model"
    with contextlib.closing(Shop(folder)) as shop:
        shop.put(*make_kettles())
        shop.publish()
        event = await stream.next("generation")

    assert (event["generation"], event["changed"]) == (1, [])


async def test_silence_is_broken(serve, shop, open_stream, monkeypatch):
    """
    While nothing happens, a comment now and then keeps the connection.
    """
    assert shop.index.visible == 4
    monkeypatch.setattr(event_streams, "HEARTBEAT_S", 0.0)
    monkeypatch.setattr(event_streams, "LOOK_S", 0.01)
    stream = await open_stream(await serve())
    await stream.next("status")

    async with asyncio.timeout(PATIENCE_S):
        while await stream.block() != {"": "still here"}:
            pass


async def test_only_so_many_streams(serve, shop, open_stream, monkeypatch):
    """
    One more than are served is told to come back; when one has left there is room.
    """
    assert shop.index.visible == 4
    monkeypatch.setattr(event_streams, "MOST_STREAMS", 1)
    monkeypatch.setattr(event_streams, "HEARTBEAT_S", 0.0)
    monkeypatch.setattr(event_streams, "LOOK_S", 0.01)
    client = await serve()
    stream = await open_stream(client)
    await stream.next("generation")

    refused = await client.get("/v1/events")
    stream.answer.close()

    problem = await refused.json(content_type=None)
    assert (refused.status, problem["code"]) == (503, "too_many_streams")
    assert refused.headers["Retry-After"]
    async with asyncio.timeout(PATIENCE_S):
        while (answer := await client.get("/v1/events")).status != 200:  # noqa: ASYNC110 only it can tell
            await asyncio.sleep(0.01)
        answer.close()


async def test_who_does_not_read_is_hung_up_on(serve, shop, monkeypatch):
    """
    Neither the stream's place nor its connection is kept for who never reads.
    """
    assert shop.index.visible == 4
    monkeypatch.setattr(event_streams, "SEND_S", 0.2)
    monkeypatch.setattr(event_streams, "HEARTBEAT_S", 0.0)
    monkeypatch.setattr(event_streams, "LOOK_S", 0.001)
    monkeypatch.setattr(event_streams, "STILL_HERE", f": {'x' * 1_000_000}\n\n")
    client = await serve()
    _, writer = await asyncio.open_connection(client.host, client.port, limit=1)
    writer.write(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")

    await until(lambda: client.server.handler.connections)
    await until(lambda: not client.server.handler.connections)

    writer.close()


async def test_streams_end_with_the_server(serve, shop, open_stream):
    """
    A stop does not wait for those who listen.
    """
    assert shop.index.visible == 4
    client = await serve()
    stream = await open_stream(client)
    await stream.next("status")

    async with asyncio.timeout(PATIENCE_S):
        await client.app.shutdown()
        while await stream.block() is not None:
            pass


async def test_head_of_a_stream(serve, shop):
    """
    HEAD ends at once.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.head("/v1/events")

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")


async def test_parameters_of_a_stream(serve, shop):
    """
    What is not known is refused, before the stream begins.
    """
    assert shop.index.visible == 4
    client = await serve()

    assert (await client.get("/v1/events?since=1")).status == 400
