"""
Addresses without their secrets.
"""

from __future__ import annotations

import pytest

from recommender.masking import Secrets, masked, to_passwords, without_secrets


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("mongodb://db1,db2/shop?replicaSet=rs0", "mongodb://db1,db2/shop"),
        ("mongodb://me:secret@db1:27017/shop", "mongodb://me:***@db1:27017/shop"),
        ("mongodb+srv://me:se%40cret@db/shop", "mongodb+srv://me:***@db/shop"),
        ("mongodb://me:se@c/r?et@db1/shop", "mongodb://me:***@db1/shop"),
        ("mongodb://db1/?authMechanismProperties=AWS:x", "mongodb://db1/"),
        ("mongodb://me@db1/shop", "mongodb://me@db1/shop"),
        ("mongodb://me@db1:27017/shop", "mongodb://me@db1:27017/shop"),
        ("mongodb://me@shop.com:secret@db1/", "mongodb://me@shop.com:***@db1/"),
        ("nonsense", "nonsense"),
    ],
)
def test_addresses(uri: str, shown: str) -> None:
    """
    The password is hidden, whatever is in it, and so are the options.
    """
    assert masked(uri) == shown


@pytest.mark.parametrize(
    ("uri", "passwords"),
    [
        ("mongodb://db1/shop?replicaSet=rs0", []),
        ("mongodb://me@db1/", []),
        ("mongodb://me:a@b@db1/", ["a@b"]),
        ("mongodb://me@shop.com:a@b@db1/", ["a@b"]),
        ("mongodb://db1/?tlsCertificateKeyFilePassword=fish&tls=true", ["fish"]),
        ("mongodb://me:a@db1/?proxyHost=p&proxyPassword=fish", ["a", "fish"]),
        (
            "mongodb://me:a@db1/?authMechanismProperties="
            "AWS_SESSION_TOKEN:fi:sh,SERVICE_NAME:x&w=1",
            ["a", "fi:sh"],
        ),
    ],
    ids=["none", "user", "user-and-password", "mail", "file", "proxy", "token"],
)
def test_passwords_in_an_address(uri: str, passwords: list[str]) -> None:
    """
    The user's is one, and some options hold others.
    """
    assert list(to_passwords(uri)) == passwords


def test_what_is_said_of_an_address() -> None:
    """
    A part of a password that a message quotes is hidden in it.
    """
    uri = "mongodb://me:pa55/w0rd@db1/shop"
    said = "Port must be an integer between 0 and 65535: 'pa55'"

    assert without_secrets(said, uri) == said.replace("pa55", "***")
    assert without_secrets("me at db1", uri) == "me at db1"
    assert without_secrets("all is well", "mongodb://db1/shop") == "all is well"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("key swordfish is wrong", "key *** is wrong"),
        ("KeyError: 'it\\'s swordfish'", "KeyError: 'it\\'s ***'"),
        ("got 'pa\\'ss' and {\"k\": \"pa'ss\"}", 'got \'***\' and {"k": "***"}'),
        ("at mongodb://me:hidden@db1:1/x?w=1", "at mongodb://me:***@db1:1/x?w=1"),
        ("at mongodb://me:a@b/c@db1 twice", "at mongodb://me:***@db1 twice"),
        ("at mongodb://me@b.c:a@db1 twice", "at mongodb://me@b.c:***@db1 twice"),
        ("at mongodb://me@db1:1/x twice", "at mongodb://me@db1:1/x twice"),
        ("at mongodb://db1/x, me@there", "at mongodb://db1/x, me@there"),
        ("GET /v1/events?a=1&key=abc&b=2", "GET /v1/events?a=1&key=***&b=2"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ("{'X-API-Key': 'abc', 'a': 1}", "{'X-API-Key': '***', 'a': 1}"),
        ("monkey=1 and a bearer", "monkey=1 and a bearer"),
        ("tea", "tea"),
    ],
)
def test_what_may_not_be_shown(said: str, shown: str) -> None:
    """
    Known secrets are hidden however they are quoted, and so are a password in any
    address and a key in any request; nothing else is.
    """
    assert Secrets(["swordfish", "pa'ss", "tea"]).without(said) == shown


def test_whatever_a_line_holds() -> None:
    """
    Secrets are found in what is nested, and numbers stay numbers.
    """
    secrets = Secrets(["swordfish"])
    line = {
        "a": ["swordfish", 1],
        "b": {"c": ("x swordfish",), "swordfish": 2},
        "d": None,
        "e": 2.5,
    }

    assert secrets.without_any(line) == {
        "a": ["***", 1],
        "b": {"c": ["x ***"], "***": 2},
        "d": None,
        "e": 2.5,
    }
    assert secrets.without_any(ValueError("swordfish")) == "***"
