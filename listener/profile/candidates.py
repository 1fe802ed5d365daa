"""
Which paths may mean a role, and how surely each does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from listener.display import plain_extra, to_extra
from listener.fields import Field, FieldMap, Problem
from listener.profile.names import ROLES, is_foreign, standing
from listener.profile.paths import Document
from listener.profile.quality import QUALITIES
from listener.values.paths import Path
from listener.values.usable import REFERENCE
from recommender.settings import ListenerSettings


# Roles that a product has; of the others a person is told.
MAPPED: Final = tuple(
    role for role in ROLES if f"{role}_fields" in ListenerSettings.model_fields
)
BY_VALUES: Final = 0.6  # the standing of a name that says nothing, for what speaks
GOOD: Final = 0.8  # what speaks for itself is at least so good
TITLE_WORDS: Final = (1.5, 15.0)  # on the average
TEXT_WORDS: Final = 12.0
EMPTY: Final = (None, "", ())


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A path that may mean a role.

    Attributes:
        role: One of `ROLES`.
        path: Where it is.
        sure: How surely, from 0 to 1.
        values: What each document of the sample has there; None: nothing of use.
        references: How many documents have a reference there, which says nothing.
    """

    role: str
    path: str
    sure: float
    values: Sequence[Any]
    references: int = 0


def to_candidates(
    documents: Sequence[Document], paths: Mapping[str, bool]
) -> Iterator[Candidate]:
    """
    Yield the candidates among *paths*, see `paths_of`, by their names.
    """
    for path, is_one_of_many in paths.items():
        for role in ROLES:
            by_name = standing(role, path.split("."), is_one_of_many=is_one_of_many)
            if by_name:
                yield _to_candidate(role, path, by_name, documents)


def to_speaking(
    role: str, documents: Sequence[Document], paths: Mapping[str, bool]
) -> Iterator[Candidate]:
    """
    Yield what only its values say of names and descriptions in an unknown language.
    """
    for path, is_one_of_many in paths.items():
        if not is_one_of_many and not is_foreign(path.split(".")):
            found = _to_candidate(role, path, 1.0, documents)
            texts = [value for value in found.values if value not in EMPTY]
            if found.sure >= GOOD and _speaks(role, texts):
                yield _to_candidate(role, path, BY_VALUES, documents)


def read(
    role: str, paths: Iterable[str], documents: Iterable[Document]
) -> tuple[list[Any], int]:
    """
    Return what documents have at the first of *paths* that has something of use, and
    how many have only a reference.
    """
    field = _field(role, tuple(paths))
    values, references = [], 0
    for document in documents:
        problems: list[Problem] = []
        value = field.read(document, problems)
        values.append(None if value in EMPTY else value)
        references += any(problem.reason == REFERENCE for problem in problems)
    return values, references


def share(values: Sequence[Any]) -> float:
    """
    Return how many of *values* are there, from 0 to 1.
    """
    return fmean(value is not None for value in values) if values else 0.0


def _to_candidate(
    role: str, path: str, by_name: float, documents: Sequence[Document]
) -> Candidate:
    values, references = read(role, (path,), documents)
    there = [value for value in values if value is not None]
    quality = QUALITIES[role](there) if there else 0.0
    sure = by_name * quality * (0.4 + 0.6 * share(values))
    return Candidate(role, path, sure, values, references)


def _field(role: str, paths: tuple[str, ...]) -> Field[Any]:
    if role == "parent":
        return Field(role, map(Path.parse, paths), to_extra, plain_extra)
    name = role if role in MAPPED else "rating"  # a number
    its: dict[str, Any] = {f"{name}_fields": paths}
    settings = ListenerSettings.model_construct(**its)
    field: Field[Any] = getattr(FieldMap(settings), name)
    return field


def _speaks(role: str, texts: Sequence[str]) -> bool:
    words = fmean(text.count(" ") + 1 for text in texts)
    if role == "description":
        return words >= TEXT_WORDS
    least, most = TITLE_WORDS
    return least <= words <= most and 2 * len(set(texts)) > len(texts)
