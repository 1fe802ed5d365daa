"""
The collection that is followed.
"""

from __future__ import annotations

import itertools
import time

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Any, Final

from pymongo import ASCENDING, MongoClient, ReadPreference
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import (
    ConfigurationError,
    OperationFailure,
    ServerSelectionTimeoutError,
)
from pymongo.read_concern import ReadConcern

from listener.doctor.database import Oplog
from listener.errors import ListenerError, PositionLost, Refused
from listener.feed import EVERYTHING, Feed, IdRange, Page, PageEnd
from listener.joint import JointFeed, to_single
from listener.mongo.client import CODEC, Clients, Document, LastReply, database_name
from listener.mongo.errors import NO_REPLICA_SET, REFUSED, translated
from listener.mongo.events import PIPELINE, pipeline_of
from listener.mongo.feed import MongoFeed
from listener.mongo.lookups import LookupReader, read_names
from listener.mongo.oplog import is_allowed, read_oplog
from listener.mongo.reader import Followed, Reader
from listener.mongo.tokens import (
    Place,
    just_before,
    to_cluster_time,
    to_place,
    to_timestamp,
    token_time,
)
from listener.references import Lookup
from listener.values.references import Names
from recommender.position import ClusterTime
from recommender.product import Product


SCAN_BATCH: Final = 1_000
NONE_TO_DRAW: Final = 28799  # a code: $sample found nothing that it had not drawn yet
DRAWN: Final = 30  # ids for each range; so most are within a third of the size asked
BLIND: Final = (ConfigurationError, ServerSelectionTimeoutError)
MOST_COLLECTIONS: Final = 200  # of a database that are looked into for names
IN_ORDER: Final = [("_id", ASCENDING)]
NEVER: Final = ClusterTime(0, 0)

# Of a document, and what those are called that it refers to.
ToProduct = Callable[[Mapping[str, Any], Names], Product]


class _Latest:
    """
    The latest time at which products of one model were read.

    Each feed tells of writes in their order, and products are read again no earlier
    than they were written. But what one feed has brought must not be read for another
    as it was before: a member that has just become the primary may still show that.
    """

    def __init__(self, places: Iterable[Place | None]) -> None:
        """
        Args:
            places: Those that the feeds go on from.
        """
        known = [just_before(token_time(place.token)) for place in places if place]
        self._time = max(known, default=NEVER)

    def reach(self, time: ClusterTime) -> ClusterTime:
        """
        Return *time*, or the latest if that is later; it is the latest from now on.
        """
        self._time = max(self._time, time)
        return self._time


class _KeptSession:
    """
    A session of one feed that reads what was written up to a time that its stream has
    told, or later: also what it has read before. It is kept, for to begin one takes a
    sixth of the time of a read. One thread uses it.
    """

    def __init__(self, stream: ClientSession, *, is_sharded: bool) -> None:
        """
        Args:
            is_sharded: Of shards each may know another time, so that a read could wait
                for what another shard has read; then no session is kept.
        """
        self._stream = stream
        self._is_sharded = is_sharded
        self._kept: ClientSession | None = None

    def at(self, client: MongoClient[Document], newest: ClusterTime) -> ClientSession:
        """
        Return it, with a client that may be another than the last time.
        """
        kept = self._kept
        if kept is None or kept.client is not client or self._is_sharded:
            self.end()
            kept = self._kept = client.start_session()
        _advance(kept, self._stream, newest)
        return kept

    def end(self) -> None:
        """
        Let go of it; it begins anew when it is asked for.
        """
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.end_session()


