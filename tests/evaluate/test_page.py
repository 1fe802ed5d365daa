"""
The report: well-formed, sufficient to itself, and safe whatever products are called.
"""

from __future__ import annotations

import re

from html.parser import HTMLParser
from typing import Final

import pytest

from listener.evaluate.asking import LIMIT
from listener.evaluate.catalogue import Catalogue
from listener.evaluate.evaluation import ABOUT, evaluate
from listener.evaluate.examples import COUNT, choose_examples
from listener.evaluate.markup import element, to_page
from listener.evaluate.page import POLICY, to_report
from listener.evaluate.result import Model, Result
from listener.evaluate.truth import Truth
from recommender.weights import Weights
from tests.support.clock import FakeClock
from tests.support.products import WEIGHTS, make_catalogue, make_product


VOID: Final = {"meta", "br", "img"}
HOSTILE: Final = (
    '"><script>alert(1)</script>',
    "</style></title><img src=x onerror=alert(1)>",
    "' onload='alert(1)",
    "]]>&lt;b&gt;&amp;<!--",
    "nul \x00 bell \x07 half \ud800 turned \u202e",
)


class Reader(HTMLParser):
    """
    Reads a page strictly: every element is closed, in order.
    """

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.feed(page.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def make_report(*catalogues: Catalogue, truth: Truth | None = None) -> bytes:
    """
    Return the report of models of one catalogue.
    """
    truth = truth or Truth.of([])
    models = [
        Model(
            f"model {place}",
            evaluate(catalogue, range(len(catalogue)), truth, FakeClock()),
        )
        for place, catalogue in enumerate(catalogues)
    ]
    result = Result("a shop", tuple(models), len(truth.asked))
    return to_report(result, choose_examples(catalogues))


@pytest.fixture(name="pair", scope="module")
def _pair():
    products = make_catalogue(60)
    other = Weights({"name": 1.0, "description": 3.0})
    return Catalogue.train(products, WEIGHTS), Catalogue.train(products, other)


def test_well_formed_with_all_in_it(pair):
    """
    Every measure has a row, every example its ten neighbours with reasons, for each
    model, and plots are drawn.
    """
    page = Reader(make_report(*pair, truth=Truth.of([range(9), range(9, 20)])))
    text = "".join(page.texts)

    assert all(about.title in text for about in ABOUT.values())
    assert page.tags.count("svg") == 6
    assert page.tags.count("section") == COUNT
    found = [neighbours for e in choose_examples(pair) for neighbours in e.lists]
    assert page.tags.count("li") == sum(map(len, found)) > COUNT * LIMIT
    assert all(n.reason in text for neighbours in found for n in neighbours)


def test_nothing_comes_from_elsewhere(pair):
    """
    No address, no script, and a policy that forbids both.
    """
    raw = make_report(*pair)
    page = Reader(raw)

    assert b"://" not in raw
    assert b"url(" not in raw
    assert not {"script", "link", "a", "iframe", "object"} & set(page.tags)
    assert ("meta", "content", POLICY) in page.attributes
    assert "default-src 'none'" in POLICY


def test_pictures_that_lie_elsewhere_are_left_out():
    """
    Only a picture that is in the data is shown.
    """
    here = "data:image/svg+xml,%3Csvg/%3E"
    shop = Catalogue.train(
        [
            make_product("a", "lamp", display={"name": "lamp", "image": here}),
            make_product(
                "b", "lamp", display={"name": "b", "image": "https://shop.example/b"}
            ),
            make_product("c", "lamp", display={"name": "c", "image": ["odd"]}),
        ],
        WEIGHTS,
    )

    page = Reader(make_report(shop))

    sources = [value for _, name, value in page.attributes if name == "src"]
    assert set(sources) == {here}


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_text(name):
    """
    Whatever a product, a category or a brand is called, it is shown, not obeyed.
    """
    word = "lamp"
    shown = {"name": f"{word} {name}".replace("\ud800", "")}
    products = [
        make_product(id_, f"{word} {name}", category=[name], brand=name, display=shown)
        for id_ in ("a", "b")
    ]
    plain = [make_product(id_, word, category=["x"], brand="x") for id_ in ("a", "b")]

    page = Reader(make_report(Catalogue.train(products, WEIGHTS)))

    ordinary = Reader(make_report(Catalogue.train(plain, WEIGHTS)))
    assert page.tags == ordinary.tags
    assert [a[:2] for a in page.attributes] == [a[:2] for a in ordinary.attributes]
    cleaned = re.sub("[\x00\x07\ud800]", "\ufffd", name)
    assert sum(cleaned in text for text in page.texts) > 2


def test_without_neighbours():
    """
    A product like no other has an example that says so.
    """
    shop = Catalogue.train([make_product("a", "lamp")], WEIGHTS)
    assert "Nothing." in Reader(make_report(shop)).texts


def test_elements():
    """
    Text, children and attributes are where they were put, escaped.
    """
    made = element("p", "a<", element("br"), "b", "c", class_='x"y', font_size=2)
    assert to_page(made).decode() == (
        '<!doctype html>\n<p class="x&quot;y" font-size="2">a&lt;<br>bc</p>'
    )
