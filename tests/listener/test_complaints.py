"""
What could not be used of a product is said once, and never as a flood.
"""

import threading

import pytest

from listener.complaints import (
    LONGEST_ID,
    MINUTE_S,
    MOST_KINDS,
    MOST_LINES,
    MOST_REMEMBERED,
    Complaints,
)
from listener.fields import Problem
from listener.keys import to_key
from tests.support.documents import OBJECT_ID


PRICE = Problem("price", "negative")
BRAND = Problem("brand", "reference")
KETTLE = to_key("kettle")


@pytest.fixture(name="complaints")
def _complaints(clock):
    return Complaints(clock.monotonic)


def note_many(complaints, count, start=0, problems=(PRICE,)):
    for number in range(start, start + count):
        complaints.note(to_key(number), problems)


def summaries(logs):
    return [line for line in logs if line["event"] == "product.incomplete_summary"]


def test_a_product_is_named_with_its_problems(complaints, logs):
    """
    The line has the id as a URL would have it, and each problem.
    """
    complaints.note(to_key(OBJECT_ID), (PRICE, BRAND))

    assert logs == [
        {
            "event": "product.incomplete",
            "log_level": "warning",
            "product_id": str(OBJECT_ID),
            "problems": ["price: negative", "brand: reference"],
        }
    ]
    assert complaints.total == 1


def test_it_is_said_once(complaints, logs, clock):
    """
    The same problems of the same product are not said again, whenever they return.
    """
    complaints.note(KETTLE, (PRICE,))
    clock.advance(10 * MINUTE_S)
    complaints.note(KETTLE, (PRICE,))

    assert len(logs) == 1


def test_other_problems_are_said(complaints, logs):
    """
    When the problems of a product change, they are said.
    """
    for problems in ((PRICE,), (PRICE, BRAND), (BRAND,)):
        complaints.note(KETTLE, problems)

    assert [len(line["problems"]) for line in logs] == [1, 2, 1]


@pytest.mark.parametrize("gone", ["mended", "deleted"])
def test_what_was_mended_or_deleted_is_forgotten(complaints, logs, gone):
    """
    Problems that come back after they were gone are said anew; their going is not.
    """
    complaints.note(KETTLE, (PRICE,))
    if gone == "mended":
        complaints.note(KETTLE, ())
    else:
        complaints.forget(KETTLE)
    complaints.note(KETTLE, (PRICE,))

    assert len(logs) == 2


def test_products_without_problems_say_nothing(complaints, logs):
    """
    The ordinary case leaves no trace.
    """
    complaints.note(KETTLE, ())
    complaints.forget(KETTLE)

    assert logs == []
    assert complaints.total == 0


def test_a_bad_import_is_not_a_flood(complaints, logs, clock):
    """
    Of 100,000 bad products a few are named, and the rest counted once a minute.
    """
    note_many(complaints, 100_000)
    assert len(logs) == MOST_LINES

    clock.advance(MINUTE_S)
    complaints.pulse()

    assert summaries(logs) == [
        {
            "event": "product.incomplete_summary",
            "log_level": "warning",
            "count": 100_000 - MOST_LINES,
            "problems": {"price: negative": 100_000 - MOST_LINES},
        }
    ]
    assert complaints.total == 100_000


def test_a_new_minute_names_products_again(complaints, logs, clock):
    """
    After the minute the next line is a name again, and the summary comes before it.
    """
    note_many(complaints, MOST_LINES + 1)
    clock.advance(MINUTE_S)
    complaints.note(KETTLE, (BRAND,))

    assert [line["event"] for line in logs[-2:]] == [
        "product.incomplete_summary",
        "product.incomplete",
    ]


def test_few_products_need_no_summary(complaints, logs, clock):
    """
    When all were named there is nothing to sum up, however often the clock strikes.
    """
    note_many(complaints, MOST_LINES)
    for _ in range(3):
        clock.advance(MINUTE_S)
        complaints.pulse()

    assert summaries(logs) == []


def test_a_summary_is_said_once(complaints, logs, clock):
    """
    What was summed up is not counted again.
    """
    note_many(complaints, MOST_LINES + 5)
    for _ in range(3):
        clock.advance(MINUTE_S)
        complaints.pulse()

    assert [line["count"] for line in summaries(logs)] == [5]


def test_a_summary_names_the_commonest_problems(complaints, logs, clock):
    """
    Of many kinds of problems the commonest are named.
    """
    note_many(complaints, MOST_LINES)
    for kind in range(20):
        problems = (Problem("price", f"kind {kind}"),)
        note_many(complaints, kind + 1, start=1000 * (kind + 1), problems=problems)
    clock.advance(MINUTE_S)
    complaints.pulse()

    [summary] = summaries(logs)
    assert len(summary["problems"]) == MOST_KINDS
    assert summary["problems"]["price: kind 19"] == 20


def test_memory_is_bounded(complaints):
    """
    Only so many products are remembered, those of last.
    """
    note_many(complaints, MOST_REMEMBERED + 100)

    assert len(complaints._known) == MOST_REMEMBERED
    before = complaints.total
    complaints.note(to_key(MOST_REMEMBERED + 99), (PRICE,))
    assert complaints.total == before
    complaints.note(to_key(0), (PRICE,))
    assert complaints.total == before + 1


def test_what_was_held_is_said_at_the_end(complaints, logs):
    """
    A listener that stops within the minute keeps nothing to itself, and says it once.
    """
    note_many(complaints, MOST_LINES + 5)
    complaints.close()
    complaints.close()

    assert [line["count"] for line in summaries(logs)] == [5]


def test_the_minute_begins_with_its_first_line(complaints, logs, clock):
    """
    Silence before a line does not shorten the minute that its bound is for.
    """
    clock.advance(MINUTE_S - 1)
    complaints.pulse()
    note_many(complaints, MOST_LINES)
    clock.advance(MINUTE_S - 1)
    note_many(complaints, 1, start=MOST_LINES)

    assert len(logs) == MOST_LINES


def test_what_keeps_coming_is_remembered_longest(complaints):
    """
    When there is no more room, the product that was noted longest ago is forgotten.
    """
    note_many(complaints, MOST_REMEMBERED)
    note_many(complaints, 1)
    note_many(complaints, 1, start=MOST_REMEMBERED)
    before = complaints.total
    note_many(complaints, 1)
    assert complaints.total == before
    note_many(complaints, 1, start=1)
    assert complaints.total == before + 1


def test_a_long_id_is_cut(complaints, logs):
    """
    An id of a megabyte does not fill the log.
    """
    complaints.note(to_key("x" * 1_000_000), (PRICE,))

    assert len(logs[0]["product_id"]) == LONGEST_ID


def test_threads_may_complain_at_once(complaints, logs):
    """
    A scan aside and the stream complain of different products, and each counts once.
    """
    threads = [
        threading.Thread(target=note_many, args=(complaints, 500, 500 * at))
        for at in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert complaints.total == 2000
    assert len(logs) == MOST_LINES
