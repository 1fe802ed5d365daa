"""
From what a document calls text to plain text.
"""

import time

import pytest

from bson import Decimal128, ObjectId
from hypothesis import given

from listener.values.texts import (
    LONGEST_LABEL,
    LONGEST_MARKUP,
    LONGEST_NAME,
    LONGEST_TEXT,
    MOST_TAGS,
    cut_at_word,
    to_label,
    to_name,
    to_plain,
    to_tags,
    to_text,
)
from listener.values.usable import Unusable
from tests.support.documents import any_text, any_value


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Steel Kettle", "Steel Kettle"),
        ("  two \n words\t", "two words"),
        ("<p>One</p><p>Two</p>", "One Two"),
        ("<ul><li>a<li>b</ul>c<br/>d", "a b c d"),
        ("<b>W</b>ord", "Word"),
        ("<a href=\"x>y\" title='>'>link</a>", "link"),
        ("<p title=it's>unbalanced</p>", "unbalanced"),
        ("a < b and c > d", "a < b and c > d"),
        ("I <3 it", "I <3 it"),
        ("x <!-- hidden --> y", "x y"),
        ("x <!-- never closed", "x"),
        ("<script>if (a < b) {}</script>shown", "shown"),
        ("<STYLE>p {}</Style >shown", "shown"),
        ("<scripted>shown", "shown"),
        ("İ<script>x</script>shown", "İ shown"),
        ("<!DOCTYPE html><?php ?>shown", "shown"),
        ("Salt &amp; Pepper &lt;b&gt;", "Salt & Pepper <b>"),
        ("caf&eacute;&nbsp;au lait", "café au lait"),
        ("&#" + "9" * 5000 + "; left", "left"),
        ("nul\x00bell\x07half\ud800", "nul bell half"),
        ("zero\u200bwidth", "zero\u200bwidth"),
        ("", ""),
    ],
    ids=lambda text: text[:30].encode("ascii", "backslashreplace").decode(),
)
def test_plain_text(text, plain):
    """
    Tags, comments, scripts and control characters go; entities become characters.
    """
    assert to_plain(text) == plain


@given(any_text())
def test_plain_text_is_safe(text):
    """
    Whatever the text, the plain one is UTF-8 without control characters, its spaces
    single.
    """
    plain = to_plain(text)

    plain.encode()
    assert "\0" not in plain
    assert plain == " ".join(plain.split())


@pytest.mark.parametrize(
    "unit",
    ["<!--", "<a ", "<a b='", '<a b="x', "<script>", "<", "&", "&#", "</", "<a<"],
)
def test_hostile_markup_costs_no_more_than_its_length(unit):
    """
    Markup that is never closed is read in time that grows with its length only.
    """
    hostile = unit * (LONGEST_MARKUP // len(unit))
    start = time.process_time()
    to_plain(hostile)

    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        (2048, "2048"),
        (5.0, "5"),
        (1.5, "1.5"),
        (Decimal128("1.50"), "1.50"),
        (["", None, "first", "second"], "first"),
        ([ObjectId("65a000000000000000000002"), "first"], "first"),
        ("", None),
        ("  ", None),
        ("<p></p>", None),
        (None, None),
        ([], None),
    ],
    ids=str,
)
def test_texts(value, text):
    """
    Numbers are their digits, of a list the first text counts, blanks say nothing.
    """
    assert to_text(value, []) == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, "not text: bool"),
        ({"en": "text"}, "not text: object"),
        (b"text", "not text: binData"),
        (float("nan"), "not text: double"),
        (ObjectId("65a000000000000000000002"), "reference"),
        ([True, {}], "not text: bool"),
    ],
    ids=str,
)
def test_what_is_no_text(value, reason):
    """
    A value that is no text is refused with its type.
    """
    with pytest.raises(Unusable, match=reason):
        to_text(value, [])


