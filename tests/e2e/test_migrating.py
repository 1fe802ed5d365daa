"""
The three steps of docs/migrating.md, walked by a backend as shops have it.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pymongo.collection import Collection

from tests.support.processes import Answer, Pair, ask
from tests.support.shop import make_document
from tests.support.waiting import wait_for


Products = Collection[dict[str, Any]]


@contextmanager
def backend(products: Products, trained_at: str | None) -> Iterator[str]:
    """
    Yield the address of a backend that creates a product at each `POST /api/products/N`,
    then calls the recommender as today, if there is one, and says what it answered.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            number = int(self.path.rpartition("/")[2])
            products.insert_one(make_document(number))
            trained = train() if trained_at else None
            body = json.dumps({"trained": trained}).encode()
            self.send_response(HTTPStatus.CREATED)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    def train() -> Any:
        request = urllib.request.Request(
            f"{trained_at}/train", b"{}", {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return {"status": error.code}  # such a backend logs it and goes on

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def create(address: str, number: int) -> Answer:
    """
    Create a product as the shop's frontend does.
    """
    answer = ask(f"{address}/api/products/{number}", "POST", 90)
    assert answer.status == HTTPStatus.CREATED
    return answer


def test_three_steps(shop: Pair, collection: Products) -> None:
    """
    With the calls as they are the next answer has the write; a call that fails, as the
    listener is away, loses nothing; without the calls writes show all the same.
    """
    with backend(collection, f"http://127.0.0.1:{shop.port}") as address:
        trained = create(address, 300).json["trained"]
        assert trained["products_count"] == 59
        assert trained["message"] == "Model trained on 59 products."
        assert "kettle-300" in shop.similar("kettle-0")

        shop.listener.stop()
        failed = create(address, 306).json["trained"]
        assert failed == {"status": HTTPStatus.SERVICE_UNAVAILABLE}
        assert "kettle-300" in shop.similar("kettle-0")
        shop.listener.start()
        wait_for(lambda: shop.get("/").json["products_count"] == 60)

    with backend(collection, None) as address:
        assert create(address, 312).json == {"trained": None}
        wait_for(lambda: shop.get("/").json["products_count"] == 61)
    shop.assert_equal()


def test_the_page_shows_the_answer(shop: Pair) -> None:
    """
    `POST /train` answers with the keys that the classic callers read.
    """
    answer = shop.get("/train", method="POST").json
    assert answer == {
        "message": "Model trained on 58 products.",
        "products_count": 58,
    }
