import pytest

from recommender.reasons import Origin, Price, Reasons, SharedTerm
from server.sentence import to_sentence


def make_reasons(*terms, price=None):
    return Reasons(tuple(terms), {}, price)


NAME = [SharedTerm(word, Origin.NAME, 0.1) for word in ("sofa", "bed", "blue", "deep")]
AND = SharedTerm("and", Origin.DESCRIPTION, 0.01)
HOME = SharedTerm("Home", Origin.CATEGORY, 0.3, 1)
BEDS = SharedTerm("Beds", Origin.CATEGORY, 0.2, 2)
STUGA = SharedTerm("Stuga", Origin.BRAND, 0.05)
CHEAPER = Price(0.88, -12.0)


@pytest.mark.parametrize(
    ("reasons", "sentence"),
    [
        (
            make_reasons(HOME, NAME[0], BEDS, NAME[1], STUGA, price=CHEAPER),
            "In Beds, by Stuga, with “sofa” and “bed” in common; 12 % cheaper.",
        ),
        (make_reasons(*NAME), "With “sofa”, “bed” and “blue” in common."),
        (make_reasons(NAME[0], AND), "With “sofa” in common."),
        (make_reasons(HOME), "In Home."),
        (make_reasons(STUGA, price=Price(0.95, 1.0)), "By Stuga; at a similar price."),
        (make_reasons(STUGA, price=Price(0.5, 20.0)), "By Stuga; dearer."),
        (make_reasons(), "Described alike."),
        (make_reasons(price=CHEAPER), "Described alike; 12 % cheaper."),
    ],
)
def test_sentence(reasons, sentence):
    """
    The innermost category, the brand, a few words, and the price, as far as there are.
    """
    assert to_sentence(reasons) == sentence
