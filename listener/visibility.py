"""
Which products a visitor may see, as the operator's query says.
"""

from __future__ import annotations

import json

from collections.abc import Mapping, Set
from typing import Any, Final, NoReturn

from bson import json_util
from bson.errors import BSONError
from bson.json_util import CANONICAL_JSON_OPTIONS

from listener.query import QueryFault, Test, compile_query, paths_of
from listener.values.paths import Path
from recommender.errors import SettingsFault
from recommender.settings import ListenerSettings, to_variable


EXAMPLE: Final = '{"status": "approved"}'

# What the readers of JSON and of its extended types raise at what they can't read.
_UNREADABLE: Final = (
    ArithmeticError, AttributeError, BSONError, LookupError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip


class Visibility:
    """
    Says whether a document is of a product that a visitor may see; or one of whatever
    kind another setting's query chooses.

    Attributes:
        paths: Where in a document it looks.

    Raises:
        SettingsFault: The query is none, or asks for what a document alone can't tell.
    """

    def __init__(self, visible_when: str, setting: str = "visible_when") -> None:
        query = _to_query(visible_when, setting)
        self.paths: Set[Path] = frozenset(paths_of(query))
        self._test = _compile(query, visible_when, setting)

    @property
    def roots(self) -> Set[str]:
        """
        The fields that it looks at.
        """
        return frozenset(path.root for path in self.paths)

    def matches(self, document: Mapping[str, Any]) -> bool:
        """
        Return whether *document* matches the query.
        """
        return self._test(document)


def _to_query(text: str, setting: str) -> Mapping[str, Any]:
    try:
        query = json.loads(text, object_hook=_to_typed)
    except _UNREADABLE as error:
        _refuse(text, setting, f"no extended JSON: {error}")
    if not isinstance(query, dict):
        _refuse(text, setting, "a query is a JSON object")
    return query


def _to_typed(value: Mapping[str, Any]) -> Any:
    if "$regex" in value:  # an operator, though an older extended JSON had it as a type
        return value
    return json_util.object_hook(value, CANONICAL_JSON_OPTIONS)


def _compile(query: Mapping[str, Any], text: str, setting: str) -> Test:
    try:
        return compile_query(query)
    except QueryFault as fault:
        _refuse(text, setting, str(fault))


def _refuse(text: str, setting: str, fault: str) -> NoReturn:
    name = to_variable(ListenerSettings, setting)
    raise SettingsFault([f"{name}={text}: {fault}; write it like {EXAMPLE}"])
