"""
MongoDB's query language, as far as a document alone can answer.

Our own, since visibility must not err: libraries that match in Python compare by `==`
and look fields up their own way. In mongoquery 1.4.3 an absent field does not match
null (so our default would hide every product without a status), true equals 1, `$ne`
holds of arrays with the value in them, an object is a list of conditions, a pattern
is not combined with its options, and an unknown operator is noticed only by the first
document that meets it. A wrapper would have to replace each of its comparisons.
mongomock's filters, meant for tests, differ from a server in some corners too.
"""

from __future__ import annotations

import operator
import re

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bson import DatetimeMS, Decimal128, ObjectId, Regex

from listener.keys import BEYOND_INT64, to_key
from listener.values.kinds import KIND_NUMBERS, to_kind
from listener.values.paths import MISSING, Path, Whole


Test = Callable[[Mapping[str, Any]], bool]
Leaves = Sequence[Any]  # what a path leads to, branch by branch
LeafTest = Callable[[Leaves], bool]
ValueTest = Callable[[Any], bool]


class QueryFault(Exception):  # noqa: N818
    """
    A query asks for what a document alone cannot answer, or is no query.
    """


def compile_query(query: Mapping[str, Any]) -> Test:
    """
    Return a function that says whether a document matches *query*, as `find` does
    with the simple collation.

    An array matches when it or one of its elements does; null matches what is absent;
    numbers compare across their types, and values of other types never.

    Raises:
        QueryFault: Naming the operator, or what is wrong with its operand.
    """
    tests = [_compile_clause(name, operand) for name, operand in query.items()]
    if len(tests) == 1:
        return tests[0]
    return lambda document: all(test(document) for test in tests)


def paths_of(query: Mapping[str, Any]) -> Iterator[Path]:
    """
    Yield where in a document *query* looks, some maybe twice.
    """
    for name, operand in query.items():
        if not name.startswith("$"):
            yield Path.parse(name)
        elif name in _JUNCTIONS:
            for clause in operand:
                yield from paths_of(clause)


def _compile_clause(name: str, operand: Any) -> Test:
    if name in _JUNCTIONS:
        return _compile_junction(name, operand)
    if name == "$comment":
        return lambda _document: True
    if name.startswith("$"):
        raise _not_supported(name, _JUNCTIONS)
    path, test = Path.parse(name), _compile_condition(operand)
    if len(path.steps) == 1:
        return lambda document: test([document.get(name, MISSING)])
    return lambda document: test(path.leaves(document))


def _compile_junction(name: str, operand: Any) -> Test:
    if not _is_list_of_objects(operand) or not operand:
        msg = f"{name} needs a list of conditions"
        raise QueryFault(msg)
    join = _JUNCTIONS[name]
    tests = [compile_query(clause) for clause in operand]
    return lambda document: join(test(document) for test in tests)


def _compile_condition(operand: Any) -> LeafTest:
    """
    Return the test of one field: of operators, of a pattern, or of equality.
    """
    if isinstance(operand, Regex):
        return _any_value(_matches(operand))
    if not _is_of_operators(operand):
        return _any_value(_equals(operand))
    operators = _with_whole_patterns(operand)
    for name in operators.keys() - _OPERATORS.keys():
        raise _not_supported(name, _OPERATORS)
    tests = [_OPERATORS[name](of) for name, of in operators.items()]
    if len(tests) == 1:
        return tests[0]
    return lambda leaves: all(test(leaves) for test in tests)


