"""
Which products a visitor may see.
"""

import mongomock
import pytest

from bson import ObjectId

from listener.visibility import Visibility
from recommender.errors import SettingsFault
from recommender.settings import DEFAULT_VISIBLE_WHEN
from tests.support.documents import NOON


STATUSES = [
    "approved",
    "pending",
    "rejected",
    "Approved",
    "",
    None,
    5,
    ["approved"],
    {},
]


def is_visible(document, visible_when=DEFAULT_VISIBLE_WHEN):
    return Visibility(visible_when).matches(document)


def test_by_default_the_approved_and_those_without_status_are_visible():
    """
    Absent, null and approved are visible; all else is not.
    """
    visible = [status for status in STATUSES if is_visible({"status": status})]

    assert visible == ["approved", None, ["approved"]]
    assert is_visible({})


@pytest.mark.parametrize("status", STATUSES, ids=str)
def test_the_default_answers_as_find_does(status):
    """
    A product is visible exactly when the shop's own query would find it.
    """
    collection = mongomock.MongoClient().shop.products
    collection.insert_one({"status": status})
    found = collection.find_one({"status": {"$in": [None, "approved"]}})

    assert is_visible({"status": status}) == (found is not None)


@pytest.mark.parametrize(
    ("visible_when", "document"),
    [
        ('{"seller": {"$oid": "65a000000000000000000001"}}',
         {"seller": ObjectId("65a000000000000000000001")}),
        ('{"from": {"$lte": {"$date": "2024-01-05T12:00:00Z"}}}', {"from": NOON}),
        ('{"stock": {"$gt": {"$numberLong": "3"}}}', {"stock": 4}),
        ('{"name": {"$regularExpression": {"pattern": "^k", "options": "i"}}}',
         {"name": "Kettle"}),
        ('{"name": {"$regex": "^k", "$options": "i", "$ne": "kit"}}', {"name": "Kettle"}),
        ("{}", {}),
    ],
)  # fmt: skip
def test_queries_are_extended_json(visible_when, document):
    """
    Ids, dates, numbers and patterns are written as extended JSON has them.
    """
    assert is_visible(document, visible_when)


def test_a_pattern_keeps_its_other_conditions():
    """
    What stands beside `$regex` still counts.
    """
    query = '{"name": {"$regex": "^k", "$options": "i", "$ne": "Kit"}}'

    assert not is_visible({"name": "Kit"}, query)


@pytest.mark.parametrize(
    "visible_when",
    [
        "",
        "approved",
        "{'status': 'approved'}",
        '["approved"]',
        "5",
        '{"$where": "true"}',
        '{"status": {"$in": "approved"}}',
        '{"seller": {"$oid": "no"}}',
        '{"from": {"$date": "yesterday"}}',
        '{"price": {"$numberDecimal": "much"}}',
        '{"price": {"$numberLong": []}}',
        '{"name": {"$regex": "("}}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_a_wrong_query_is_a_fault_of_the_setting(visible_when):
    """
    The fault names the setting, its value, what is wrong and how to write it.
    """
    with pytest.raises(SettingsFault) as caught:
        Visibility(visible_when)

    [fault] = caught.value.faults
    assert fault.startswith(f"EVERSHELF_VISIBLE_WHEN={visible_when}: ")
    assert fault.endswith('write it like {"status": "approved"}')


def test_roots_are_the_fields_that_decide():
    """
    The fields to be read are those of the query.
    """
    assert Visibility(DEFAULT_VISIBLE_WHEN).roots == {"status"}
