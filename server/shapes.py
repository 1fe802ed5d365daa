"""
What answers hold, for the published description; tests hold real answers against it.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema


Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Share = Annotated[float, Field(ge=0, le=1)]
Absent = SkipJsonSchema[None]  # left out rather than null


class Shape(BaseModel):
    """
    A JSON object of ours.
    """

    model_config = ConfigDict(extra="forbid")


class Model(Shape):
    """
    What the answer was made from.
    """

    generation: int = Field(description="number of the published model")
    as_of: Time = Field(
        description="every write acknowledged at or before this is in the answer"
    )
    cluster_time: str = Field(
        pattern="^[0-9]+:[0-9]+$", description="the same, as seconds:increment"
    )
    lag_ms: int | None = Field(
        description="how far that is behind the database; null when nobody can tell"
    )
    stale: bool = Field(description="whether newer writes may be missing for long")
    reason: str | Absent = Field(None, description="why, when stale")
    reached: bool | Absent = Field(
        None, description="with after: whether what was waited for is in it"
    )


class Product(BaseModel):
    """
    What a page shows; what the document lacks is absent. Display fields come beside.
    """

    model_config = ConfigDict(extra="allow")

    name: str | Absent = None
    description: str | Absent = Field(None, description="a summary")
    category: list[str] | Absent = Field(None, description="outermost first")
    brand: str | Absent = None
    price: float | Absent = None
    in_stock: bool | Absent = None
    stock: float | Absent = None
    rating: float | Absent = None
    image: str | Absent = None
    created_at: Time | Absent = None


class Term(Shape):
    """
    Something that both products have.
    """

    term: str
    field: Annotated[str, Field(pattern="^(name|description|category|brand)$")]
    contribution: float = Field(gt=0, description="its part of the score")


class Shares(Shape):
    """
    Parts of the score by where it comes from; together 1.
    """

    name: Share
    description: Share
    category: Share
    brand: Share
    other: Share


class Price(Shape):
    """
    How near two prices are.
    """

    closeness: Share = Field(description="the lower divided by the higher")
    difference: float = Field(description="what the product returned costs more")


class Explanation(Shape):
    """
    Why a product was returned.
    """

    sentence: str = Field(description="fit for a page")
    terms: list[Term] = Field(max_length=8, description="the weightiest first")
    shares: Shares
    price: Price | None = Field(description="null unless both have one")


class Item(Shape):
    """
    A product.
    """

    id: str = Field(description="as addresses take it")
    product: Product


class ScoredItem(Item):
    """
    A product in order of likeness.
    """

    score: float = Field(gt=0, le=1, description="the cosine, at nine decimals")
    explain: Explanation | Absent = Field(None, description="with explain=true")


class BoughtShares(Shape):
    """
    Parts of the score; together 1.
    """

    text: Share
    orders: Share


class BoughtExplanation(Shape):
    """
    Why a product was recommended.
    """

    sentence: str = Field(description="fit for a page")
    shares: BoughtShares


class BoughtItem(Item):
    """
    A product, the better the more reason there is.
    """

    score: float = Field(gt=0, le=1, description="at nine decimals")
    orders: int = Field(ge=0, description="that hold both")
    explain: BoughtExplanation | Absent = Field(None, description="with explain=true")


class OrdersModel(Model):
    """
    The orders that it was made from.
    """

    counted: int = Field(ge=0, description="orders that count")
    with_product: int = Field(ge=0, description="of these, with the product seen")


class BoughtProducts(Shape):
    """
    Products, the best first, and the orders behind them.
    """

    items: list[BoughtItem]
    orders: OrdersModel | None = Field(description="null: there are none")
    model: Model


class Products(Shape):
    """
    Products.
    """

    items: list[Item]
    model: Model


class ScoredProducts(Shape):
    """
    Products, the most alike first.
    """

    items: list[ScoredItem]
    model: Model


class Result(Shape):
    """
    The answer to one request of several.
    """

    items: list[ScoredItem]
    unknown: list[str] = Field(description="ids that mean no product for this caller")


class Results(Shape):
    """
    The answers to several requests, in order.
    """

    results: list[Result]
    model: Model


class Category(Shape):
    """
    A category.
    """

    path: str = Field(description="may be given as category")
    name: str
    products: int = Field(ge=1, description="visible ones in it and below it")


class Categories(Shape):
    """
    Categories, in order of their paths.
    """

    items: list[Category]
    model: Model


class Checkpoint(Shape):
    """
    What a crash of the listener falls back to.
    """

    generation: int
    as_of: Time
    age_s: float


class Listener(Shape):
    """
    What the listener says of itself.
    """

    since_s: float | None
    failures: int | None
    last_error: str | None
    oplog_window_s: float | None = Field(description="null where it may not be read")
    settings: dict[str, Any] | None = Field(description="that shape the model")


class ModelState(Model):
    """
    The model.
    """

    products: int = Field(description="hidden ones, too")
    visible: int
    state: str | None = Field(description="of the listener; null: it never spoke")
    reason: str = Field(description="why it is stale; empty when it is not")
    checkpoint: Checkpoint | None = Field(None, description="for admins")
    listener: Listener | None = Field(
        None, description="for admins; null when it does not answer"
    )


class Status(Shape):
    """
    All is well.
    """

    status: str


class HealthState(Shape):
    """
    How the server is.
    """

    status: Annotated[str, Field(pattern="^(ok|stale|no_model)$")]
    service: str
    products_count: int
    model: Model | None


class Trained(Shape):
    """
    Everything written before the call is served.
    """

    message: str
    products_count: int


class FaultShape(Shape):
    """
    One thing that is wrong with a request.
    """

    parameter: str
    value: str
    message: str
    remedy: str


class ProblemShape(Shape):
    """
    What went wrong (RFC 9457).
    """

    type: str
    title: str
    status: int
    detail: str = Field(description="for people")
    code: str = Field(description="for programs")
    request_id: str
    errors: list[FaultShape] | Absent = None