def _with_whole_patterns(operators: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return *operators*, with `$options` as part of the `$regex` that they belong to.
    """
    whole = dict(operators)
    options = whole.pop("$options", "") if "$regex" in whole else ""
    if isinstance(whole.get("$regex"), str):
        whole["$regex"] = Regex(whole["$regex"], _to_flags(options))
    return whole


def _to_flags(options: object) -> int:
    if not isinstance(options, str) or not set(options) <= set("imsx"):
        msg = "$options may be of i, m, s and x"
        raise QueryFault(msg)
    return sum(getattr(re, option.upper()) for option in set(options))


def _equals(operand: Any) -> ValueTest:
    if operand is None:
        return lambda value: value is None or value is MISSING
    key = to_key(operand)
    return lambda value: value is not MISSING and to_key(value) == key


def _is_one_of(operand: Any) -> ValueTest:
    if not isinstance(operand, list):
        msg = "$in and $nin need a list"
        raise QueryFault(msg)
    patterns = [_matches(one) for one in operand if isinstance(one, Regex)]
    keys = {to_key(one) for one in operand if not isinstance(one, Regex)}
    texts = {one for one in operand if type(one) is str}  # which need no keys

    def test(value: Any) -> bool:
        if type(value) is str and not patterns:
            return value in texts
        key = to_key(None if value is MISSING else value)
        return key in keys or any(matches(value) for matches in patterns)

    return test


def _matches(operand: Any) -> ValueTest:
    if not isinstance(operand, Regex):
        msg = "$regex needs a pattern"
        raise QueryFault(msg)
    try:
        pattern = operand.try_compile()
    except re.error as error:
        msg = f"{operand.pattern!r} is no pattern: {error}"
        raise QueryFault(msg) from error
    return lambda value: isinstance(value, str) and bool(pattern.search(value))


def _compares(compare: Callable[[Any, Any], bool]) -> Callable[[Any], ValueTest]:
    """
    Return what compiles an ordering; only values of one kind have an order.
    """
    is_or_equal = compare(0, 0)

    def compile_(operand: Any) -> ValueTest:
        kind, place = _to_place(operand)
        if kind in _UNORDERED:
            return _equals(operand) if is_or_equal else _never
        if not kind:
            msg = f"values of type {to_kind(operand)} have no order here"
            raise QueryFault(msg)

        def test(value: Any) -> bool:
            its_kind, its_place = _to_place(value)
            return its_kind == kind and compare(its_place, place)

        return test

    return compile_


def _to_place(value: Any) -> tuple[str, Any]:
    """
    Return the kind of *value*, all numbers being one, and its place in their order.
    """
    match value:
        case None:
            return "null", None
        case bool() | ObjectId() | str():
            return to_kind(value), value
        case int() | float() | Decimal128():
            return _to_place_of_number(value)
        case datetime():
            return "date", int(DatetimeMS(value))
        case DatetimeMS():
            return "date", int(value)
    return "", None


def _to_place_of_number(value: float | Decimal128) -> tuple[str, Any]:
    exact = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    return ("nan", None) if exact.is_nan() else ("number", exact)


def _never(_value: Any) -> bool:
    return False


def _has_type(operand: Any) -> LeafTest:
    names = {_to_type(one) for one in (operand if _is_list(operand) else [operand])}
    if "number" in names:
        names |= _NUMBERS
    return _any_value(lambda value: value is not MISSING and to_kind(value) in names)


def _to_type(operand: Any) -> str:
    name = KIND_NUMBERS.get(operand) if isinstance(operand, int) else operand
    if name == "number" or name in KIND_NUMBERS.values():
        return str(name)
    msg = f"$type knows no {operand!r}"
    raise QueryFault(msg)


def _has_remainder(operand: Any) -> ValueTest:
    if not (_is_list(operand) and len(operand) == _PAIR and all(map(_is_int, operand))):
        msg = "$mod needs a divisor and a remainder"
        raise QueryFault(msg)
    divisor, remainder = map(int, operand)
    if divisor == 0:
        msg = "$mod cannot divide by 0"
        raise QueryFault(msg)

    def test(value: Any) -> bool:
        kind, place = _to_place(value)
        if kind != "number" or not -BEYOND_INT64 <= place < BEYOND_INT64:
            return False
        whole = int(place)
        left = abs(whole) % abs(divisor)  # exact beyond what a double holds
        return (left if whole >= 0 else -left) == remainder

    return test


def _has_size(operand: Any) -> LeafTest:
    if not _is_int(operand) or operand < 0:
        msg = "$size needs a number, 0 or more"
        raise QueryFault(msg)
    return lambda leaves: any(
        _is_list(leaf) and len(leaf) == operand for leaf in leaves
    )


def _exists(operand: Any) -> LeafTest:
    wanted = bool(operand)
    return lambda leaves: any(leaf is not MISSING for leaf in leaves) == wanted


def _has_all(operand: Any) -> LeafTest:
    if not _is_list(operand):
        msg = "$all needs a list"
        raise QueryFault(msg)
    tests = [_compile_condition(one) for one in operand]
    return lambda leaves: bool(tests) and all(test(leaves) for test in tests)


def _has_element(operand: Any) -> LeafTest:
    if not isinstance(operand, Mapping):
        msg = "$elemMatch needs conditions"
        raise QueryFault(msg)
    matches = _compile_element(operand)
    return lambda leaves: any(
        matches(element) for leaf in leaves if _is_list(leaf) for element in leaf
    )


def _compile_element(conditions: Mapping[str, Any]) -> ValueTest:
    if _is_of_operators(conditions) and not conditions.keys() & _JUNCTIONS.keys():
        test = _compile_condition(conditions)
        return lambda element: test([_to_whole(element)])
    matches = compile_query(conditions)

    def test_object(element: Any) -> bool:
        if isinstance(element, list):  # its places are the names of its fields
            element = {str(place): item for place, item in enumerate(element)}
        return isinstance(element, Mapping) and matches(element)

    return test_object


def _negated(compile_: Callable[[Any], LeafTest]) -> Callable[[Any], LeafTest]:
    def compile_negation(operand: Any) -> LeafTest:
        test = compile_(operand)
        return lambda leaves: not test(leaves)

    return compile_negation


def _compile_nested(operand: Any) -> LeafTest:
    if not operand or not (isinstance(operand, Regex) or _is_of_operators(operand)):
        msg = "$not needs operators or a pattern"
        raise QueryFault(msg)
    return _compile_condition(operand)


def _of_values(compile_: Callable[[Any], ValueTest]) -> Callable[[Any], LeafTest]:
    return lambda operand: _any_value(compile_(operand))


def _any_value(test: ValueTest) -> LeafTest:
    def test_any(leaves: Leaves) -> bool:
        if len(leaves) == 1 and not isinstance(leaves[0], list):
            return test(leaves[0])
        return any(map(test, _values(leaves)))

    return test_any


def _values(leaves: Leaves) -> Iterator[Any]:
    for leaf in leaves:
        if isinstance(leaf, list) and not isinstance(leaf, Whole):
            yield from leaf
        yield leaf


def _to_whole(element: Any) -> Any:
    return Whole(element) if isinstance(element, list) else element


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list_of_objects(value: Any) -> bool:
    return _is_list(value) and all(isinstance(one, Mapping) for one in value)


def _is_of_operators(operand: Any) -> bool:
    return isinstance(operand, Mapping) and any(
        name.startswith("$") for name in operand
    )


def _not_supported(name: str, known: Mapping[str, object]) -> QueryFault:
    return QueryFault(f"{name} is not supported; known are {', '.join(sorted(known))}")


_PAIR: Final = 2
_NUMBERS: Final = frozenset({"int", "long", "double", "decimal"})
_UNORDERED: Final = frozenset({"null", "nan"})  # equal to themselves, beside all else
_JUNCTIONS: Final[Mapping[str, Callable[[Iterator[bool]], bool]]] = {
    "$and": all,
    "$or": any,
    "$nor": lambda answers: not any(answers),
}
_OPERATORS: Final[Mapping[str, Callable[[Any], LeafTest]]] = {
    "$all": _has_all,
    "$elemMatch": _has_element,
    "$eq": _of_values(_equals),
    "$exists": _exists,
    "$gt": _of_values(_compares(operator.gt)),
    "$gte": _of_values(_compares(operator.ge)),
    "$in": _of_values(_is_one_of),
    "$lt": _of_values(_compares(operator.lt)),
    "$lte": _of_values(_compares(operator.le)),
    "$mod": _of_values(_has_remainder),
    "$ne": _negated(_of_values(_equals)),
    "$nin": _negated(_of_values(_is_one_of)),
    "$not": _negated(_compile_nested),
    "$regex": _of_values(_matches),
    "$size": _has_size,
    "$type": _has_type,
}
