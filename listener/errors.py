"""
What can go wrong between the listener and its database; the class says what to do.
"""

from __future__ import annotations


class ListenerError(Exception):
    """
    Root of the package's errors; its docstring begins with the default message.
    """

    def __init__(self, message: str | None = None) -> None:
        summary = (self.__doc__ or "").split("\n\n", 1)[0]
        super().__init__(message or " ".join(summary.split()))


class Unreachable(ListenerError):  # noqa: N818
    """
    The database does not answer: try again later.
    """


class PositionLost(ListenerError):  # noqa: N818
    """
    The stream cannot go on from where it was: rebuild aside.

    Attributes:
        reason: One word for logs and metrics, such as "history_lost" or "collection_dropped".
    """

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class Refused(ListenerError):  # noqa: N818
    """
    The database will not let this be followed: say what to do; exit at the start,
    try again slowly later.

    Attributes:
        remedy: What the operator can do about it.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy
