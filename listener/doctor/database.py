"""
What the doctor asks of a database, in its own words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from listener.values.references import Names


Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """
    A member of the database that answered.

    Attributes:
        host: Its name and port, as the set knows it; empty for a standalone.
        version: Such as "6.0.5".
        set_name: Of the replica set; empty for a standalone and for a router.
        members: How many the set has; 0 without one.
        is_router: Whether it is a mongos.
        is_primary: Whether it takes writes.
        time_s: Unix time by its clock when it answered.
    """

    host: str
    version: str
    set_name: str
    members: int
    is_router: bool
    is_primary: bool
    time_s: float


@dataclass(frozen=True, slots=True)
class Listed:
    """
    What the database holds under the collection's name.

    Attributes:
        kind: What it is; None: nothing of that name.
        behind: The collection that a view is of; empty otherwise.
        others: Names of the database's other collections.
    """

    kind: Literal["collection", "view", "timeseries"] | None
    behind: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Oplog:
    """
    What the oplog reaches over.

    Attributes:
        first_s: Unix time of its oldest entry.
        last_s: Unix time of its newest.
        is_whole: Whether it still begins with the beginning: nothing was dropped yet.
    """

    first_s: int
    last_s: int
    is_whole: bool

    @property
    def window_s(self) -> int:
        """
        How many seconds lie between the two.
        """
        return self.last_s - self.first_s


@dataclass(frozen=True, slots=True)
class User:
    """
    Whom the database takes this client for.

    Attributes:
        name: Empty for nobody.
        database: That it was made in.
    """

    name: str
    database: str


class Database(Protocol):
    """
    A database with one collection. Every method may raise `Unreachable` or `Refused`.
    """

    @property
    def name(self) -> str:
        """
        Of the database.
        """

    @property
    def collection(self) -> str:
        """
        Of the collection.
        """

    @property
    def lookups(self) -> Sequence[str]:
        """
        Of the collections that its documents refer to, as settings name them.
        """

    def nearest(self) -> Server:
        """
        Return the first member that answers.
        """

    def primary(self) -> Server:
        """
        Return the one that takes writes.
        """

    def user(self) -> User:
        """
        Return who this client is.
        """

    def listed(self) -> Listed | None:
        """
        Return what the collection's name stands for; None: the user may not ask.
        """

    def may_find(self, collection: str) -> bool:
        """
        Return whether the user may read a collection.
        """

    def may_watch(self, collection: str) -> bool:
        """
        Return whether the user may open a collection's change stream.
        """

    def count(self) -> int:
        """
        Return about how many documents there are.
        """

    def sample(self, size: int) -> Sequence[Document]:
        """
        Return documents drawn by chance; fewer than *size* if there are no more.
        """

    def names(self, documents: Sequence[Document]) -> Names:
        """
        Return what *documents* refer to.
        """

    def oplog(self) -> Oplog | None:
        """
        Return what the oplog reaches over; None: the user may not read it.
        """
