"""
Canonical bytes of ids.
"""

import uuid

from datetime import UTC, datetime

import orjson
import pytest

from bson import (
    Binary,
    Code,
    DatetimeMS,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Timestamp,
    decode,
    encode,
)
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.errors import InvalidDocument
from hypothesis import given, reject
from pymongo.errors import DuplicateKeyError

from listener.keys import to_key
from listener.mongo.client import CODEC
from recommender.address import to_address, to_integer_key, to_keys
from tests.support.documents import NOON, OBJECT_ID, any_id, any_value


UUID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
STANDARD = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)

# MongoDB calls all of a line equal, and no two of different lines.
GROUPS = [
    [5, 5.0, Int64(5), Decimal128("5"), Decimal128("5.00"), Decimal128("50E-1")],
    [0, 0.0, -0.0, Decimal128("-0"), Decimal128("0E+3")],
    [float("nan"), Decimal128("NaN"), Decimal128("sNaN"), Decimal128("-NaN")],
    [float("inf"), Decimal128("Infinity")],
    [float("-inf"), Decimal128("-Infinity")],
    [0.5, Decimal128("0.5"), Decimal128("0.50")],
    [0.1],
    [Decimal128("0.1"), Decimal128("0.10")],
    [Decimal128("0.1000000000000000055511151231257827")],  # 0.1 to 34 digits
    [1e20, Decimal128("1E20")],
    [1e23, Decimal128("99999999999999991611392")],
    [Decimal128("1E23")],
    [1e300],
    [Decimal128("1E+300")],
    [Decimal128("1E+6144"), Decimal128("1.0E+6144")],
    [2.0**63, Decimal128("9223372036854775808")],
    [(1 << 63) - 1, Decimal128("9223372036854775807")],
    [Decimal128("9223372036854775806.5")],
    [-(1 << 63), -(2.0**63)],
    [True],
    [False],
    [None],
    ["5"],
    ["é"],
    ["e\u0301"],
    ["x\0y"],
    ["x\0z"],
    [""],
    [OBJECT_ID],
    [str(OBJECT_ID)],
    [NOON],
    [Timestamp(int(NOON.timestamp()), 0)],
    [UUID, Binary(UUID.bytes, 4)],
    [Binary(UUID.bytes, 3)],
    [b"abc", Binary(b"abc", 0)],
    [Binary(b"abc", 2)],
    [MinKey()],
    [MaxKey()],
    [Code("x")],
    ["x"],
    [Code("x", {})],
    [Code("x", {"a": 1}), Code("x", {"a": 1.0})],
    [DBRef("c", 5), DBRef("c", Decimal128("5.0"))],
    [{}],
    [{"a": 1}, {"a": 1.0}],
    [{"a": 1, "b": 2}, {"a": Int64(1), "b": 2.0}],
    [{"b": 2, "a": 1}],
    [{"a": {"b": 5}}, {"a": {"b": Decimal128("5.0")}}],
    [{"a": [1, 2]}, {"a": [1.0, 2]}],
    [{"a": [2, 1]}],
    [{"a": None}],
]


def test_equal_values_have_one_key_and_no_others_do():
    """
    Two values have the same key exactly when the table says that they are equal.
    """
    keys = [{to_key(value) for value in group} for group in GROUPS]

    assert [len(group) for group in keys] == [1] * len(GROUPS)
    assert len(set().union(*keys)) == len(GROUPS)


def test_the_table_is_mongodbs(collection):
    """
    A real server calls the same ids equal.
    """
    ids = collection.with_options(codec_options=STANDARD)
    for first, *others in GROUPS:
        ids.insert_one({"_id": first})
        for other in others:
            with pytest.raises(DuplicateKeyError):
                ids.insert_one({"_id": other})


@pytest.mark.parametrize(
    ("id_", "key"),
    [
        ("kettle", b'"kettle"'),
        ("é", '"é"'.encode()),
        (OBJECT_ID, b'{"$oid":"65a000000000000000000001"}'),
        (5, b'{"$numberInt":"5"}'),
        (1 << 40, b'{"$numberLong":"1099511627776"}'),
        (0.1, b'{"$numberDouble":"0.1"}'),
        (Decimal128("0.10"), b'{"$numberDecimal":"0.1"}'),
        (True, b"true"),
        (None, b"null"),
        (datetime(1970, 1, 1, tzinfo=UTC), b'{"$date":{"$numberLong":"0"}}'),
        (DatetimeMS(1 << 60), b'{"$date":{"$numberLong":"1152921504606846976"}}'),
        (b"abc", b'{"$binary":{"base64":"YWJj","subType":"00"}}'),
        (Timestamp(1, 2), b'{"$timestamp":{"t":1,"i":2}}'),
        ({"a": {"b": 5.0}}, b'{"a":{"b":{"$numberInt":"5"}}}'),
    ],
)
def test_keys_are_compact_canonical_extended_json(id_, key):
    """
    The bytes are those of canonical extended JSON without spaces.
    """
    assert to_key(id_) == key


def test_dates_are_equal_in_whatever_form_they_are_read():
    """
    A date without a zone is in UTC; one that no calendar knows is counted the same.
    """
    ms = int(NOON.timestamp() * 1000)

    assert to_key(NOON) == to_key(NOON.replace(tzinfo=None)) == to_key(DatetimeMS(ms))


@pytest.mark.timeout(5)
def test_an_int64_takes_no_longer_than_an_int():
    """
    A range is not searched for it, which would take half a minute.
    """
    assert to_key(Int64(1 << 30)) == to_key(1 << 30)


def test_ids_are_keyed_as_addresses_are():
    """
    A number in a URL leads to the product with that number as id, whatever its type.
    """
    for id_ in (7, Int64(7), 7.0, Decimal128("7.0")):
        assert to_key(id_) == to_integer_key(7)
        assert to_key(id_) in to_keys("7")


@given(any_id())
def test_every_id_has_an_address_that_leads_back(id_):
    """
    The first key that an id's address may mean is that id's.
    """
    key = to_key(id_)

    assert to_keys(to_address(key))[0] == key


@given(any_value())
def test_every_value_has_a_key_that_is_json(value):
    """
    Nothing that BSON holds fails, half surrogate pairs included.
    """
    assert orjson.dumps(orjson.loads(to_key(value))) == to_key(value)


@given(any_id())
def test_keys_survive_the_wire(id_):
    """
    What the driver reads has the key of what was written.
    """
    try:
        wire = encode({"_id": id_}, codec_options=STANDARD)
    except (UnicodeEncodeError, InvalidDocument):  # half a pair; a NUL in a name
        reject()

    assert to_key(decode(wire, codec_options=CODEC)["_id"]) == to_key(id_)


@pytest.mark.parametrize("depth", [100, 400])
def test_depth_does_not_matter(depth):
    """
    Ids as deep as the database allows, and deeper, have keys that differ.
    """
    ids = [1, 2]
    for _ in range(depth):
        ids = [{"a": id_} for id_ in ids]

    assert to_key(ids[0]) != to_key(ids[1])


def test_what_bson_cannot_hold_is_refused():
    """
    A value of no BSON type is a mistake of the program.
    """
    with pytest.raises(TypeError):
        to_key(object())


def test_object_ids_are_lower_case_as_in_addresses():
    """
    The hex is the one that `recommender.address` writes.
    """
    upper = ObjectId("ABCDEFABCDEFABCDEFABCDEF")

    assert to_keys("ABCDEFABCDEFABCDEFABCDEF")[0] == to_key(upper)
