"""
The database as the doctor sees it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from pymongo import ReadPreference
from pymongo.read_preferences import Nearest, Primary

from listener.doctor.database import Listed, Oplog, Server, User
from listener.mongo.client import CODEC, Clients, Document, database_name
from listener.mongo.errors import translated
from listener.mongo.events import PIPELINE
from listener.mongo.lookups import LookupReader, read_names
from listener.mongo.oplog import is_allowed, read_oplog
from listener.references import Lookup
from listener.values.references import Names


ROUTER: Final = "isdbgrid"


class Examination:
    """
    See `listener.doctor.database.Database`.
    """

    def __init__(
        self,
        clients: Clients,
        *,
        database: str,
        collection: str,
        lookups: Sequence[Lookup] = (),
    ) -> None:
        """
        Look at a collection.

        Args:
            clients: Connected to the database.
            database: When the address names none.
            collection: Its name.
            lookups: What its documents refer to.
        """
        self._lookups = lookups
        self._client = clients.reads
        self._database = clients.reads.get_database(
            database_name(clients.reads, database),
            read_preference=ReadPreference.PRIMARY,
        )
        self._collection = self._database.get_collection(collection, CODEC)

    @property
    def name(self) -> str:
        """
        Of the database.
        """
        return self._database.name

    @property
    def collection(self) -> str:
        """
        Of the collection.
        """
        return self._collection.name

    @property
    def lookups(self) -> Sequence[str]:
        """
        Of the collections that its documents refer to.
        """
        return [lookup.collection for lookup in self._lookups]

    def nearest(self) -> Server:
        """
        Return the first member that answers.
        """
        return self._server(ReadPreference.NEAREST)

    def primary(self) -> Server:
        """
        Return the one that takes writes.
        """
        return self._server(ReadPreference.PRIMARY)

    def user(self) -> User:
        """
        Return who this client is.
        """
        with translated():
            said = self._client.admin.command(
                "connectionStatus", read_preference=ReadPreference.NEAREST
            )
        users = said["authInfo"]["authenticatedUsers"]
        return User(users[0]["user"], users[0]["db"]) if users else User("", "")

    def listed(self) -> Listed | None:
        """
        Return what the collection's name stands for; None: the user may not ask.
        """
        found: list[Any] = []
        if not is_allowed(lambda: found.extend(self._database.list_collections())):
            return None
        its = next((one for one in found if one["name"] == self.collection), None)
        return Listed(
            kind=None if its is None else its["type"],
            behind="" if its is None else its["options"].get("viewOn", ""),
            others=tuple(
                one["name"]
                for one in found
                if one is not its and not one["name"].startswith("system.")
            ),
        )

    def may_find(self, collection: str) -> bool:
        """
        Return whether the user may read a collection.
        """
        its = self._database[collection]
        return is_allowed(lambda: its.find_one({}, {"_id": 1}))

    def may_watch(self, collection: str) -> bool:
        """
        Return whether the user may open a collection's change stream.
        """

        def watch() -> None:
            with self._database[collection].watch(PIPELINE):
                pass

        return is_allowed(watch)

    def count(self) -> int:
        """
        Return about how many documents there are.
        """
        with translated():
            return self._collection.estimated_document_count()

    def sample(self, size: int) -> Sequence[Document]:
        """
        Return documents drawn by chance; fewer than *size* if there are no more.
        """
        with translated():
            return list(self._collection.aggregate([{"$sample": {"size": size}}]))

    def names(self, documents: Sequence[Mapping[str, Any]]) -> Names:
        """
        Return what *documents* refer to.
        """
        readers = [
            LookupReader(
                lookup,
                self._database.get_collection(lookup.collection, CODEC),
                self._collection,
            )
            for lookup in self._lookups
        ]
        with translated(), self._client.start_session() as session:
            return read_names(readers, documents, session)

    def oplog(self) -> Oplog | None:
        """
        Return what the oplog reaches over; None: the user may not read it, or there is
        none here, as behind a router.
        """
        return read_oplog(self._client)

    def _server(self, which: Nearest | Primary) -> Server:
        with translated():
            hello = self._client.admin.command("hello", read_preference=which)
            built = self._client.admin.command("buildInfo", read_preference=which)
        return Server(
            host=hello.get("me", ""),
            version=built["version"],
            set_name=hello.get("setName", ""),
            members=len(hello.get("hosts", ())),
            is_router=hello.get("msg") == ROUTER,
            is_primary=hello["isWritablePrimary"],
            time_s=hello["localTime"].replace(tzinfo=UTC).timestamp(),
        )
