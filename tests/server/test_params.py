import pytest

from multidict import MultiDict

from recommender.ranking import Choice
from recommender.relations import Rules
from server.params import NoParams, SimilarParams
from server.parsing import TrainParams, parse
from server.problems import Problem


def make_params(*pairs):
    return parse(SimilarParams, MultiDict(pairs))


def faults_of(*pairs, kind=SimilarParams):
    with pytest.raises(Problem) as caught:
        parse(kind, MultiDict(pairs))
    assert caught.value.status == 400
    assert caught.value.code == "bad_parameters"
    return caught.value.faults


def test_nothing_is_asked():
    """
    Ten of whatever there is.
    """
    params = make_params()

    assert params.limit == 10
    assert params.to_filters() == make_params(("limit", "10")).to_filters()


def test_everything_is_asked():
    """
    Every parameter becomes its part of the filters.
    """
    params = make_params(
        ("limit", "100"),
        ("category", "Home > Kitchen"),
        ("category", "Outdoor"),
        ("brand", "Aldo"),
        ("min_price", "1.5"),
        ("max_price", "1.5"),
        ("in_stock", "TRUE"),
        ("exclude", "a"),
        ("offset", "1000"),
        ("exclude_category", "Shoes"),
        ("exclude_brand", "Brimm"),
        ("min_score", "0.25"),
        ("one_per", "group"),
        ("fields", "name, price,,name"),
        ("fields", "brand"),
        ("price_within", "0.5"),
        ("cheaper", "1"),
        ("same_brand", "false"),
        ("same_category", "0"),
    )

    filters = params.to_filters()
    assert params.to_choice() == Choice(100, 1000, 0.25, 0.0, "group")
    assert params.to_rules() == Rules(0.5, True, False, False)
    assert params.to_fields() == ("name", "price", "brand")
    assert filters.not_categories == ("Shoes",)
    assert filters.not_brands == ("Brimm",)
    assert filters.categories == ("Home > Kitchen", "Outdoor")
    assert filters.brands == ("Aldo",)
    assert (filters.min_price, filters.max_price) == (1.5, 1.5)
    assert filters.in_stock is True
    assert filters.exclude == {b'"a"'}


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ("a,b", {b'"a"', b'"b"', b'"a,b"'}),
        ("a, b", {b'"a"', b'"b"', b'"a, b"'}),
        ("5", {b'"5"', b'{"$numberInt":"5"}'}),
        (
            "0123456789abcdef01234567",
            {
                b'"0123456789abcdef01234567"',
                b'{"$oid":"0123456789abcdef01234567"}',
            },
        ),
        ("~InRpbGRlIg", {b'"tilde"'}),
        ("~?", set()),
    ],
)
def test_excluded_addresses_become_keys(value, keys):
    """
    All that an address may mean is excluded; an id may itself hold a comma.
    """
    assert make_params(("exclude", value)).to_filters().exclude == keys


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "ten"),
        ("limit", ""),
        ("limit", "9" * 5000),
        ("limit", "5.0"),
        ("limit", "1_0"),
        ("limit", " 5"),
        ("limit", "\u0665"),
        ("min_price", "-1"),
        ("min_price", "nan"),
        ("max_price", "inf"),
        ("max_price", "1e999"),
        ("max_price", "1_0"),
        ("max_price", "ten"),
        ("in_stock", "maybe"),
        ("in_stock", "2"),
        ("category", ""),
        ("brand", ""),
        ("offset", "-1"),
        ("offset", "1001"),
        ("exclude_category", ""),
        ("exclude_brand", "x" * 501),
        ("min_score", "1.01"),
        ("diversity", "-0.1"),
        ("one_per", ""),
        ("price_within", "10.5"),
        ("cheaper", "yes"),
    ],
)
def test_wrong_value(name, value):
    """
    A wrong value is named with its parameter and with what would be right.
    """
    (fault,) = faults_of((name, value))

    assert fault["parameter"] == name
    assert fault["value"] == value[:80]
    assert fault["message"].startswith(("should ", "must "))
    assert fault["remedy"].startswith("Give ")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("limt", "'limit'"),
        ("Limit", "'limit'"),
        ("minprice", "'min_price'"),
        ("diverse", "'diversity'"),
        ("zzz", "Known here: after, brand, category"),
    ],
)
def test_unknown_parameter(name, remedy):
    """
    A parameter that is not known is refused, with the nearest that is.
    """
    (fault,) = faults_of((name, "1"))

    assert fault["parameter"] == name
    assert remedy in fault["remedy"]


def test_prices_that_leave_nothing():
    """
    A least price above the greatest one is refused.
    """
    (fault,) = faults_of(("min_price", "10"), ("max_price", "9.5"))

    assert fault["parameter"] == "max_price"
    assert "min_price=10" in fault["message"]


def test_diversity_has_its_bounds():
    """
    Only so many products are compared with each other.
    """
    good = make_params(("diversity", "1"), ("offset", "100"), ("limit", "100"))
    (fault,) = faults_of(("diversity", "0.1"), ("offset", "191"))

    assert good.to_choice().diversity == 1
    assert fault["parameter"] == "diversity"
    assert "offset + limit" in fault["message"]


def test_two_values_where_one_can_be():
    """
    Which of two limits was meant cannot be known.
    """
    (fault,) = faults_of(("limit", "5"), ("limit", "6"))

    assert fault["value"] == "5, 6"


def test_all_faults_at_once():
    """
    The caller learns everything from one answer, in the detail too.
    """
    pairs = [
        ("limit", "0"),
        ("in_stock", "x"),
        ("min_price", "3"),
        ("max_price", "2"),
        ("colour", "red"),
        ("brand", "a"),
        ("brand", ""),
    ]

    faults = faults_of(*pairs)

    named = {"limit", "in_stock", "max_price", "colour", "brand"}
    assert {fault["parameter"] for fault in faults} == named
    with pytest.raises(Problem) as caught:
        make_params(*pairs)
    assert all(name in caught.value.detail for name in named)


def test_where_nothing_is_taken():
    """
    An address without parameters says so.
    """
    (fault,) = faults_of(("limit", "1"), kind=NoParams)

    assert "nothing is taken" in fault["remedy"]


@pytest.mark.parametrize(("value", "full"), [("1", True), ("false", False)])
def test_full_training(value, full):
    """
    `full` is a truth value.
    """
    assert parse(TrainParams, MultiDict(full=value)).full is full
