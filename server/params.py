"""
What was asked, typed.

The models say what each address takes, as JSON has it; a query string is read into
the same types first (`server.parsing`). They are the one definition that requests are
held against and that the published description is made of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
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
from server.moments import to_moment
from server.parsing import Parameters


LARGEST_LIMIT: Final = 100
LARGEST_OFFSET: Final = 1_000
LARGEST_PRICE_PART: Final = 10
LARGEST_WEIGHT: Final = 100
LONGEST_NAME: Final = 500
LONGEST_TEXT: Final = 300
LONGEST_WAIT_MS: Final = 10_000
MOST_ITEMS: Final = 100
MOST_WIDGETS: Final = 20
_FILTERING: Final = frozenset(
    {
        "category", "exclude_category", "brand", "exclude_brand", "min_price",
        "max_price", "in_stock", "exclude",
    }
)  # fmt: skip


Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Moment = Annotated[
    ClusterTime,
    PlainValidator(to_moment),
    WithJsonSchema({"type": "string", "examples": ["1795557763.1073"]}),
]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


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
