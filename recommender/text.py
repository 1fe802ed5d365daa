"""
From strings to terms.
"""

from __future__ import annotations

import re
import unicodedata

from collections.abc import Sequence
from typing import Final

import xxhash


TEXT_VERSION: Final = 3  # part of the fingerprint: a change rebuilds every model
SHORTEST_WORD: Final = 2  # of ASCII; beyond it a letter may be a word
LONGEST_WORD: Final = 64  # beyond this it is data, not language

# Vowel signs and the like, which \w lacks: without them no Hindi or Thai word is whole.
_MARKS = "".join(
    chr(code)
    for code in range(0x300, 0x10000)
    if unicodedata.category(chr(code)) in ("Mn", "Mc")
)
_ASCII_WORD = re.compile(rf"\w{{{SHORTEST_WORD},}}")
_WORD = re.compile(rf"\w[\w{_MARKS}]+|[^\W\x00-\x7f]")
# Chinese and Japanese are written without spaces: Han, Hiragana, Katakana.
_UNSPACED = (
    "\u3005-\u3007\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_UNSPACED_MARK = re.compile(f"[{_UNSPACED}]")
_SPACED_MARK = rf"(?![{_UNSPACED}])\w"
_WORD_OR_RUN = re.compile(
    rf"[{_UNSPACED}]+|{_SPACED_MARK}(?:{_SPACED_MARK}|[{_MARKS}])+"
    rf"|(?![{_UNSPACED}])[^\W\x00-\x7f]"
)
_SEPARATOR = "\x1f"  # no word holds it, so facet terms cannot meet words
_CATEGORY = f"category{_SEPARATOR}"
_BRAND = f"brand{_SEPARATOR}"


def to_words(text: str) -> list[str]:
    """
    Return the words of *text* in order: letters with their marks, digits and
    underscores, two or more, or one beyond ASCII; compatibility forms unified and
    case folded. Of Chinese and Japanese, where no space parts words, each two
    characters that are neighbours are one (as Lucene's CJKAnalyzer has it).

    Words longer than `LONGEST_WORD` are cut to that length.
    """
    folded = fold(text)
    if folded.isascii():
        return [word[:LONGEST_WORD] for word in _ASCII_WORD.findall(folded)]
    if not _UNSPACED_MARK.search(folded):
        return [word[:LONGEST_WORD] for word in _WORD.findall(folded)]
    words: list[str] = []
    for word in _WORD_OR_RUN.findall(folded):
        if _UNSPACED_MARK.match(word):
            words += _pairs(word)
        else:
            words.append(word[:LONGEST_WORD])
    return words


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def fold(text: str) -> str:
    """
    Return *text* as comparisons see it: NFKC, then case folded; and one i, with
    or without a dot, as both have the same capital but in Turkish.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded.replace("i\u0307", "i").replace("\u0131", "i")


def to_category_terms(path: Sequence[str]) -> list[str]:
    """
    Return one term per prefix of a category path, outermost first.
    """
    folded = [fold(name) for name in path]
    return [
        _SEPARATOR.join(("category", *folded[: depth + 1]))
        for depth in range(len(folded))
    ]


def to_brand_term(brand: str) -> str:
    """
    Return the term of a brand.
    """
    return f"{_BRAND}{fold(brand)}"


def is_category_term(term: str) -> bool:
    """
    Say whether *term* stands for a category.
    """
    return term.startswith(_CATEGORY)


def is_brand_term(term: str) -> bool:
    """
    Say whether *term* stands for a brand.
    """
    return term.startswith(_BRAND)


def to_depth(term: str) -> int:
    """
    Return how many names the path of a category term has.
    """
    return term.count(_SEPARATOR)


def encode(term: str) -> bytes:
    """
    Return a term as the model keeps it: UTF-8.
    """
    return term.encode("utf-8", "surrogatepass")


def term_hash(term: bytes) -> int:
    """
    Return the identity of an encoded term in the model: XXH3, 64 bits.
    """
    return xxhash.xxh3_64_intdigest(term)
