"""
What more there is to say of the listener than its state.
"""

from __future__ import annotations

from listener.mapping import shape_of
from listener.status import Status
from recommender.settings import ListenerSettings


def read_details(settings: ListenerSettings, status: Status) -> dict[str, object]:
    """
    Return the settings that shape the model, and over how many seconds the oplog
    reaches; null where it may not be read, or nobody answers.
    """
    oplog = status.oplog
    return {
        "settings": shape_of(settings),
        "oplog_window_s": None if oplog is None else oplog.window_s,
    }
