"""
Addresses without their secrets.
"""

from __future__ import annotations

import pytest

from recommender.masking import masked, without_secrets


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("mongodb://db1,db2/shop?replicaSet=rs0", "mongodb://db1,db2/shop"),
        ("mongodb://me:secret@db1:27017/shop", "mongodb://me:***@db1:27017/shop"),
        ("mongodb+srv://me:se%40cret@db/shop", "mongodb+srv://me:***@db/shop"),
        ("mongodb://me:se@c/r?et@db1/shop", "mongodb://me:***@db1/shop"),
        ("mongodb://db1/?authMechanismProperties=AWS:x", "mongodb://db1/"),
        ("mongodb://me@db1/shop", "mongodb://me@db1/shop"),
        ("nonsense", "nonsense"),
    ],
)
def test_addresses(uri: str, shown: str) -> None:
    """
    The password is hidden, whatever is in it, and so are the options.
    """
    assert masked(uri) == shown


def test_what_is_said_of_an_address() -> None:
    """
    A part of a password that a message quotes is hidden in it.
    """
    uri = "mongodb://me:pa55/w0rd@db1/shop"
    said = "Port must be an integer between 0 and 65535: 'pa55'"

    assert without_secrets(said, uri) == said.replace("pa55", "***")
    assert without_secrets("me at db1", uri) == "me at db1"
    assert without_secrets("all is well", "mongodb://db1/shop") == "all is well"
