"""
What products refer to, read as it is now; and who refers to it, and how far down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from listener.keys import to_key
from listener.mongo.client import Document
from listener.references import Lookup
from listener.values.categories import DEEPEST_PATH
from listener.values.references import NO_NAMES, Named, Names, is_id


ASKED: Final = 2_000  # ids in one query; a command holds 16 MB
ONLY_ID: Final = {"_id": 1}


@dataclass(frozen=True, slots=True)
class LookupReader:
    """
    Reads a collection that products refer to. It keeps nothing, so there is nothing
    that could be out of date or grow: memory is what one answer takes.
    """

    lookup: Lookup
    names: Collection[Document]
    products: Collection[Document]

    def named(
        self, documents: Iterable[Mapping[str, Any]], session: ClientSession
    ) -> Named:
        """
        Return what *documents* refer to, with what stands above it.
        """
        known: dict[object, Document] = {}
        asked: set[object] = set()
        wanted = set(self.lookup.references(documents))
        for _ in range(DEEPEST_PATH):
            found = list(self._with_ids(wanted, session))
            asked |= wanted
            known |= {one["_id"]: one for one in found if is_id(one["_id"])}
            above = {self.lookup.parent_of(one) for one in found}
            wanted = above - asked - {None}
            if not wanted:
                break
        return self.lookup.to_named(known)

    def referring(
        self, ids: Iterable[object], session: ClientSession
    ) -> Mapping[bytes, object]:
        """
        Return by key the ids of the products that refer to one of *ids*, or to what
        stands below one.
        """
        either = self._and_below(set(filter(is_id, ids)), session)
        found: dict[bytes, object] = {}
        for some in _in_pieces(either):
            paths = [".".join(path.steps) for path in self.lookup.fields]
            query = {"$or": [{path: {"$in": some}} for path in paths]}
            for document in self.products.find(query, ONLY_ID, session=session):
                found[to_key(document["_id"])] = document["_id"]
        return found

    def _and_below(self, ids: set[object], session: ClientSession) -> set[object]:
        """
        Return *ids* with those of all that stands below them.
        """
        if self.lookup.parent is None:
            return ids
        parent = ".".join(self.lookup.parent.steps)
        found, wanted = set(ids), ids
        while wanted:
            below: set[object] = set()
            for some in _in_pieces(wanted):
                query = {parent: {"$in": some}}
                for document in self.names.find(query, ONLY_ID, session=session):
                    below |= {document["_id"]} if is_id(document["_id"]) else set()
            wanted = below - found
            found |= wanted
        return found

    def _with_ids(
        self, ids: Iterable[object], session: ClientSession
    ) -> Iterator[Document]:
        read = dict.fromkeys(self.lookup.roots, 1)
        for some in _in_pieces(ids):
            yield from self.names.find({"_id": {"$in": some}}, read, session=session)


def read_names(
    readers: Sequence[LookupReader],
    documents: Sequence[Mapping[str, Any]],
    session: ClientSession,
) -> Names:
    """
    Return what *documents* refer to, in all collections.
    """
    if not readers:
        return NO_NAMES
    return {reader.lookup.role: reader.named(documents, session) for reader in readers}


def _in_pieces(ids: Iterable[object]) -> Iterator[Sequence[object]]:
    rest = iter(ids)
    while piece := list(islice(rest, ASKED)):
        yield piece
