"""
A query string becomes a frozen value, or a list of faults.

What `train` takes stands here, too: both processes have that door, and the listener
needs nothing of what the others take.
"""

from __future__ import annotations

import functools
import re

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar, cast, get_args, get_origin

from multidict import MultiMapping
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recommender.position import ClusterTime
from server.faults import Fault, to_problem, unknown_name


_WHOLE: Final = re.compile(r"-?[0-9]{1,9}")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_SUBJECT: Final = re.compile("(Value error,|Input|String|Tuple|Field) ")  # it is named
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}

T = TypeVar("T", bound="Parameters")


class Parameters(BaseModel):
    """
    What an address takes. A field's description says what its value may be, so that
    it completes the sentence "Give …".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TrainParams(Parameters):
    """
    What `train` takes.
    """

    full: bool = Field(
        default=False, description="true to train from scratch: true or false"
    )


def parse(kind: type[T], query: MultiMapping[str]) -> T:
    """
    Return the parameters in *query*.

    Raises:
        Problem: 400, with all faults: each parameter that is not known, with the
            nearest known name, and each wrong value with what would be right.
    """
    if not query and _is_optional(kind):
        return cast("T", _default(kind))
    values, faults = _read(kind, query)
    known = {fault.parameter for fault in faults}
    try:
        parameters = kind(**values)
    except ValidationError as error:
        wrong = [_wrong(kind, fault, query) for fault in error.errors()]
        faults += [fault for fault in wrong if fault.parameter not in known]
    else:
        if not faults:
            return parameters
    raise to_problem(faults)


@functools.cache
def _is_optional(kind: type[Parameters]) -> bool:
    return not any(field.is_required() for field in kind.model_fields.values())


@functools.cache
def _default(kind: type[Parameters]) -> Parameters:
    return kind()


def _read(
    kind: type[Parameters], query: MultiMapping[str]
) -> tuple[dict[str, Any], list[Fault]]:
    """
    Return the values in *query* as JSON has them, and what could not be read.
    """
    faults = [
        unknown_name(name, kind.model_fields)
        for name in dict.fromkeys(query)
        if name not in kind.model_fields
    ]
    values: dict[str, Any] = {}
    for name, reader in _readers(kind).items():
        if name not in query:
            continue
        given = query.getall(name)
        try:
            values[name] = reader(given)
        except ValueError as error:
            shown = ", ".join(given)
            faults.append(Fault(name, shown, str(error), _remedy(kind, name)))
    return values, faults


@functools.cache
def _readers(kind: type[Parameters]) -> Mapping[str, Callable[[list[str]], Any]]:
    """
    Return what reads each parameter's values from a query string.
    """
    return {
        name: _reader(field.annotation) for name, field in kind.model_fields.items()
    }


def _reader(annotation: Any) -> Callable[[list[str]], Any]:
    if get_origin(annotation) is tuple:
        return tuple
    read_one = next(_READERS[kind] for kind in _kinds(annotation) if kind in _READERS)

    def read(given: list[str]) -> Any:
        if len(given) > 1:
            msg = "is given more than once"
            raise ValueError(msg)
        return read_one(given[0])

    return read


def _kinds(annotation: Any) -> Iterable[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)


def _to_truth(value: str) -> bool:
    if value.lower() not in _TRUTH:
        msg = "must be true, false, 1 or 0"
        raise ValueError(msg)
    return _TRUTH[value.lower()]


def _to_whole(value: str) -> int:
    if not _WHOLE.fullmatch(value):
        msg = "must be a whole number"
        raise ValueError(msg)
    return int(value)


def _to_number(value: str) -> float:
    if not _NUMBER.fullmatch(value):
        msg = "must be a number"
        raise ValueError(msg)
    return float(value)


_READERS: Final[Mapping[Any, Callable[[str], Any]]] = {
    bool: _to_truth,
    int: _to_whole,
    float: _to_number,
    str: str,
    ClusterTime: str,
}


def _wrong(
    kind: type[Parameters], fault: Mapping[str, Any], query: MultiMapping[str]
) -> Fault:
    name, *place = fault["loc"]
    given = query.getall(name, [])
    shown = given[place[0]] if place else ", ".join(given)
    return Fault(name, shown, to_message(fault["msg"]), _remedy(kind, name))


def to_message(text: str) -> str:
    """
    Return what is said of a value, to be read behind its name.
    """
    return _SUBJECT.sub("", text, count=1)


def _remedy(kind: type[Parameters], name: str) -> str:
    return f"Give {kind.model_fields[name].description}."
