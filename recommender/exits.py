"""
What the processes' exit codes mean; they are stable.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """
    Why a process ended.
    """

    OK = 0  # it did what was asked, or was stopped
    DIFFERS = 1  # verify: the model is not proven to be what the collection says
    UNWELL = 1  # doctor: something failed
    UNTUNED = 1  # evaluate --tune: there are too few orders to learn from
    SETTINGS = 2  # a setting or an argument is wrong
    UNAVAILABLE = 3  # a port, a folder or the database cannot be had; try again later
    REFUSED = 4  # the database or a newer store does not allow it; somebody must act
    DEFECT = 70  # a fault of ours, with its traceback in the log
    INTERRUPTED = 130  # asked to stop, and has no result; not run, which has none