def test_a_huge_text_is_cut_and_noted():
    """
    Of 5 MB the first 20,000 characters are kept, whole words.
    """
    notes = []
    text = to_text("word " * 1_000_000, notes)

    assert notes == ["cut"]
    assert LONGEST_TEXT - len("word ") < len(text) <= LONGEST_TEXT
    assert text.endswith("word")


def test_a_text_after_much_markup_is_noted_as_cut():
    """
    What lies beyond the markup that is looked at is lost, and that is noted.
    """
    notes = []

    assert to_text("<br>" * LONGEST_MARKUP + "end", notes) is None
    assert notes == ["cut"]


@pytest.mark.parametrize(
    ("convert", "limit"), [(to_name, LONGEST_NAME), (to_label, LONGEST_LABEL)]
)
def test_names_and_labels_are_cut(convert, limit):
    """
    Each has its own limit.
    """
    notes = []

    assert convert("x" * (limit + 1), notes) == "x" * limit
    assert notes == ["cut"]
    assert convert("x" * limit, []) == "x" * limit


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("one two", 7, "one two"),
        ("one two three", 9, "one two"),
        ("one two three", 7, "one two"),
        ("onetwothree", 6, "onetwo"),
        ("", 5, ""),
    ],
)
def test_cutting(text, limit, cut):
    """
    Cutting keeps whole words where there are any.
    """
    assert cut_at_word(text, limit) == cut


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("Brimm", "Brimm"),
        (
            {
                "_id": ObjectId("65a000000000000000000002"),
                "name": "Brimm",
                "slug": "brimm",
            },
            "Brimm",
        ),
        ({"title": "Brimm"}, "Brimm"),
        ({"name": "", "label": "Brimm"}, "Brimm"),
        ([{"name": "Brimm"}, {"name": "Corva"}], "Brimm"),
        (3, "3"),
        (None, None),
    ],
    ids=str,
)
def test_labels(value, label):
    """
    A brand is a text or an object with a name; of a list the first counts.
    """
    assert to_label(value, []) == label


@pytest.mark.parametrize(
    "value",
    [
        ObjectId("65a000000000000000000002"),
        "65a000000000000000000001",
        {"name": ObjectId("65a000000000000000000002")},
    ],
    ids=str,
)
def test_references_are_no_labels(value):
    """
    The id of something elsewhere says nothing to anyone.
    """
    with pytest.raises(Unusable, match="reference"):
        to_label(value, [])


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ("a, b", "a, b"),
        (["a", "b"], "a, b"),
        ([{"name": "a"}, {"title": "b"}, {"label": "c"}, {"slug": "d"}], "a, b, c, d"),
        ([2024, "b"], "2024, b"),
        ([["a"], ["b"]], "a, b"),
        (["", None], None),
        ([], None),
        ("", None),
    ],
    ids=str,
)
def test_tags(value, tags):
    """
    Tags are a list of texts or of objects with names, or one text with commas.
    """
    assert to_tags(value, []) == tags


def test_unusable_tags_are_noted_and_the_others_kept():
    """
    One bad tag costs only itself; only bad ones are refused.
    """
    notes = []

    assert (
        to_tags(["a", True, ObjectId("65a000000000000000000002"), "b"], notes) == "a, b"
    )
    assert notes == ["not text: bool"]
    with pytest.raises(Unusable, match="reference"):
        to_tags([ObjectId("65a000000000000000000002")], [])


def test_too_many_tags_are_cut():
    """
    Beyond the limit tags are left out, and that is noted.
    """
    notes = []
    tags = to_tags(["a"] * (MOST_TAGS + 1), notes)

    assert tags.count("a") == MOST_TAGS
    assert notes == ["cut"]


@given(any_value())
def test_nothing_fails_but_as_unusable(value):
    """
    Any value is a text, a label and tags, or unusable.
    """
    for convert in (to_text, to_label, to_tags):
        try:
            text = convert(value, [])
        except Unusable:
            continue
        assert text is None or text.strip()
