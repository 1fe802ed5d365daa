"""
What follows a collection, as other threads have to do with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from listener.rebuilds import Requests
from listener.status import Status


@dataclass(frozen=True, slots=True)
class Follower:
    """
    One that keeps a model equal to its collection.

    Attributes:
        status: What it says of itself.
        requests: Where it is asked for more than that.
    """

    status: Status
    requests: Requests
