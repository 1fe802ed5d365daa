"""
What the doctor says of the documents.
"""

from __future__ import annotations

from typing import Any

from listener.doctor.coverage import look_at_fields, look_at_visible
from listener.doctor.estimate import rebuild_s
from listener.doctor.finding import Verdict
from recommender.settings import ListenerSettings
from tests.support.clock import FakeClock
from tests.support.shop import make_document


def make_settings(**changes: Any) -> ListenerSettings:
    """
    Return the settings of a usual shop.
    """
    return ListenerSettings(**changes)


def test_usual_documents() -> None:
    """
    Shares of all fields are said, and which are never there.
    """
    documents = [make_document(number) for number in range(10)]
    documents[0].pop("price")
    finding = look_at_fields(documents, make_settings())

    assert finding.verdict is Verdict.OK
    assert "of 10 sampled documents" in finding.found
    assert "name 100%" in finding.found
    assert "price 90%" in finding.found
    assert "never tags, attributes, brand" in finding.found


def test_near_names() -> None:
    """
    For a field that is never there, names that are like it and hold what it takes are
    offered, also within subdocuments; those that hold something else are not.
    """
    documents = [
        {
            "_id": number,
            "name": "kettle",
            "priceEUR": 5.0,
            "details": {"Brand": "Acme"},
            "prices": {"usd": 7},
            "tagsAt": None,
        }
        for number in range(5)
    ]
    finding = look_at_fields(documents, make_settings())

    assert finding.verdict is Verdict.WARN
    lines = finding.remedy.splitlines()
    assert "nothing is found for price: EVERSHELF_PRICE_FIELDS=priceEUR?" in lines
    assert "nothing is found for brand: EVERSHELF_BRAND_FIELDS=details.Brand?" in lines
    assert "tagsAt" not in finding.remedy
    mended = make_settings(price_fields=("priceEUR",), brand_fields=("details.Brand",))
    assert look_at_fields(documents, mended).verdict is Verdict.OK


def test_unusable_values() -> None:
    """
    Values that cannot be used are a warning with their number and the setting.
    """
    documents = [make_document(number, price="ask us") for number in range(5)]
    finding = look_at_fields(documents, make_settings())

    assert finding.verdict is Verdict.WARN
    assert "5 documents have an unusable price" in finding.remedy
    assert "EVERSHELF_PRICE_FIELDS" in finding.remedy


def test_no_names() -> None:
    """
    Products without a name fail, with the name that could be meant.
    """
    documents = [{"_id": 1, "productName": "kettle", "category": "kitchen"}]
    finding = look_at_fields(documents, make_settings())

    assert finding.verdict is Verdict.FAIL
    assert "no product has a name" in finding.found
    assert "EVERSHELF_NAME_FIELDS=productName" in finding.remedy


def test_nothing_to_compare() -> None:
    """
    Documents of which nothing makes products alike fail, and are told what to set.
    """
    finding = look_at_fields([{"_id": 1, "price": 5, "x": "y"}], make_settings())

    assert finding.verdict is Verdict.FAIL
    assert "nothing to compare products by" in finding.found
    assert "EVERSHELF_NAME_FIELDS" in finding.remedy


def test_no_documents() -> None:
    """
    Without documents there is a warning, and no division by nothing.
    """
    assert look_at_fields([], make_settings()).verdict is Verdict.WARN
    assert look_at_visible([], make_settings()).verdict is Verdict.OK
    clock = FakeClock().clock
    assert rebuild_s([], 0.0, 0, make_settings(), clock) == 0.0


def test_visible() -> None:
    """
    How many are visible is said; a warning when none is.
    """
    documents = [make_document(0), make_document(1, status="pending")]
    some = look_at_visible(documents, make_settings())
    none = look_at_visible(documents, make_settings(visible_when='{"status": "sold"}'))

    assert some.verdict is Verdict.OK
    assert "1 of 2" in some.found
    assert none.verdict is Verdict.WARN
    assert "EVERSHELF_VISIBLE_WHEN" in none.remedy


def test_estimate() -> None:
    """
    A rebuild takes as much longer as there are more documents than in the sample.
    """
    documents = [make_document(number) for number in range(10)]
    clock = FakeClock().clock
    assert rebuild_s(documents, 0.5, 1_000, make_settings(), clock) == 50.0
    assert rebuild_s(documents, 0.5, 5, make_settings(), clock) == 0.5
