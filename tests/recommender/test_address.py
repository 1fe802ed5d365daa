import orjson
import pytest

from hypothesis import given
from hypothesis import strategies as st

from recommender.address import to_address, to_integer_key, to_keys


HEX = st.text("0123456789abcdef", min_size=24, max_size=24)
SCALARS = (
    st.none()
    | st.booleans()
    | st.text()
    | HEX
    | HEX.map(lambda text: {"$oid": text})
    | st.integers(-(2**63), 2**63 - 1).map(lambda n: {"$numberLong": str(n)})
    | st.integers(-(2**31), 2**31 - 1).map(lambda n: {"$numberInt": str(n)})
    | st.floats(allow_nan=False).map(lambda x: {"$numberDouble": repr(x)})
    | st.binary().map(lambda b: {"$binary": {"base64": b.hex(), "subType": "04"}})
)
IDS = SCALARS | st.dictionaries(st.text(), SCALARS, max_size=3)
# Strings that look like something else.
LOOKALIKES = st.sampled_from(
    [
        "",
        ".",
        "..",
        "latest",
        "~",
        "~IjEi",
        "5",
        "-5",
        "0",
        "a/b",
        "?",
        "%2F",
        "5" * 24,
        "é",
        "\x00",
    ]
)
KEYS = (IDS | LOOKALIKES).map(orjson.dumps)


@given(KEYS)
def test_address_leads_back_to_its_key(key):
    """
    Of the keys that an address may mean, the first is the one it was made from.
    """
    assert to_keys(to_address(key))[0] == key


@given(KEYS, KEYS)
def test_no_two_keys_share_an_address(one, other):
    """
    Different keys have different addresses.
    """
    assert (one == other) == (to_address(one) == to_address(other))


@given(KEYS)
def test_address_survives_a_url(key):
    """
    An address is never empty nor a path that clients shorten.
    """
    assert to_address(key) not in ("", ".", "..", "latest")


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("kettle-1", "kettle-1"),
        ("5", "5"),
        ({"$oid": "65a1b2c3d4e5f60718293a4b"}, "65a1b2c3d4e5f60718293a4b"),
        ("65a1b2c3d4e5f60718293a4b", "~IjY1YTFiMmMzZDRlNWY2MDcxODI5M2E0YiI"),
        ({"$numberInt": "5"}, "~eyIkbnVtYmVySW50IjoiNSJ9"),
        ("~x", "~In54Ig"),
        ("", "~IiI"),
    ],
)
def test_addresses(value, address):
    """
    A string is itself, an ObjectId its hex; what would be ambiguous is encoded.
    """
    assert to_address(orjson.dumps(value)) == address


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("5", ["5", {"$numberInt": "5"}]),
        ("-5", ["-5", {"$numberInt": "-5"}]),
        ("2147483648", ["2147483648", {"$numberLong": "2147483648"}]),
        ("05", ["05"]),
        ("-0", ["-0"]),
        ("\u0665", ["\u0665"]),  # a digit, but no number that we write
        (
            "65A1B2C3D4E5F60718293A4B",
            [{"$oid": "65a1b2c3d4e5f60718293a4b"}, "65A1B2C3D4E5F60718293A4B"],
        ),
        ("5" * 24, [{"$oid": "5" * 24}, "5" * 24]),
    ],
)
def test_plain_forms_of_other_types(address, values):
    """
    Numbers may be written plainly and hex in any case; the likeliest comes first.
    """
    assert to_keys(address) == tuple(map(orjson.dumps, values))


@pytest.mark.parametrize(
    "address",
    ["~", "~A", "~!!!!", "~e30=x", "~\u00e9", "~bm9qc29u", "~" + "Ww" * 5000, "\ud800"],
)
def test_what_is_no_address_means_nothing(address):
    """
    Broken encodings, and encodings of no JSON, mean no key.
    """
    assert to_keys(address) == ()


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_taken(address):
    """
    Whatever a client sends, the answer is keys, or none.
    """
    for key in to_keys(address) + to_keys("~" + address):
        orjson.loads(key)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0, "$numberInt"),
        (2**31 - 1, "$numberInt"),
        (-(2**31), "$numberInt"),
        (2**31, "$numberLong"),
        (-(2**31) - 1, "$numberLong"),
    ],
)
def test_integers_have_one_key_each(value, kind):
    """
    The key follows from the value alone, not from its width in the database.
    """
    assert orjson.loads(to_integer_key(value)) == {kind: str(value)}
