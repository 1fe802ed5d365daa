"""
A decision as a file that a person reads and changes.
"""

from __future__ import annotations

import json

from collections.abc import Iterator, Sequence

from listener.profile.candidates import MAPPED
from listener.profile.decision import Choice, Decision
from listener.profile.names import ROLES


HEAD = """\
# Which fields the products of {collection} have, as found out from {documents} of them.
# What is not named here is where the defaults look for it. Whatever is set elsewhere
# is stronger. Nobody but you changes this file; after a change the model is rebuilt
# aside at the next start. `run_listener.py profile` shows what would be found now.
"""


def to_toml(decision: Decision, collection: str) -> str:
    """
    Return what *decision* sets, and as comments how sure that is and all that it
    leaves alone.
    """
    head = HEAD.format(collection=collection, documents=decision.documents)
    return "".join(f"{line}\n" for line in (head, *_lines(decision)))


def to_said(choice: Choice) -> str:
    """
    Return a choice in a few words.
    """
    return f"{' or '.join(choice.paths)} (sure {choice.sure:.2f}, {choice.share:.0%})"


def to_line(name: str, value: str | Sequence[str]) -> str:
    """
    Return a setting as a line of the file.
    """
    if isinstance(value, str):
        return f"{name} = {_to_string(value)}"
    return f"{name} = [{', '.join(map(_to_string, value))}]"


def _lines(decision: Decision) -> Iterator[str]:
    for role in ROLES:
        if role in decision.referred:
            yield from _to_referred(role, decision)
        else:
            yield _to_role(role, decision)
    seen = f"{decision.visible:.0%} of the sample are visible"
    if decision.visible_when is None:
        yield f"# visible_when: as the defaults have it; {seen}"
    else:
        yield f"{to_line('visible_when', decision.visible_when)}  # {seen}"


def _to_role(role: str, decision: Decision) -> str:
    choice = decision.choices.get(role)
    if choice is None:
        return f"# {role}: {_why_not(decision, role)}"
    if role not in MAPPED:
        return f"# {role}: {to_said(choice)}; nothing makes use of it yet"
    how = f"sure {choice.sure:.2f}, {choice.share:.0%} have it"
    if choice.is_default:
        return f"# {role}: as the defaults have it; {how}"
    return f"{to_line(f'{role}_fields', choice.paths)}  # {how}"


def _to_referred(role: str, decision: Decision) -> Iterator[str]:
    its = decision.referred[role]
    yield (
        f"# {role}: {decision.references[role]} refers to {its.collection}, which has "
        f"{its.held:.0%} of the sampled ids"
    )
    for name, value in decision.settings_of(role).items():
        yield to_line(name, value)


def _why_not(decision: Decision, role: str) -> str:
    path = decision.references.get(role)
    if path is None:
        return "nothing found"
    return f"{path} refers to another collection; it was not found, or not for sure"


def _to_string(text: str) -> str:
    """
    Return *text*, which is printable, as TOML writes strings.
    """
    return json.dumps(text, ensure_ascii=False) if "'" in text else f"'{text}'"
