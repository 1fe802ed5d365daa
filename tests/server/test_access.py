import pytest

from multidict import CIMultiDict

from recommender.errors import SettingsFault
from server.access import Keys, Refusal, check_binding, has_key, is_loopback, refusal


NO_KEYS = Keys()
KEYS = Keys.of(["first key", "second"])


def make_headers(host="127.0.0.1:5002", others=()):
    headers = CIMultiDict({"Host": host} if host else {})
    headers.update(others)
    return headers


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1:5002", "127.0.0.1", "[::1]:5002", "localhost:80", "LocalHost"]
)
def test_program_on_this_machine_needs_no_key(peer, host):
    """
    Without keys a loopback peer that asks for a loopback host is an admin.
    """
    assert refusal(peer, make_headers(host), NO_KEYS) is None


@pytest.mark.parametrize("peer", ["10.0.0.7", "fe80::1", "::ffff:10.0.0.7", "", None])
def test_another_machine_is_refused(peer):
    """
    Without keys no peer but a loopback one passes, whatever it says.
    """
    assert refusal(peer, make_headers(), NO_KEYS) is Refusal.NOT_LOCAL


@pytest.mark.parametrize(
    "host",
    [
        None,
        "evil.example:5002",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "evil.example@localhost",
        "localhost/evil",
        "localhost:evil",
        "[::1",
        "0.0.0.0:5002",
        "2130706433",
    ],
)
def test_name_that_was_rebound_to_this_machine_is_refused(host):
    """
    A page whose name has been made to resolve to 127.0.0.1 still says its own name.
    """
    assert refusal("127.0.0.1", make_headers(host), NO_KEYS) is Refusal.NOT_LOCAL


@pytest.mark.parametrize(
    "name",
    [
        "Forwarded",
        "X-Forwarded-For",
        "x-forwarded-host",
        "X-Forwarded-Something-New",
        "X-Real-IP",
        "Via",
        "CF-Connecting-IP",
        "True-Client-IP",
    ],
)
def test_proxy_on_this_machine_is_refused(name):
    """
    A request that was passed on comes from somebody else than its peer.
    """
    headers = make_headers(others={name: "127.0.0.1"})

    assert refusal("127.0.0.1", headers, NO_KEYS) is Refusal.NOT_LOCAL


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://127.0.0.1:5002",
        "http://127.0.0.1:3000",
        "http://localhost:5002",
        "http://127.0.0.1:5002@evil.example",
        "http://[::1",
        "null",
        "",
    ],
)
def test_foreign_page_is_refused(origin):
    """
    A page of another site, or of another program of this machine, is no admin.
    """
    headers = make_headers(others={"Origin": origin})

    assert refusal("127.0.0.1", headers, NO_KEYS) is Refusal.FOREIGN_PAGE


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_browser_that_says_cross_site_is_refused(site):
    """
    Some requests of foreign pages have no Origin, but browsers say where they start.
    """
    headers = make_headers(others={"Sec-Fetch-Site": site})

    assert refusal("127.0.0.1", headers, NO_KEYS) is Refusal.FOREIGN_PAGE


@pytest.mark.parametrize(
    "twice",
    [
        [("Host", "rebound.example")],
        [("Origin", "http://127.0.0.1:5002"), ("Origin", "http://evil.example")],
        [("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site")],
    ],
)
def test_second_header_is_looked_at_too(twice):
    """
    Saying the right thing first does not hide what is said after it.
    """
    headers = make_headers()
    for name, value in twice:
        headers.add(name, value)

    assert refusal("127.0.0.1", headers, NO_KEYS) is not None


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_own_page_needs_no_key(site):
    """
    A page that this server served is as good as a program on this machine.
    """
    headers = make_headers(
        others={"Origin": "http://127.0.0.1:5002", "Sec-Fetch-Site": site}
    )

    assert refusal("127.0.0.1", headers, NO_KEYS) is None


@pytest.mark.parametrize(
    "given",
    [
        {"Authorization": "Bearer first key"},
        {"authorization": "bearer second"},
        {"X-API-Key": "second"},
        {"Authorization": "Basic Zm9v", "X-API-Key": "second"},
    ],
)
def test_key_is_enough(given):
    """
    Each of several keys opens the door from anywhere, in either header.
    """
    headers = make_headers(
        "shop.example", {"Via": "proxy", "Origin": "http://a.b"} | given
    )

    assert refusal("10.0.0.7", headers, KEYS) is None
    assert has_key(headers, KEYS)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Refusal.KEY_NEEDED),
        ({"Authorization": "Bearer "}, Refusal.KEY_NEEDED),
        ({"Authorization": "Basic first key"}, Refusal.KEY_NEEDED),
        ({"Authorization": "Bearer First key"}, Refusal.KEY_WRONG),
        ({"X-API-Key": "first"}, Refusal.KEY_WRONG),
        ({"X-API-Key": "clé"}, Refusal.KEY_WRONG),
    ],
)
def test_with_keys_this_machine_is_nothing_special(given, expected):
    """
    As soon as a key is set, it is needed on loopback too.
    """
    headers = make_headers(others=given)

    assert refusal("127.0.0.1", headers, KEYS) is expected
    assert not has_key(headers, KEYS)


def test_without_keys_nobody_has_one():
    """
    What asks for the key itself is not open to this machine alone.
    """
    assert not has_key(make_headers(others={"Authorization": "Bearer x"}), NO_KEYS)


def test_keys_are_not_kept():
    """
    Nothing that prints the keys can show them.
    """
    assert "first key" not in repr(KEYS)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "", "shop.example", "10.0.0.7"],  # noqa: S104
)
def test_reachable_from_elsewhere_needs_a_key(host):
    """
    Another address than loopback is refused without keys, naming the remedy.
    """
    with pytest.raises(SettingsFault, match=r"EVERSHELF_ADMIN_KEYS.*127\.0\.0\.1"):
        check_binding(host, NO_KEYS)

    check_binding(host, KEYS)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_may_be_bound_without_keys(host):
    """
    The default needs no key.
    """
    assert is_loopback(host)
    check_binding(host, NO_KEYS)
