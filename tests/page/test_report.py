"""
The report of `evaluate` in a real browser: it fetches nothing and obeys nobody.
"""

from __future__ import annotations

from playwright.sync_api import Browser

from listener.evaluate.catalogue import Catalogue
from listener.evaluate.evaluation import evaluate
from listener.evaluate.examples import choose_examples
from listener.evaluate.page import to_report
from listener.evaluate.result import Model, Result
from listener.evaluate.truth import Truth
from tests.support.clock import FakeClock
from tests.support.products import WEIGHTS, make_product


HOSTILE = (
    "lamp </style></title><img src='http://127.0.0.1:9/x' onerror='document.title=1'>"
    "<script>document.title=2</script>"
)


def test_hostile_names_do_nothing(browser: Browser, tmp_path):
    """
    Names that are markup are shown as they are; nothing but the file is asked for.
    """
    products = [
        make_product(id_, HOSTILE, category=[HOSTILE], brand=HOSTILE, price=1.0)
        for id_ in ("a", "b")
    ]
    shop = Catalogue.train(products, WEIGHTS)
    found = evaluate(shop, range(2), Truth.of([[0, 1]]), FakeClock())
    result = Result("a shop", (Model("ours", found),), 2)
    file = tmp_path / "report.html"
    file.write_bytes(to_report(result, choose_examples([shop])))
    asked: list[str] = []
    said: list[str] = []
    with browser.new_page() as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(file.as_uri())

        assert page.title() == "Evaluation of a shop"
        assert page.locator("h3 bdi").first.inner_text() == HOSTILE
        assert page.locator("svg").first.bounding_box() is not None
        assert page.locator("img, script").count() == 0
    assert asked == [file.as_uri()]
    assert said == []
