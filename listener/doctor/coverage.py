"""
What the settings find in documents, and what they miss.
"""

from __future__ import annotations

import difflib

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from listener.doctor.database import Document
from listener.doctor.finding import Finding, fail, ok, warn
from listener.fields import Field, FieldMap, Problem
from listener.mapping import Mapper
from listener.values.references import NO_NAMES, Names
from listener.visibility import Visibility
from recommender.settings import PREFIX, ListenerSettings


FIELDS: Final = (
    "name", "description", "tags", "attributes", "category", "brand", "price", "stock",
    "created", "image", "rating",
)  # fmt: skip
# Without any of these a product has no terms, and nothing is like it.
TERMS: Final = ("name", "description", "tags", "attributes", "category", "brand")
USUAL: Final = 0.5  # a field that fewer documents have is worth a word
MOST_NAMES: Final = 3
ALIKE: Final = 0.7
EMPTY: Final = ("", None)


def look_at_fields(
    documents: Sequence[Document], settings: ListenerSettings, names: Names = NO_NAMES
) -> Finding:
    """
    Find out how many of *documents*, which refer to what is in *names*, have which
    field in a usable form, and which other names could be meant where none has.
    """
    if not documents:
        return warn("there is no document to look at", "write products, and ask again")
    counts, problems = _read(documents, settings, names)
    shares = {name: counts[name] / len(documents) for name in FIELDS}
    found = _to_text(shares, len(documents))
    hints = [*_hints(documents, settings, shares), *_complaints(problems)]
    if not any(shares[name] for name in TERMS):
        return fail(f"{found}: nothing to compare products by", _join(hints))
    if not shares["name"]:
        return fail(f"{found}: no product has a name", _join(hints))
    if hints or shares["name"] < USUAL:
        return warn(found, _join(hints))
    return ok(found)


def look_at_visible(
    documents: Sequence[Document], settings: ListenerSettings
) -> Finding:
    """
    Find out how many of *documents* visitors would see.
    """
    mapper = Mapper(settings)
    seen = sum(mapper.to_product(document).product.visible for document in documents)
    if not documents:
        return ok("there is no document to look at")
    found = f"{seen} of {len(documents)} sampled products match {settings.visible_when}"
    if not seen:
        return warn(
            f"{found}: answers would be empty", f"set {PREFIX}VISIBLE_WHEN to a query"
        )
    return ok(found)


def _read(
    documents: Iterable[Document], settings: ListenerSettings, names: Names
) -> tuple[Counter[str], Counter[Problem]]:
    fields = FieldMap(settings)
    counts: Counter[str] = Counter()
    problems: Counter[Problem] = Counter()
    for document in documents:
        its: list[Problem] = []
        for name in FIELDS:
            field: Field[Any] = getattr(fields, name)
            counts[name] += field.read(document, its, names.get(name)) not in EMPTY
        problems.update(set(its))
    return counts, problems


def _hints(
    documents: Sequence[Document],
    settings: ListenerSettings,
    shares: Mapping[str, float],
) -> Iterator[str]:
    paths = set().union(*map(_paths, documents)) - _mapped(settings)
    for field in (name for name in FIELDS if not shares[name]):
        near = [path for path in _near(field, settings, paths)
                if _is_usable(field, path, documents, settings)]  # fmt: skip
        if near:
            variable = f"{PREFIX}{field.upper()}_FIELDS"
            yield f"nothing is found for {field}: {variable}={' or '.join(near)}?"


def _complaints(problems: Counter[Problem]) -> Iterator[str]:
    for problem, count in problems.most_common(MOST_NAMES):
        variable = f"{PREFIX}{problem.field.upper()}_FIELDS"
        yield f"{count} documents have an unusable {problem}; see {variable}"


def _paths(document: Document, before: str = "") -> set[str]:
    """
    Return the names of all fields, with those of subdocuments, one level deep.
    """
    paths = set()
    for name, value in document.items():
        paths.add(f"{before}{name}")
        if isinstance(value, Mapping) and not before:
            paths |= _paths(value, f"{name}.")
    return paths


def _mapped(settings: ListenerSettings) -> set[str]:
    known = (_names(settings, field) for field in FIELDS)
    return {"_id", "__v"}.union(*known, Visibility(settings.visible_when).roots)


def _names(settings: ListenerSettings, field: str) -> tuple[str, ...]:
    names: tuple[str, ...] = getattr(settings, f"{field}_fields")
    return names


def _near(field: str, settings: ListenerSettings, paths: Iterable[str]) -> list[str]:
    """
    Return the paths whose last step is most like one of the field's names.
    """
    wanted = {field, *(name.lower() for name in _names(settings, field))}
    likeness = {path: max(_likeness(path, name) for name in wanted) for path in paths}
    near = sorted(likeness, key=lambda path: (-likeness[path], path))
    return [path for path in near if likeness[path] >= ALIKE][:MOST_NAMES]


def _likeness(path: str, name: str) -> float:
    last = path.rpartition(".")[2].lower()
    if name in last:
        return 1.0
    return difflib.SequenceMatcher(None, last, name).ratio()


def _is_usable(
    field: str, path: str, documents: Iterable[Document], settings: ListenerSettings
) -> bool:
    """
    Return whether any document would have the field if it were looked for there.
    """
    changed = settings.model_copy(update={f"{field}_fields": (path,)})
    reader: Any = getattr(FieldMap(changed), field)
    return any(reader.read(document, []) not in EMPTY for document in documents)


def _to_text(shares: Mapping[str, float], count: int) -> str:
    there = [f"{name} {share:.0%}" for name, share in shares.items() if share]
    never = [name for name, share in shares.items() if not share]
    lacking = f"; never {', '.join(never)}" if never else ""
    return (
        f"of {count} sampled documents have {', '.join(there) or 'none any'}{lacking}"
    )


def _join(hints: Sequence[str]) -> str:
    return "\n".join(hints) or (
        f"name the fields of your documents in {PREFIX}NAME_FIELDS and its like"
    )
