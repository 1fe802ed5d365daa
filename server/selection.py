"""
From what was asked to the items of an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from recommender.filters import Filters
from recommender.query import Query
from recommender.ranking import choose
from recommender.reasons import Seen, explain
from recommender.relations import add_rules
from recommender.snapshot import Row, Snapshot
from server.answers import Items, to_explained, to_hits
from server.params import Listing, Relative, Selection


def select(
    snapshot: Snapshot, query: Query, filters: Filters, asked: Selection, seen: Seen
) -> Items:
    """
    Return the products most like *query*, as *asked*.

    Args:
        filters: Rules and the products asked with included.
        seen: What pages show of what was asked with.
    """
    hits = choose(snapshot, query, filters, asked.to_choice())
    fields = asked.to_fields()
    if not asked.explain:
        return to_hits(hits, fields)
    why = [explain(snapshot, query, hit.row, seen) for hit in hits]
    return to_explained(hits, why, fields)


def to_filters(
    asked: Listing, rules: Relative, seen: Sequence[Row], unwanted: Sequence[Row] = ()
) -> Filters:
    """
    Return what the products returned must be: as *asked*, standing to those *seen* as
    *rules* say, and none of *seen* or *unwanted*.
    """
    filters = add_rules(asked.to_filters(), rules.to_rules(), seen)
    known = {row.key for row in (*seen, *unwanted)}
    return replace(filters, exclude=filters.exclude | known)
