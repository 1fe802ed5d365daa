"""
HTML and SVG as a tree, so that it is well-formed whatever a product is called.
"""

from __future__ import annotations

import re

from typing import Final
from xml.etree.ElementTree import Element, tostring


# Characters that no document may hold: controls, halves of pairs and non-characters.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
)


def element(tag: str, *children: Element | str, **attributes: str | float) -> Element:
    """
    Return an element with its children in order.

    An underscore at the end of an attribute's name is dropped, as of `class_`; others
    become hyphens, as of `stroke_width`.
    """
    names = {name: name.rstrip("_").replace("_", "-") for name in attributes}
    made = Element(
        tag, {names[name]: _clean(str(value)) for name, value in attributes.items()}
    )
    for child in children:
        _append(made, child)
    return made


def to_page(root: Element) -> bytes:
    """
    Return a whole page, UTF-8.
    """
    return (
        b"<!doctype html>\n"
        + tostring(root, encoding="unicode", method="html").encode()
    )


def _append(parent: Element, child: Element | str) -> None:
    if isinstance(child, Element):
        parent.append(child)
    elif len(parent):
        parent[-1].tail = (parent[-1].tail or "") + _clean(child)
    else:
        parent.text = (parent.text or "") + _clean(child)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
