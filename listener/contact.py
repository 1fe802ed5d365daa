"""
What keeps a model, as other threads have to do with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from listener.rebuilds import Requests
from listener.status import Status


@dataclass(frozen=True, slots=True)
class Contact:
    """
    One that keeps a model equal to its collection.

    Attributes:
        status: What it says of itself.
        requests: Where it is asked for more than that; None: it only takes what another
            listener makes.
    """

    status: Status
    requests: Requests | None
