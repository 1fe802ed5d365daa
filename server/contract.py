"""
Every address with what it takes and what it answers: what `/openapi.json` is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from server import params, shapes
from server.parsing import Parameters, TrainParams


READING: Final = (400, 401, 429, 503)
NO_KEY: Final = "none"
READ_KEY: Final = "read"
ADMIN_KEY: Final = "admin"


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One method of one address.

    Attributes:
        method: In capitals.
        path: With `{id}` where one stands.
        summary: What it does, in a few words.
        answer: Of success; None: a stream of events.
        takes: Parameters of the query string.
        body: None: it takes none.
        problems: Statuses other than success.
        key: Which opens it, where one is needed.
    """

    method: str
    path: str
    summary: str
    answer: type[BaseModel] | None
    takes: type[Parameters] = params.NoParams
    body: type[Parameters] | None = None
    problems: tuple[int, ...] = READING
    key: str = READ_KEY

    @property
    def name(self) -> str:
        """
        The operation's own name.
        """
        words = [part.strip("{}") for part in self.path.split("/") if part]
        return "_".join([self.method.lower(), *words]) or "get_health"


OPERATIONS: Final = (
    Operation(
        "GET",
        "/v1/products/{id}/similar",
        "The products most like one.",
        shapes.ScoredProducts,
        params.SimilarParams,
        problems=(*READING, 404),
    ),
    Operation(
        "GET",
        "/v1/products/{id}/bought-together",
        "What is bought together with a product.",
        shapes.BoughtProducts,
        params.BoughtParams,
        problems=(*READING, 404),
    ),
    Operation(
        "GET",
        "/v1/products/{id}/recommended",
        "What is like a product or bought together with it.",
        shapes.BoughtProducts,
        params.BoughtParams,
        problems=(*READING, 404),
    ),
    Operation(
        "GET",
        "/v1/products/latest",
        "The newest products.",
        shapes.Products,
        params.LatestParams,
    ),
    Operation(
        "GET",
        "/v1/products/{id}",
        "A product.",
        shapes.Products,
        params.ProductParams,
        problems=(*READING, 404),
    ),
    Operation(
        "GET",
        "/v1/search",
        "The products most like some words.",
        shapes.ScoredProducts,
        params.SearchParams,
    ),
    Operation(
        "POST",
        "/v1/recommendations",
        "Several widgets at once, each from any number of products, or from words.",
        shapes.Results,
        body=params.Recommendations,
        problems=(*READING, 408, 413, 415),
    ),
    Operation(
        "GET",
        "/v1/categories",
        "All categories, with how many products are in each.",
        shapes.Categories,
        params.PlainParams,
    ),
    Operation(
        "GET",
        "/v1/model",
        "State, counts and freshness of the model; more with an admin key.",
        shapes.ModelState,
        params.PlainParams,
    ),
    Operation(
        "GET",
        "/v1/events",
        "Server-sent events: new generations, and which products they changed.",
        None,
        params.EventsParams,
    ),
    Operation(
        "GET",
        "/",
        "Health, in the manner of the classic service.",
        shapes.HealthState,
        problems=(429,),
        key=NO_KEY,
    ),
    Operation(
        "GET",
        "/health/live",
        "Whether the process lives.",
        shapes.Status,
        problems=(),
        key=NO_KEY,
    ),
    Operation(
        "GET",
        "/health/ready",
        "Whether it has a model, and is not about to stop.",
        shapes.Status,
        problems=(503,),
        key=NO_KEY,
    ),
    Operation(
        "POST",
        "/train",
        "Waits until everything written before the call is served.",
        shapes.Trained,
        TrainParams,
        problems=(400, 401, 403, 413, 429, 502, 503, 504),
        key=ADMIN_KEY,
    ),
)
