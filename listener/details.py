"""
What only a look at the database and the settings tells of the listener.
"""

from __future__ import annotations

from listener.assembly import open_examination
from listener.errors import ListenerError
from listener.mapping import SHAPING
from recommender.settings import ListenerSettings


def read_details(settings: ListenerSettings, uri: str) -> dict[str, object]:
    """
    Return the settings that shape the model, and over how many seconds the oplog
    reaches; null where it may not be read, or nobody answers.
    """
    return {
        "settings": {name: getattr(settings, name) for name in SHAPING},
        "oplog_window_s": _oplog_window_s(settings, uri),
    }


def _oplog_window_s(settings: ListenerSettings, uri: str) -> int | None:
    try:
        with open_examination(settings, uri) as (database, _):
            oplog = database.oplog()
    except ListenerError:
        return None
    return None if oplog is None else oplog.last_s - oplog.first_s
