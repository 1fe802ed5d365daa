"""
What the desk takes of a product, typed.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field


LONGEST_NAME: Final = 120
LONGEST_DESCRIPTION: Final = 2_000
LONGEST_WORD: Final = 60  # of a tag, a brand or a level of the category
DEEPEST: Final = 4
MOST_TAGS: Final = 20
DEAREST: Final = 10_000_000
MOST_STOCK: Final = 1_000_000

Status = Literal["pending", "approved", "rejected"]
Word = Annotated[str, Field(min_length=1, max_length=LONGEST_WORD)]


class Draft(BaseModel):
    """
    The fields that somebody wants to write; those left out stay as they are.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False
    )

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)] | None = None
    description: Annotated[str, Field(max_length=LONGEST_DESCRIPTION)] | None = None
    category: Annotated[tuple[Word, ...], Field(max_length=DEEPEST)] | None = None
    brand: Annotated[str, Field(max_length=LONGEST_WORD)] | None = None
    price: Annotated[float, Field(ge=0, le=DEAREST)] | None = None
    stock: Annotated[int, Field(ge=0, le=MOST_STOCK)] | None = None
    tags: Annotated[tuple[Word, ...], Field(max_length=MOST_TAGS)] | None = None
    status: Status | None = None

    def to_fields(self) -> dict[str, Any]:
        """
        Return them as a document has them; a null is as good as left out.
        """
        given = self.model_dump(exclude_none=True)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}
