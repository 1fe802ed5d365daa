"""
Where a product's picture is.
"""

import pytest

from hypothesis import given

from listener.values.images import LONGEST_INLINE, LONGEST_URL, to_image
from listener.values.usable import Unusable
from tests.support.documents import any_value


@pytest.mark.parametrize(
    ("value", "image"),
    [
        ("https://cdn.shop/kettle.jpg", "https://cdn.shop/kettle.jpg"),
        ("HTTP://cdn.shop/kettle.jpg", "HTTP://cdn.shop/kettle.jpg"),
        ("//cdn.shop/kettle.jpg", "//cdn.shop/kettle.jpg"),
        ("/images/a kettle.jpg", "/images/a kettle.jpg"),
        ("kettle.jpg", "kettle.jpg"),
        ("\n kettle.jpg\t", "kettle.jpg"),
        ("ket\0tle\ud800.jpg", "kettle.jpg"),
        ("data:image/svg+xml,<svg/>", "data:image/svg+xml,<svg/>"),
        ([None, "", "a.jpg", "b.jpg"], "a.jpg"),
        (["javascript:x", "a.jpg"], "a.jpg"),
        ({"url": "a.jpg", "public_id": "5"}, "a.jpg"),
        ([{"id": 1, "src": "a.jpg"}], "a.jpg"),
        ("", None),
        (None, None),
        ([], None),
    ],
    ids=lambda value: str(value).encode("ascii", "backslashreplace").decode(),
)
def test_images(value, image):
    """
    Addresses of http and https, within the site, and inline images; of a list the
    first.
    """
    assert to_image(value, []) == image


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "java\0script:alert(1)",
        "java\ud800script:alert(1)",
        "vbscript:x",
        "data:text/html,<script>",
        "blob:https://shop/5",
        "file:///etc/passwd",
        "C:\\kettle.jpg",
        "https:evil",
        ["javascript:x"],
        {"src": "javascript:x"},
    ],
    ids=lambda value: str(value).encode("ascii", "backslashreplace").decode(),
)
def test_what_a_page_must_not_load_is_refused(value):
    """
    Any other scheme is refused, however it is disguised.
    """
    with pytest.raises(Unusable, match="scheme"):
        to_image(value, [])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (5, "not an image: int"),
        ({"alt": "a"}, "not an image: object"),
        ("x" * (LONGEST_URL + 1), "too long"),
        ("data:image/png;base64," + "x" * LONGEST_INLINE, "too long"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_image(value, reason):
    """
    Other types and addresses too long for an answer are refused.
    """
    with pytest.raises(Unusable, match=reason):
        to_image(value, [])


@given(any_value())
def test_nothing_fails_but_as_unusable(value):
    """
    Any value is a printable address, or unusable.
    """
    try:
        image = to_image(value, [])
    except Unusable:
        return
    assert image is None or image.encode()
