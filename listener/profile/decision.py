"""
From a sample of documents to the settings that read them: a pure function.

What the defaults read as well stays as it is; so shops for which they are made see no
difference, and the file that keeps a decision is short.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from listener.profile.candidates import (
    MAPPED,
    Candidate,
    read,
    share,
    to_candidates,
    to_speaking,
)
from listener.profile.names import ROLES
from listener.profile.paths import Document, paths_of
from listener.profile.visible import to_query
from listener.visibility import Visibility
from recommender.settings import DEFAULT_VISIBLE_WHEN, ListenerSettings


LEAST: Final = 0.5  # less sure than this is not decided
MARGIN: Final = 0.1  # by which something else must be surer than a default
ADDS: Final = 0.02  # of the documents, for which a further path is worth naming
MOST_PATHS: Final = 3  # of one field
SPEAKING: Final = ("name", "description")  # found by values alone, if need be


@dataclass(frozen=True, slots=True)
class Choice:
    """
    Where a role's values are.

    Attributes:
        paths: The first that has something of use counts.
        sure: How surely the first of them is meant, from 0 to 1.
        share: How many of the documents have one, from 0 to 1.
        is_default: Whether the default reads them as well.
    """

    paths: tuple[str, ...]
    sure: float
    share: float
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Referred:
    """
    What has the names that documents only refer to.

    Attributes:
        collection: Of the same database.
        name: Where its documents have them.
        parent: Where they refer to the one above; empty when they don't.
        held: How many of the references lead to one, from 0 to 1.
    """

    collection: str
    name: str
    parent: str
    held: float


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What a sample says.

    Attributes:
        documents: How many there are in the sample.
        choices: By role, as far as one is sure; see `listener.profile.names.ROLES`.
        visible_when: The query for what visitors may see; None: the default.
        visible: How many of the documents match it, from 0 to 1.
        references: By role, paths that only refer to other collections.
        referred: By role, those collections, as far as they are known.
    """

    documents: int
    choices: Mapping[str, Choice]
    visible_when: str | None
    visible: float
    references: Mapping[str, str]
    referred: Mapping[str, Referred] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """
        The settings that differ from the defaults.
        """
        found: dict[str, Any] = {
            f"{role}_fields": self.choices[role].paths
            for role in MAPPED
            if role in self.choices and not self.choices[role].is_default
        }
        for role in self.referred:
            found |= self.settings_of(role)
        if self.visible_when is not None:
            found["visible_when"] = self.visible_when
        return found

    def settings_of(self, role: str) -> dict[str, Any]:
        """
        Return those that differ from the defaults for what is referred to.
        """
        path, its = self.references[role], self.referred[role]
        wanted: dict[str, Any] = {
            f"{role}_fields": (path,),
            f"{role}_collection": its.collection,
            f"{role}_name": its.name,
        }
        if its.parent and role == "category":
            wanted["category_parent"] = its.parent
        if path in usual_paths(role):
            del wanted[f"{role}_fields"]
        usual = ListenerSettings.model_fields
        return {
            name: value
            for name, value in wanted.items()
            if value != usual[name].default
        }


def decide(documents: Sequence[Document]) -> Decision:
    """
    Return what *documents* say. Among paths that are equally sure, what the defaults
    name comes first, then what comes first in the documents.
    """
    paths = paths_of(documents)
    candidates = [*to_candidates(documents, paths)]
    meant = {one.path for one in candidates if one.sure >= LEAST}
    for role in SPEAKING:
        if not any(one.role == role and one.sure >= LEAST for one in candidates):
            others = {path: many for path, many in paths.items() if path not in meant}
            candidates += to_speaking(role, documents, others)
    choices = _choose(candidates, [*paths])
    query = to_query(documents, paths)
    return Decision(
        documents=len(documents),
        choices={
            role: _unless_default(role, choice, candidates, documents)
            for role, choice in choices.items()
        },
        visible_when=query,
        visible=_visible(query or DEFAULT_VISIBLE_WHEN, documents),
        references=_references(candidates, choices),
    )


def _choose(candidates: Iterable[Candidate], order: Sequence[str]) -> dict[str, Choice]:
    """
    Return the surest path of each role, and those that add to it. No path means two.
    """
    places = {path: place for place, path in enumerate(order)}

    def rank(one: Candidate) -> tuple[float, int, int]:
        usual = usual_paths(one.role)
        at = usual.index(one.path) if one.path in usual else len(usual)
        return -round(one.sure, 2), at, places[one.path]

    sure = sorted((one for one in candidates if one.sure >= LEAST), key=rank)
    owners: dict[str, str] = {}
    first: dict[str, Candidate] = {}
    for one in sure:
        if one.role not in first and one.path not in owners:
            first[one.role], owners[one.path] = one, one.role
    others: dict[str, list[Candidate]] = defaultdict(list)
    for one in sure:
        if one.path not in owners:
            others[one.role].append(one)
    return {
        role: _with_more(first[role], others[role]) for role in ROLES if role in first
    }


def _with_more(first: Candidate, others: Iterable[Candidate]) -> Choice:
    paths, values = [first.path], list(first.values)
    for one in others:
        filled = [
            a if a is not None else b for a, b in zip(values, one.values, strict=True)
        ]
        if len(paths) < MOST_PATHS and share(filled) - share(values) >= ADDS:
            paths.append(one.path)
            values = filled
    return Choice(tuple(paths), first.sure, share(values))


def _unless_default(
    role: str,
    choice: Choice,
    candidates: Iterable[Candidate],
    documents: Sequence[Document],
) -> Choice:
    """
    Return the default if it reads the sample as well.
    """
    usual = usual_paths(role)
    if not usual:
        return choice
    values, _ = read(role, usual, documents)
    sure = {one.path: one.sure for one in candidates if one.role == role}
    its = next((sure[path] for path in usual if sure.get(path)), 0.0)
    is_same = values == read(role, choice.paths, documents)[0]
    is_near = its >= choice.sure - MARGIN and share(values) > choice.share - ADDS
    if is_same or is_near:
        return Choice(usual, its, share(values), is_default=True)
    return choice


def usual_paths(role: str) -> tuple[str, ...]:
    """
    Return where the defaults look for a role; nowhere for what no product has.
    """
    its = ListenerSettings.model_fields.get(f"{role}_fields")
    return () if its is None else tuple(its.default)


def _visible(query: str, documents: Sequence[Document]) -> float:
    matches = Visibility(query).matches
    found = [True if matches(document) else None for document in documents]
    return share(found)


def _references(
    candidates: Iterable[Candidate], choices: Mapping[str, Choice]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in candidates:
        is_told = one.role in choices or one.role not in MAPPED
        if one.references and not is_told:
            found.setdefault(one.role, one.path)
    return found
