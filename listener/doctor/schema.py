"""
What was found out about the documents, and whether it still fits them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from listener.doctor.database import Document
from listener.doctor.finding import Finding, ok, warn
from listener.profile.candidates import MAPPED, read, share
from listener.profile.decision import Decision, decide
from listener.profile.first_start import ENOUGH
from listener.profile.page import to_line, to_said
from listener.visibility import Visibility
from recommender.settings import ListenerSettings, schema_of


WORSE: Final = 0.2  # of the documents: by so much less may be read, or seen otherwise


def look_at_schema(
    documents: Sequence[Document], settings: ListenerSettings
) -> Finding:
    """
    Find out what is kept, and whether a fresh sample says something clearly better.
    Whatever is set elsewhere is nobody's business here.
    """
    path = settings.schema_path
    if not path.exists():
        return ok(_to_come(documents, settings))
    named = ", ".join(schema_of(settings)) or "nothing, so the defaults hold"
    found = f"{path} names {named}"
    if len(documents) < ENOUGH:
        return ok(found)
    hints = [*_hints(decide(documents), documents, settings)]
    if hints:
        return warn(
            f"{found}; it no longer fits the documents",
            "\n".join(("see `run_listener.py profile`, and write into it", *hints)),
        )
    return ok(found)


def expected(
    documents: Sequence[Document], settings: ListenerSettings
) -> ListenerSettings:
    """
    Return the settings that will be in effect when the listener has started for the
    first time.
    """
    if len(documents) < ENOUGH or settings.schema_path.exists():
        return settings
    found = decide(documents).settings
    new = {name: found[name] for name in found.keys() - settings.model_fields_set}
    return settings.model_copy(update=new)


def _to_come(documents: Sequence[Document], settings: ListenerSettings) -> str:
    if len(documents) < ENOUGH:
        return (
            f"{settings.schema_path} is not there: a first start finds nothing out "
            f"from less than {ENOUGH} documents"
        )
    choices = decide(documents).choices
    said = ", ".join(
        f"{role} in {to_said(choices[role])}"
        for role in MAPPED
        if role in choices and not choices[role].is_default
    )
    return (
        f"{settings.schema_path} is not there: a first start would find out now "
        f"{said or 'nothing, so that the defaults hold'}"
    )


def _hints(
    decision: Decision, documents: Sequence[Document], settings: ListenerSettings
) -> Iterator[str]:
    for role in MAPPED:
        name, choice = f"{role}_fields", decision.choices.get(role)
        if choice is not None and _is_ours(settings, name):
            values, _ = read(role, getattr(settings, name), documents)
            if choice.share - share(values) >= WORSE:
                yield f"{to_line(name, choice.paths)}: not {share(values):.0%}"
    if _is_ours(settings, "visible_when") and decision.visible_when is not None:
        matches = Visibility(settings.visible_when).matches
        seen = sum(map(matches, documents)) / len(documents)
        if abs(seen - decision.visible) >= WORSE:
            line = to_line("visible_when", decision.visible_when)
            yield f"{line}: {decision.visible:.0%} are visible, not {seen:.0%}"


def _is_ours(settings: ListenerSettings, name: str) -> bool:
    usual = ListenerSettings.model_fields[name].default
    its = getattr(settings, name)
    kept = schema_of(settings).get(name, usual)
    return its in {usual, tuple(kept) if isinstance(kept, list) else kept}
