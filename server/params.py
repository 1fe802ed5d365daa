"""
What was asked, typed: a query string becomes a frozen value, or a list of faults.
"""

from __future__ import annotations

import difflib
import re

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, TypeVar, get_origin

from multidict import MultiMapping
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from recommender.address import to_keys
from recommender.snapshot import Filters
from server.problems import Problem


LARGEST_LIMIT: Final = 100
LONGEST_SHOWN: Final = 80  # of a wrong value; the caller knows the rest
_SUBJECT: Final = re.compile("(Value error,|Input|String) ")  # the parameter is it
_OWN_WORDS: Final = {"int_parsing_size": "should have fewer digits"}
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}

T = TypeVar("T", bound="Parameters")


def _to_truth(value: object) -> bool:
    if isinstance(value, str) and value.lower() in _TRUTH:
        return _TRUTH[value.lower()]
    msg = "must be true, false, 1 or 0"
    raise ValueError(msg)


Truth = Annotated[bool, BeforeValidator(_to_truth)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]


class Parameters(BaseModel):
    """
    What an address takes. A field's description says what its value may be, so that
    it completes the sentence "Give …".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class SimilarParams(Parameters):
    """
    What `similar` takes.
    """

    limit: int = Field(
        10,
        ge=1,
        le=LARGEST_LIMIT,
        description=f"a whole number from 1 to {LARGEST_LIMIT}",
    )
    category: tuple[Name, ...] = Field(
        (), description="a category, or a path such as 'Home > Kitchen'; repeatable"
    )
    brand: tuple[Name, ...] = Field((), description="a brand; repeatable")
    min_price: Price | None = Field(None, description="a finite number of at least 0")
    max_price: Price | None = Field(
        None, description="a finite number of at least 0, not below min_price"
    )
    in_stock: Truth | None = Field(None, description="true, false, 1 or 0")
    exclude: tuple[str, ...] = Field(
        (), description="ids of products, separated by commas; repeatable"
    )

    @field_validator("max_price")
    @classmethod
    def _is_a_range(cls, value: float | None, info: ValidationInfo) -> float | None:
        least = info.data.get("min_price")
        if value is not None and least is not None and value < least:
            msg = f"must not be below min_price={least:g}"
            raise ValueError(msg)
        return value

    def to_filters(self) -> Filters:
        """
        Return what the products returned must be.
        """
        return Filters(
            categories=self.category,
            brands=self.brand,
            min_price=self.min_price,
            max_price=self.max_price,
            in_stock=self.in_stock,
            exclude=frozenset(_to_excluded(self.exclude)),
        )


class NoParams(Parameters):
    """
    What an address takes that takes nothing.
    """


class TrainParams(Parameters):
    """
    What `train` takes.
    """

    full: Truth = Field(
        default=False, description="true to train from scratch: true, false, 1 or 0"
    )


def parse(kind: type[T], query: MultiMapping[str]) -> T:
    """
    Return the parameters in *query*.

    Raises:
        Problem: 400, with all faults: each parameter that is not known, with the
            nearest known name, and each wrong value with what would be right.
    """
    if not query:
        return kind()
    faults = [_unknown(kind, name) for name in _names(query, kind, known=False)]
    values: dict[str, Any] = {}
    for name in _names(query, kind, known=True):
        given = query.getall(name)
        if _is_repeatable(kind, name):
            values[name] = tuple(given)
        else:
            values[name] = given[0]
            if len(given) > 1:
                faults.append(_repeated(kind, name, given))
    try:
        parameters = kind(**values)
    except ValidationError as error:
        faults += [_wrong(kind, fault) for fault in error.errors()]
    else:
        if not faults:
            return parameters
    raise Problem(400, "bad_parameters", _to_detail(faults), faults=faults)


def _names(
    query: MultiMapping[str], kind: type[Parameters], *, known: bool
) -> Iterable[str]:
    return [n for n in dict.fromkeys(query) if (n in kind.model_fields) is known]


def _is_repeatable(kind: type[Parameters], name: str) -> bool:
    return get_origin(kind.model_fields[name].annotation) is tuple


def _unknown(kind: type[Parameters], name: str) -> dict[str, str]:
    known = sorted(kind.model_fields)
    nearest = difflib.get_close_matches(name.lower(), known, 1)
    if nearest:
        remedy = f"Did you mean {nearest[0]!r}?"
    elif known:
        remedy = f"Known here: {', '.join(known)}."
    else:
        remedy = "Leave it out: nothing is taken here."
    return _to_fault(name, "", "is not known here", remedy)


def _repeated(
    kind: type[Parameters], name: str, given: Iterable[str]
) -> dict[str, str]:
    message = "is given more than once"
    return _to_fault(name, ", ".join(given), message, _remedy(kind, name))


def _wrong(kind: type[Parameters], fault: Mapping[str, Any]) -> dict[str, str]:
    name = str(fault["loc"][0])
    message = _OWN_WORDS.get(fault["type"]) or _SUBJECT.sub("", str(fault["msg"]))
    return _to_fault(name, str(fault["input"]), message, _remedy(kind, name))


def _remedy(kind: type[Parameters], name: str) -> str:
    return f"Give {kind.model_fields[name].description}."


def _to_fault(name: str, value: str, message: str, remedy: str) -> dict[str, str]:
    return {
        "parameter": name[:LONGEST_SHOWN],
        "value": value[:LONGEST_SHOWN],
        "message": message,
        "remedy": remedy,
    }


def _to_detail(faults: Iterable[Mapping[str, str]]) -> str:
    return " ".join(
        f"{fault['parameter']} {fault['message']}. {fault['remedy']}"
        for fault in faults
    )


def _to_excluded(values: Iterable[str]) -> Iterable[bytes]:
    """
    Return all keys that *values* may mean; an id may itself contain commas.
    """
    for value in values:
        for address in {value, *value.split(",")}:
            yield from to_keys(address.strip())
