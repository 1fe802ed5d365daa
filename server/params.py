"""
What was asked, typed: a query string becomes a frozen value, or a list of faults.

The models say what each address takes, as JSON has it; a query string is read into
the same types first. They are the one definition that requests are held against and
that the published description is made of.
"""

from __future__ import annotations

import functools
import re

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, TypeVar, cast, get_args, get_origin

from multidict import MultiMapping
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema

from recommender.address import to_keys
from recommender.filters import NO_FILTERS, Filters
from recommender.position import ClusterTime
from recommender.ranking import POOL, Choice
from recommender.relations import Rules
from server.faults import Fault, to_problem, unknown_name
from server.moments import to_moment


LARGEST_LIMIT: Final = 100
LARGEST_OFFSET: Final = 1_000
LARGEST_PRICE_PART: Final = 10
LARGEST_WEIGHT: Final = 100
LONGEST_NAME: Final = 500
LONGEST_TEXT: Final = 300
LONGEST_WAIT_MS: Final = 10_000
MOST_ITEMS: Final = 100
MOST_WIDGETS: Final = 20
_WHOLE: Final = re.compile(r"-?[0-9]{1,9}")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_SUBJECT: Final = re.compile("(Value error,|Input|String|Tuple|Field) ")  # it is named
_FILTERING: Final = frozenset(
    {
        "category", "exclude_category", "brand", "exclude_brand", "min_price",
        "max_price", "in_stock", "exclude",
    }
)  # fmt: skip
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}

T = TypeVar("T", bound="Parameters")


Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Moment = Annotated[
    ClusterTime,
    PlainValidator(to_moment),
    WithJsonSchema({"type": "string", "examples": ["1795557763.1073"]}),
]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class Parameters(BaseModel):
    """
    What an address takes. A field's description says what its value may be, so that
    it completes the sentence "Give …".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Listing(Parameters):
    """
    Which products of a list are shown, and what of them.
    """

    limit: int = Field(
        10,
        ge=1,
        le=LARGEST_LIMIT,
        description=f"a whole number from 1 to {LARGEST_LIMIT}",
    )
    offset: int = Field(
        0,
        ge=0,
        le=LARGEST_OFFSET,
        description=f"a whole number from 0 to {LARGEST_OFFSET}",
    )
    category: tuple[Name, ...] = Field(
        (), description="a category, or a path such as 'Home > Kitchen'; repeatable"
    )
    exclude_category: tuple[Name, ...] = Field(
        (), description="a category, or a path such as 'Home > Kitchen'; repeatable"
    )
    brand: tuple[Name, ...] = Field((), description="a brand; repeatable")
    exclude_brand: tuple[Name, ...] = Field((), description="a brand; repeatable")
    min_price: Price | None = Field(None, description="a finite number of at least 0")
    max_price: Price | None = Field(
        None, description="a finite number of at least 0, not below min_price"
    )
    in_stock: bool | None = Field(None, description="true or false")
    exclude: tuple[str, ...] = Field(
        (), description="ids of products, separated by commas; repeatable"
    )
    one_per: Name | None = Field(
        None, description="a field of the products shown, such as brand"
    )
    fields: tuple[str, ...] = Field(
        (), description="fields of products, separated by commas; repeatable"
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
        Return what the products returned must be, but for rules.
        """
        if self.model_fields_set.isdisjoint(_FILTERING):
            return NO_FILTERS
        return Filters(
            categories=self.category,
            not_categories=self.exclude_category,
            brands=self.brand,
            not_brands=self.exclude_brand,
            min_price=self.min_price,
            max_price=self.max_price,
            in_stock=self.in_stock,
            exclude=frozenset(_to_excluded(self.exclude)),
        )

    def to_choice(self) -> Choice:
        """
        Return how many are taken of those that pass, and which.
        """
        return Choice(self.limit, self.offset, one_per=self.one_per or "")

    def to_fields(self) -> tuple[str, ...]:
        """
        Return which fields of a product are shown; none means all.
        """
        return to_fields(self.fields)


class Fresh(Parameters):
    """
    What an answer must hold.
    """

    after: Moment | None = Field(
        None,
        description=(
            "an operationTime as seconds.increment, or an ISO 8601 time with its zone"
        ),
    )
    wait_ms: int = Field(
        2_000,
        ge=0,
        le=LONGEST_WAIT_MS,
        description=f"a whole number from 0 to {LONGEST_WAIT_MS}",
    )