class MongoSource:
    """
    See `listener.feed.Source`. Any thread may use it.

    All reads go to the primary, with read concern majority, whatever the address says:
    a secondary may not yet have what the stream has told.
    """

    def __init__(  # noqa: PLR0913 each is one thing it asks
        self,
        clients: Clients,
        replies: LastReply,
        *,
        database: str,
        collection: str,
        to_product: ToProduct,
        look_again: ToProduct,
        projection: Mapping[str, Any] | None = None,
        lookups: Sequence[Lookup] = (),
    ) -> None:
        """
        Follow a collection.

        Args:
            clients: Connected to the database.
            replies: The tap on `clients.stream`.
            database: When the address names none.
            collection: Its name.
            to_product: Makes a product of any document, and never raises.
            look_again: The same, of a document that was seen before: it has nothing to
                say of what cannot be used.
            projection: What is read of each document; None means all of it.
            lookups: Collections of the same database that documents refer to, which
                are followed, too: what is written there makes those products dirty
                that refer to it.
        """
        self._clients = clients
        self._replies = replies
        self._database = database_name(clients.reads, database)
        self._name = collection
        self._to_product = to_product
        self._look_again = look_again
        self._projection = projection
        self._lookups = tuple(lookups)

    @property
    def namespace(self) -> str:
        """
        Database and collection, as MongoDB writes them.
        """
        return f"{self._database}.{self._name}"

    def identity(self) -> str:
        """
        Return the set's name, the collection's and its UUID, and the names of what is
        looked up. Those come into being whenever they do; that one of them was dropped
        or replaced, its stream tells.
        """
        others = (f"{self._database}.{one.collection}" for one in self._lookups)
        with self._translated():
            hello = self._hello()
            own = f"{self.namespace}/{self._uuid(self._name)}"
            return "/".join((hello.get("setName", ""), own, *others))

    def now(self) -> ClusterTime:
        """
        Return the time of the newest write that the primary has acknowledged.
        """
        with self._translated():
            time = self._hello().get("operationTime")
        if time is None:
            msg = "the database is not a replica set"
            raise Refused(msg, REFUSED[NO_REPLICA_SET])
        return to_cluster_time(time)

    def oplog(self) -> Oplog | None:
        """
        Return what the oplog reaches over; None where it may not be read.
        """
        return read_oplog(self._clients.reads)

    def follow(self, checkpoint: str | None) -> Feed:
        """
        Return a feed from *checkpoint* on, or from now on.
        """
        sought = [None, *self._lookups]
        singles = [checkpoint] * len(sought)
        if self._lookups and checkpoint is not None:
            singles = list(to_single(checkpoint, len(sought)))
        places = list(map(self._to_place, singles))
        latest = _Latest(places)
        feeds = [
            self._follow(place, lookup, latest)
            for place, lookup in zip(places, sought, strict=True)
        ]
        if not self._lookups:
            return feeds[0]
        return JointFeed(feeds, self.now, is_resumed=checkpoint is not None)

    def _to_place(self, checkpoint: str | None) -> Place | None:
        place = None if checkpoint is None else to_place(checkpoint)
        # A stream that was opened and never moved stands at the moment after that.
        if place is not None and just_before(token_time(place.token)) > self.now():
            reason = "position_in_future"  # an older copy of the database was restored
            raise PositionLost(reason)
        return place

    def _follow(
        self, place: Place | None, lookup: Lookup | None, latest: _Latest
    ) -> MongoFeed:
        name = lookup.collection if lookup else self._name
        with self._translated():
            client = self._clients.stream
            session = client.start_session()
            followed = Followed(
                client[self._database].get_collection(name, codec_options=CODEC),
                self._replies,
                is_sharded=self._hello().get("msg") == "isdbgrid",
                pipeline=pipeline_of(lookup.roots if lookup else None),
            )
        kept = _KeptSession(session, is_sharded=followed.is_sharded)
        return MongoFeed(
            Reader(
                followed,
                session,
                place,
                dirty=None
                if lookup is None
                else lambda ids, newest: self._referring(lookup, ids, newest, session),
            ),
            read_again=lambda ids, newest: self._read_again(
                ids, latest.reach(newest), kept
            ),
            on_exit=kept.end,
            now=self.now,
            clock=time.monotonic,
            on_error=partial(self._renew_after, client),
        )

    def count(self) -> int:
        """
        Return about how many documents there are.
        """
        with self._translated():
            return self._reads.estimated_document_count()

    def sample(self, size: int) -> Sequence[Document]:
        """
        Return documents drawn by chance, as they are; fewer than *size* if there are no
        more.
        """
        shown = [] if self._projection is None else [{"$project": self._projection}]
        with self._translated():
            return list(self._reads.aggregate([{"$sample": {"size": size}}, *shown]))

    def look_up(self, ids: Sequence[object]) -> Mapping[str, Sequence[Document]]:
        """
        Return the documents of *ids* by the other collection of the database that has
        them, as far as this user may follow it.
        """
        found: dict[str, Sequence[Document]] = {}
        with self._translated():
            for name in self._other_names():
                some: list[Document] = []
                sought = {"_id": {"$in": [*ids]}}
                its = self._readable(name)
                if not is_allowed(partial(_extend, some, its, sought)) or not some:
                    continue
                if is_allowed(partial(_try_to_watch, its)):
                    found[name] = some
        return found

    def _other_names(self) -> Sequence[str]:
        database = self._clients.reads[self._database]
        names = (
            one["name"]
            for one in database.list_collections(filter={"type": "collection"})
            if not one["name"].startswith("system.") and one["name"] != self._name
        )
        return sorted(names)[:MOST_COLLECTIONS]

    def split(self, rows: int) -> Sequence[IdRange]:
        """
        Return ranges of about *rows* documents each that together are everything, by
        the ids of some that are drawn by chance; one range when none can be drawn, as
        from a collection whose count, after a crash, is far too high.
        """
        parts = -(-self.count() // rows)
        if parts <= 1:
            return [EVERYTHING]
        sampled = [{"$sample": {"size": parts * DRAWN}}, {"$project": {"_id": 1}}]
        drawn: list[Document] = []
        with self._translated():
            try:
                drawn += self._reads.aggregate([*sampled, {"$sort": {"_id": 1}}])
            except OperationFailure as error:
                if error.code != NONE_TO_DRAW:
                    raise
        ids = [document.get("_id") for document in drawn]
        starts = list(map(PageEnd, ids[DRAWN::DRAWN]))
        return list(itertools.starmap(IdRange, pairwise([None, *starts, None])))

    def scan(self, within: IdRange = EVERYTHING) -> Iterator[Sequence[Product]]:
        """
        Yield the products of all documents of a range, by one cursor: paging by `_id`
        would skip ids of other types.
        """
        reads = self._reads
        with self._translated(), reads.database.client.start_session() as session:
            session.advance_operation_time(to_timestamp(self.now()))
            cursor = reads.find(
                _rest(within), self._projection, batch_size=SCAN_BATCH, session=session
            )
            if within != EVERYTHING:
                cursor.hint(IN_ORDER)
            if within.end is not None:
                cursor.max(_at(within.end))
                if within.begin is not None:
                    cursor.min(_at(within.begin))
            with cursor:
                while documents := cursor.to_list(SCAN_BATCH):
                    yield self._to_products(documents, self._to_product, session)

    def page(self, after: PageEnd | None, limit: int) -> Page:
        """
        Return the products of at most *limit* documents in the order of their ids.
        """
        reads = self._reads
        with self._translated(), reads.database.client.start_session() as session:
            session.advance_operation_time(to_timestamp(self.now()))
            documents = list(
                reads.find(
                    {} if after is None else _with_ids("$gt", after),
                    self._projection,
                    sort=IN_ORDER,
                    hint=IN_ORDER,
                    limit=limit,
                    session=session,
                )
            )
            products = self._to_products(documents, self._look_again, session)
        end = PageEnd(documents[-1].get("_id")) if len(documents) == limit else None
        return Page(products, end)

    def _read_again(
        self, ids: Iterable[object], newest: ClusterTime, kept: _KeptSession
    ) -> Iterable[Product]:
        with self._translated():
            reads = self._reads
            session = kept.at(reads.database.client, newest)
            asked = {"_id": {"$in": list(ids)}}
            found = list(reads.find(asked, self._projection, session=session))
            return self._to_products(found, self._to_product, session)

    def _referring(
        self,
        lookup: Lookup,
        ids: Iterable[object],
        newest: ClusterTime,
        stream: ClientSession,
    ) -> Mapping[bytes, object]:
        # Without an index on the reference, the first answer takes as long as to pass
        # all products: longer than the client of reads would wait.
        client = self._clients.stream
        with self._translated(), client.start_session() as session:
            _advance(session, stream, newest)
            reader = LookupReader(
                lookup,
                self._readable(lookup.collection, client),
                self._readable(self._name, client),
            )
            return reader.referring(ids, session)

    def _to_products(
        self,
        documents: Sequence[Document],
        to_product: ToProduct,
        session: ClientSession,
    ) -> list[Product]:
        """
        Return the products of *documents*, which *session* has read. What they refer to
        is read after them, so it is no older.
        """
        readers = list(map(self._reader_of, self._lookups))
        names = read_names(readers, documents, session)
        return [to_product(document, names) for document in documents]

    def _reader_of(self, lookup: Lookup) -> LookupReader:
        return LookupReader(lookup, self._readable(lookup.collection), self._reads)

    def _renew_after(self, client: MongoClient[Document], error: ListenerError) -> None:
        if isinstance(error.__cause__, ConfigurationError):
            self._clients.renew(client)

    @property
    def _reads(self) -> Collection[Document]:
        return self._readable(self._name)

    def _readable(
        self, name: str, client: MongoClient[Document] | None = None
    ) -> Collection[Document]:
        return (client or self._clients.reads)[self._database].get_collection(
            name,
            codec_options=CODEC,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
        )

    def _hello(self) -> Document:
        return self._clients.reads.admin.command(
            "hello", read_preference=ReadPreference.PRIMARY
        )

    def _uuid(self, name: str) -> str:
        database = self._clients.reads[self._database]
        found = list(database.list_collections(filter={"name": name}))
        return str(found[0]["info"].get("uuid", "")) if found else ""  # none: a view

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """
        Translate errors; after those that the driver cannot recover from, begin anew
        with another.

        It takes no primary of an earlier election than the latest it has seen, not even
        of a set that was restored. And its connections stay those of a user who was
        dropped, when there is one of the same name again. And one that was made to
        a member in the first moments of its start believes for ever that sessions are
        nothing that it has.
        """
        client = self._clients.reads
        try:
            with translated():
                yield
        except ListenerError as error:
            if isinstance(error, Refused) or isinstance(error.__cause__, BLIND):
                self._clients.renew(client)
            raise


def _advance(
    session: ClientSession, stream: ClientSession, newest: ClusterTime
) -> None:
    """
    Let *session* read what was written up to a time that *stream* has told.
    """
    if stream.cluster_time is not None:
        session.advance_cluster_time(stream.cluster_time)
    session.advance_operation_time(to_timestamp(newest))


def _extend(
    found: list[Document], collection: Collection[Document], query: Document
) -> None:
    found.extend(collection.find(query))


def _try_to_watch(collection: Collection[Document]) -> None:
    with collection.watch(PIPELINE):
        pass


def _at(place: PageEnd) -> list[tuple[str, Any]]:
    """
    Return a bound in the index of ids.
    """
    return [("_id", place.id)]


def _rest(within: IdRange) -> Document:
    """
    Return the query for a range that has no end, which min() alone would end before the
    greatest id that there can be; of any other range for all.
    """
    if within.begin is None or within.end is not None:
        return {}
    return _with_ids("$gte", within.begin)


def _with_ids(operator: str, place: PageEnd) -> Document:
    """
    Return the query for ids that are greater than that of *place* ("$gt"), or that or
    greater ("$gte"), in the index of ids; a plain one would end with those of the same
    type.
    """
    return {"$expr": {operator: ["$_id", {"$literal": place.id}]}}
