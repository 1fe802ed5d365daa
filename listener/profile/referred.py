"""
Which collections have the names of what products only refer to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from listener.profile.candidates import share, to_candidates
from listener.profile.decision import LEAST, Decision, Referred, decide
from listener.profile.paths import Document, paths_of
from listener.references import ROLES
from listener.values.paths import Path
from listener.values.references import is_id, to_references


MOST_IDS: Final = 200  # of a sample that are looked for
HELD: Final = 0.9  # of them that a collection must have, as some may lead nowhere
PARENTS: Final = (
    "parent",
    "parentCategory",
    "parent_category",
    "parentId",
    "parent_id",
    "parentID",
)

# Returns the documents of some ids by the collection that has them, of the same
# database, as far as it may be followed; may raise ListenerError.
LookUp = Callable[[Sequence[object]], Mapping[str, Sequence[Document]]]


def decide_with(documents: Sequence[Document], look_up: LookUp) -> Decision:
    """
    Return what *documents* say, and what says the rest.

    Raises:
        ListenerError: As *look_up* does.
    """
    decision = decide(documents)
    found = {
        role: _to_referred(Path.parse(path), documents, look_up)
        for role, path in decision.references.items()
        if role in ROLES
    }
    clear = {role: one for role, one in found.items() if one is not None}
    return replace(decision, referred=clear)


def _to_referred(
    path: Path, documents: Sequence[Document], look_up: LookUp
) -> Referred | None:
    """
    Return the one collection that has the ids and names for them; None when there is
    none, or it is not clear which.
    """
    ids = {id_ for document in documents for id_ in to_references(document, path)}
    sought = sorted(ids, key=repr)[:MOST_IDS]
    if not sought:
        return None
    found: list[Referred] = []
    for collection, some in look_up(sought).items():
        held, name = len(some) / len(sought), _name_of(some)
        if held >= HELD and name and collection.isprintable():
            parent = _parent_of(some, collection, look_up)
            found.append(Referred(collection, name, parent, held))
    return found[0] if len(found) == 1 else None


def _name_of(documents: Sequence[Document]) -> str:
    candidates = [
        one
        for one in to_candidates(documents, paths_of(documents))
        if one.role == "name" and one.sure >= LEAST and share(one.values) >= HELD
    ]
    return max(candidates, key=lambda one: one.sure).path if candidates else ""


def _parent_of(documents: Sequence[Document], collection: str, look_up: LookUp) -> str:
    """
    Return the field that has ids of the same collection; empty when there is none.
    """
    for name in PARENTS:
        above = {one.get(name) for one in documents if is_id(one.get(name))}
        sought = sorted(above, key=repr)[:MOST_IDS]
        found = look_up(sought).get(collection, ()) if sought else ()
        if found and len(found) >= HELD * len(sought):
            return name
    return ""
