"""
Products from JSONL files.
"""

from __future__ import annotations

import gzip

from datetime import UTC, datetime

import pytest

from bson import ObjectId

from listener.demo.errors import DemoFault
from listener.demo.jsonl import LARGEST, BadLine, Line, count_lines, read_lines


def read(path, text: str) -> list[Line | BadLine]:
    path.write_text(text)
    return list(read_lines(path))


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "products.jsonl"


def test_id_becomes_the_documents_id(path):
    """
    `id` serves as `_id` where there is none, and is not kept twice.
    """
    lines = read(path, '{"id": "a", "name": "x"}\n{"_id": 7, "id": "b"}\n')

    assert [line.document for line in lines] == [
        {"_id": "a", "name": "x"},
        {"_id": 7, "id": "b"},
    ]


def test_a_document_without_an_id_gets_the_same_one_each_time(path):
    """
    What has no id is told apart by its text.
    """
    first, second, third = read(path, '{"a": 1}\n{"a": 2}\n{"a": 1}\n')

    assert isinstance(first.document["_id"], ObjectId)
    assert first.document["_id"] == third.document["_id"] != second.document["_id"]


def test_extended_json_is_understood(path):
    """
    Ids and dates that JSON cannot say are what they were in the database.
    """
    (line,) = read(
        path,
        '{"_id": {"$oid": "0123456789abcdef01234567"}, '
        '"at": {"$date": "2025-01-02T03:04:05Z"}}',
    )

    assert line.document["_id"] == ObjectId("0123456789abcdef01234567")
    assert line.document["at"] == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "bad",
    [
        '{"id": 1',
        "[1, 2]",
        '"text"',
        "\ufffd",
        '{"id": 1, "n": 99999999999999999999}',
        '{"id": 1, "a\\u0000b": 1}',
        '{"id": {"$oid": "short"}}',
        '{"id":' + "[" * 100_000,
        '{"id": 1, "text": "' + "x" * LARGEST + '"}',
    ],
    ids=lambda text: text[:20],
)
def test_a_bad_line_is_named_and_the_rest_is_read(path, bad):
    """
    A line that is no document, or one that MongoDB cannot hold, is passed over.
    """
    first, second, third = read(path, f'{{"id": 1}}\n{bad}\n{{"id": 3}}\n')

    assert (first.number, second.number, third.number) == (1, 2, 3)
    assert isinstance(second, BadLine)
    assert second.reason
    assert third.document == {"_id": 3}


def test_blank_lines_count_but_are_not_read(path):
    """
    Numbers are those that an editor shows.
    """
    lines = read(path, '\n{"id": 1}\r\n  \n{"id": 2}')

    assert [line.number for line in lines] == [2, 4]
    assert count_lines(path) == 2


def test_bytes_that_are_no_text_are_a_bad_line(path):
    """
    Another encoding is told, not guessed.
    """
    path.write_bytes(b'{"id": "caf\xe9"}\n')

    assert isinstance(next(read_lines(path)), BadLine)


def test_gzip_is_read(tmp_path):
    """
    A file that ends in .gz is unpacked while it is read.
    """
    path = tmp_path / "products.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"id": 1}\n{"id": 2}\n'))

    assert [line.document for line in read_lines(path)] == [{"_id": 1}, {"_id": 2}]


@pytest.mark.parametrize(
    "content",
    [None, b"no gzip", gzip.compress(b'{"id": 1}\n' * 1000, mtime=0)[:-20]],
    ids=["missing", "foreign", "truncated"],
)
def test_an_unreadable_file_is_told(tmp_path, content):
    """
    A missing, foreign or truncated file is an error that names it.
    """
    path = tmp_path / "products.jsonl.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DemoFault, match=r"products\.jsonl\.gz"):
        list(read_lines(path))
