"""
What can keep the demo from running; each says what to do about it.
"""

from __future__ import annotations

from listener.errors import ListenerError


class DemoFault(ListenerError):  # noqa: N818
    """
    The demo cannot run here; the message ends with what to do about it.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")


class PortTaken(DemoFault):
    """
    Another program listens on the port.
    """


class FolderTaken(DemoFault):
    """
    Another mongod uses the folder.
    """