class Selection(Listing):
    """
    What is asked of a list in order of likeness.
    """

    min_score: Part = Field(0.0, description="a number from 0 to 1")
    diversity: Part = Field(
        0.0, description=f"a number from 0 to 1; above 0 within the best {POOL} only"
    )

    explain: bool = Field(default=False, description="true or false")

    @field_validator("diversity")
    @classmethod
    def _is_within_the_pool(cls, value: float, info: ValidationInfo) -> float:
        end = info.data.get("offset", 0) + info.data.get("limit", 0)
        if value and end > POOL:
            msg = f"must be 0 where offset + limit is above {POOL}"
            raise ValueError(msg)
        return value

    def to_choice(self) -> Choice:
        """
        Return how many are taken of those that pass, and which.
        """
        return Choice(
            self.limit,
            self.offset,
            self.min_score,
            self.diversity,
            self.one_per or "",
        )


class Relative(Parameters):
    """
    How products must stand to the one seen.
    """

    price_within: float | None = Field(
        None,
        ge=0,
        le=LARGEST_PRICE_PART,
        allow_inf_nan=False,
        description=(
            f"a number from 0 to {LARGEST_PRICE_PART}, such as 0.25 for a quarter"
        ),
    )
    cheaper: bool | None = Field(None, description="true or false")
    same_brand: bool | None = Field(None, description="true or false")
    same_category: bool | None = Field(None, description="true or false")

    def to_rules(self) -> Rules:
        """
        Return the rules.
        """
        return Rules(
            self.price_within, self.cheaper, self.same_brand, self.same_category
        )


class SimilarParams(Selection, Relative, Fresh):
    """
    What `similar` takes.
    """


class BoughtParams(Listing, Relative, Fresh):
    """
    What `bought-together` and `recommended` take.
    """

    min_score: Part = Field(0.0, description="a number from 0 to 1")
    explain: bool = Field(default=False, description="true or false")

    def to_choice(self) -> Choice:
        """
        Return how many are taken of those that pass, and which.
        """
        return Choice(
            self.limit, self.offset, self.min_score, one_per=self.one_per or ""
        )


class SearchParams(Selection, Fresh):
    """
    What `search` takes.
    """

    q: str = Field(
        min_length=1,
        max_length=LONGEST_TEXT,
        description=f"the words to look for, 1 to {LONGEST_TEXT} characters",
    )


class LatestParams(Listing, Fresh):
    """
    What `latest` takes.
    """


class Weighted(Parameters):
    """
    Give an id, or an object of id and weight.
    """

    id: str = Field(max_length=LONGEST_NAME, description="the id of a product")
    weight: float = Field(
        1.0,
        gt=0,
        le=LARGEST_WEIGHT,
        allow_inf_nan=False,
        description=f"a number above 0, at most {LARGEST_WEIGHT}",
    )

    @model_validator(mode="before")
    @classmethod
    def _is_an_id(cls, value: object) -> object:
        return {"id": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """
        Say that a plain id will do.
        """
        plain = {"type": "string", "maxLength": LONGEST_NAME}
        return {"anyOf": [plain, handler(core_schema)]}


class Widget(Selection, Relative):
    """
    Give an object with items, q, or both.
    """

    items: tuple[Weighted, ...] = Field(
        (),
        max_length=MOST_ITEMS,
        description=f"at most {MOST_ITEMS} ids, or objects of id and weight",
    )
    negative: tuple[Weighted, ...] = Field(
        (),
        max_length=MOST_ITEMS,
        description=f"at most {MOST_ITEMS} ids, or objects of id and weight",
    )
    q: str | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_TEXT,
        description=f"words to look for, 1 to {LONGEST_TEXT} characters",
    )

    @model_validator(mode="after")
    def _is_about_something(self) -> Widget:
        if not self.items and self.q is None:
            msg = "needs items or q"
            raise ValueError(msg)
        return self


class Recommendations(Fresh):
    """
    Give an object with requests.
    """

    requests: tuple[Widget, ...] = Field(
        min_length=1,
        max_length=MOST_WIDGETS,
        description=f"1 to {MOST_WIDGETS} objects with items, q, or both",
    )


class ProductParams(Fresh):
    """
    What a product itself takes.
    """

    fields: tuple[str, ...] = Field(
        (), description="fields of products, separated by commas; repeatable"
    )


class PlainParams(Fresh):
    """
    What an address takes that has nothing to choose from.
    """


class EventsParams(Parameters):
    """
    What the stream of events takes.
    """

    key: str | None = Field(None, description="a read key, where one is needed")


class NoParams(Parameters):
    """
    What an address takes that takes nothing.
    """


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


def to_fields(values: Iterable[str]) -> tuple[str, ...]:
    """
    Return the names in *values*, each of which may hold several with commas between.
    """
    names = (name.strip() for value in values for name in value.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def _to_excluded(values: Iterable[str]) -> Iterable[bytes]:
    """
    Return all keys that *values* may mean; an id may itself contain commas.
    """
    for value in values:
        for address in {value, *value.split(",")}:
            yield from to_keys(address.strip())
