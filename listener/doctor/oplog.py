"""
How long the listener may be away, against how long a rebuild takes.
"""

from __future__ import annotations

from typing import Final

from listener.doctor.database import Database, Oplog
from listener.doctor.finding import Finding, fail, ok, unknown, warn
from listener.doctor.role import to_oplog_command


HOUR_S: Final = 3_600.0
SAFE_HOURS: Final = 24.0  # somebody notices within a day
ENLARGE: Final = (
    'enlarge it on each member: db.adminCommand({"replSetResizeOplog": 1, "size": MB})'
)


def look_at_oplog(database: Database, rebuild_s: float) -> Finding:
    """
    Find out whether the oplog reaches over a rebuild, and over a day.
    """
    if database.nearest().is_router:
        return unknown("each shard has its own, which a router does not show")
    oplog = database.oplog()
    if oplog is None:
        return unknown("this user may not read the oplog", to_oplog_command())
    return judge_oplog(oplog, rebuild_s)


def judge_oplog(oplog: Oplog, rebuild_s: float) -> Finding:
    """
    Return whether *oplog* reaches far enough back when a rebuild takes *rebuild_s*.
    """
    window_s = oplog.window_s
    found = (
        f"it reaches {window_s / HOUR_S:.2f} h back; "
        f"a rebuild takes about {rebuild_s:,.1f} s"
    )
    if oplog.is_whole:
        return ok(f"{found}; nothing was dropped from it yet")
    if window_s < rebuild_s:
        return fail(f"{found}: too long for it to catch up afterwards", ENLARGE)
    if window_s < SAFE_HOURS * HOUR_S:
        return warn(
            f"{found}; a listener that is away for longer has to rebuild", ENLARGE
        )
    return ok(found)
