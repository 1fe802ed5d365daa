"""
The report: one HTML page that needs nothing else.
"""

from __future__ import annotations

import math

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from listener.evaluate.asking import LIMIT
from listener.evaluate.evaluation import ABOUT
from listener.evaluate.examples import Example, Neighbour, Shown
from listener.evaluate.markup import element, to_page
from listener.evaluate.plots import curves, histograms
from listener.evaluate.popularity import lorenz
from listener.evaluate.result import Result
from listener.evaluate.table import to_cells


# Whatever a product is called: nothing is run, and nothing is fetched.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem;
  padding: 0 1rem; color: #1d2430; background: #fff }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #dde1e7; text-align: right }
th:first-child, td:first-child { text-align: left }
small, figcaption { color: #5a6472 }
.plots { display: flex; flex-wrap: wrap; gap: 1rem } figure { margin: 0; max-width: 360px }
svg text { font-size: 11px; fill: #5a6472 } polyline { fill: none; stroke-width: 2 }
.axis { stroke: #9aa3b0; stroke-width: 1 } .guide { stroke: #ccd2da; stroke-dasharray: 4 }
.first { stroke: #0b6bcb } .second { stroke: #c2410c; stroke-dasharray: 6 3 }
.first-name { color: #0b6bcb } .second-name { color: #c2410c }
section.example { border-top: 2px solid #dde1e7; margin-top: 1.5rem; padding-top: .5rem;
  break-inside: avoid }
.lists { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: 2rem }
li { margin: .4rem 0 } .score { font-variant-numeric: tabular-nums }
img { width: 3rem; height: 3rem; object-fit: contain; vertical-align: middle }
"""
NAMES: Final = ("first-name", "second-name")
FARTHEST: Final = 4.0  # factor between prices, of the plot


def to_report(result: Result, examples: Sequence[Example]) -> bytes:
    """
    Return the page, UTF-8.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width"),
        element("title", f"Evaluation of {result.source}"),
        element("style", STYLE),
    )
    body = element(
        "body",
        element("h1", "Evaluation of ", element("bdi", result.source)),
        *_about(result),
        element("h2", "Measures"),
        _measures(result),
        element("h2", "Plots"),
        element("div", *_plots(result), class_="plots"),
        element("h2", "Examples"),
        element("p", "Chosen by chance. Would you want to see these?"),
        *(_example(result, example) for example in examples),
    )
    return to_page(element("html", head, body, lang="en"))


def _about(result: Result) -> Iterator[Element]:
    for model, class_ in zip(result.models, NAMES, strict=False):
        evaluation = model.evaluation
        yield element(
            "p",
            element("bdi", model.name, class_=class_),
            f": {evaluation.catalogue.snapshot.products:,} products, "
            f"{len(evaluation.catalogue):,} visible, {len(evaluation.answers):,} asked "
            f"for {LIMIT} recommendations each.",
        )
    if result.judged:
        yield element("p", f"The truth is known of {result.judged:,} products.")


def _measures(result: Result) -> Element:
    headings = ["measure"]
    for model in result.models:
        headings += [model.name, "95 %"]
    if len(result.models) > 1:
        headings += ["difference", "95 %", "p"]
    rows = [
        element(
            "tr",
            element(
                "td", line.about.title, element("br"), element("small", line.about.says)
            ),
            *(element("td", cell) for cell in to_cells(line)),
        )
        for line in result.lines()
    ]
    heading = element("tr", *(element("th", element("bdi", text)) for text in headings))
    return element("table", element("thead", heading), element("tbody", *rows))


def _plots(result: Result) -> Iterator[Element]:
    evaluations = [model.evaluation for model in result.models]

    yield _figure(
        "What share of all recommendations the less recommended products have; the "
        "diagonal would be all alike.",
        curves(
            "popularity",
            [lorenz(one.counts) for one in evaluations],
            "share of the products",
            "share of recommendations",
        ),
    )
    for title, rank in (("first", 0), (f"{LIMIT}th", LIMIT - 1)):
        scores = [one.answers.scores[:, rank] for one in evaluations]
        yield _figure(
            f"The scores of the {title} recommendations.",
            histograms(f"scores, {title}", scores, (0.0, 1.0), "score"),
        )
    for key, says, span in (
        ("category_agreement", "Share of a list in the same category.", (0.0, 1.0)),
        ("diversity", "Diversity of the lists.", (0.0, 1.0)),
        ("price_distance", "Factor between prices.", (1.0, FARTHEST)),
    ):
        figures = [one.figures[key] for one in evaluations]
        if not all(math.isnan(figure.value) for figure in figures):
            values = [figure.values for figure in figures]
            yield _figure(says, histograms(says, values, span, ABOUT[key].title))


def _figure(caption: str, plot: Element) -> Element:
    return element("figure", plot, element("figcaption", caption))


def _example(result: Result, example: Example) -> Element:
    lists = [
        element(
            "div",
            element("bdi", model.name, class_=class_),
            element("ol", *(_neighbour(neighbour) for neighbour in neighbours))
            if neighbours
            else element("p", "Nothing."),
        )
        for model, class_, neighbours in zip(
            result.models, NAMES, example.lists, strict=False
        )
    ]
    return element(
        "section",
        element("h3", *_product(example.product)),
        element("div", *lists, class_="lists"),
        class_="example",
    )


def _neighbour(neighbour: Neighbour) -> Element:
    return element(
        "li",
        *_product(neighbour.product),
        element("br"),
        element("small", f"{neighbour.score:.3f}", class_="score"),
        " ",
        element("small", element("bdi", neighbour.reason)),
    )


def _product(product: Shown) -> Iterator[Element | str]:
    if product.picture:
        yield element("img", src=product.picture, alt="")
        yield " "
    yield element("bdi", product.name)
    price = "" if math.isnan(product.price) else f"{product.price:,.2f}"
    facts = [fact for fact in (product.category, product.brand, price) if fact]
    if facts:
        yield " "
        yield element("small", element("bdi", " · ".join(facts)))
