"""
Words as catalogues use them: few often, most seldom, and always new ones.
"""

from __future__ import annotations

import random

from typing import Final


CONSONANTS: Final = "bcdfghjklmnprstvwz"
VOWELS: Final = "aeiou"
SYLLABLES: Final = tuple(c + v for c in CONSONANTS for v in VOWELS)

# The commonest word makes up 1.4 % of all texts, and the number of distinct words grows
# with the square root of their length: much as in descriptions of real products.
EXPONENT: Final = 1.0
COMMON: Final = 70.0
COMMON_AMONG_FEW: Final = 15.0  # of the words that only one category uses

MODEL_LETTERS: Final = "ABCDEFGHKLMNPRSTUVWXYZ"


def draw_rank(draw: random.Random, common: float = COMMON) -> int:
    """
    Return the rank of a word, by the law of Zipf and Mandelbrot; without bound.

    Args:
        common: How many words share the head of the distribution.
    """
    return int(common * (draw.paretovariate(EXPONENT) - 1.0))


def to_word(number: int) -> str:
    """
    Return a word for each number, of two syllables or more; no two alike.
    """
    syllables: list[str] = []
    while number or len(syllables) < 2:  # noqa: PLR2004
        number, place = divmod(number, len(SYLLABLES))
        syllables.append(SYLLABLES[place])
    return "".join(syllables)


def to_model_number(number: int) -> str:
    """
    Return a model number that no other product has.
    """
    letters, rest = divmod(number * 7919 % 1_000_003, 10_000)
    series = MODEL_LETTERS[letters % len(MODEL_LETTERS)]
    return f"{series}{MODEL_LETTERS[number % 22]}{rest:04}x{number}"
