"""
Which products people hold for alike.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scipy import sparse

from listener.evaluate.asking import Answers
from listener.evaluate.catalogue import Catalogue, Places
from listener.evaluate.relevance import Relevant
from recommender.address import to_address
from recommender.errors import SettingsFault


COLUMNS = 2  # at least: a group and a product


@dataclass(frozen=True, slots=True)
class Truth:
    """
    Groups of products, all of which are alike within a group.

    Attributes:
        groups: Those that a place is in, of two or more; at least one.
        clusters: For a place, a number that it shares with all that are linked to it
            by a chain of groups, so that no two clusters have a product in common.
    """

    groups: Mapping[int, Sequence[frozenset[int]]]
    clusters: Mapping[int, int]

    @classmethod
    def of(cls, groups: Iterable[Iterable[int]]) -> Truth:
        """
        Return the truth of groups of places.
        """
        kept = [group for group in map(frozenset, groups) if len(group) > 1]
        groups_of: dict[int, list[frozenset[int]]] = defaultdict(list)
        for group in kept:
            for place in group:
                groups_of[place].append(group)
        return cls(dict(groups_of), _clusters(kept))

    def alike(self, place: int) -> frozenset[int]:
        """
        Return the products that are like the one at *place*, at least one.
        """
        return frozenset().union(*self.groups[place]) - {place}

    @property
    def asked(self) -> Sequence[int]:
        """
        The places of which something is known, in order.
        """
        return sorted(self.groups)

    def known(self, asked: Places) -> Places:
        """
        Return how many products are like each of *asked*, (Q,).
        """
        return np.array([len(self.alike(place)) for place in asked.tolist()], np.int64)

    def relevant(self, answers: Answers) -> Relevant:
        """
        Return whether each answer is like the product asked, (Q, LIMIT).
        """
        relevant = np.zeros(answers.found.shape, np.bool_)
        for question, asked in enumerate(answers.asked.tolist()):
            alike = self.alike(asked)
            places = answers.found[question].tolist()
            relevant[question] = [place in alike for place in places]
        return relevant

    def clusters_of(self, asked: Places) -> Places:
        """
        Return the cluster of each of *asked*, (Q,).
        """
        return np.array([self.clusters[place] for place in asked.tolist()], np.int64)


def read_groups(path: Path) -> dict[str, set[str]]:
    """
    Return the ids of the products of each group that a CSV file tells of, gzipped if
    it ends in .gz.

    Its first line is a heading; the columns are a group, such as a query, the id of a
    product, and perhaps a rating: of rated products those belong to the group that
    have the highest rating in the file.

    Raises:
        SettingsFault: The file cannot be read, or is no such file.
    """
    try:
        lines = list(_read(path))
        ratings = [_to_rating(line) for line in lines]
    except (OSError, EOFError, zlib.error, ValueError, csv.Error) as error:
        raise SettingsFault([f"the truth {path} cannot be used: {error}"]) from error
    best = max(ratings, default=0.0)
    groups: dict[str, set[str]] = defaultdict(set)
    for line, rating in zip(lines, ratings, strict=True):
        if rating == best:
            groups[line[0]].add(line[1])
    return dict(groups)


def to_truth(
    groups: Mapping[str, Iterable[str]], catalogue: Catalogue, keys: Iterable[bytes]
) -> Truth:
    """
    Return what *groups* of ids say of those visible products of *catalogue* that have
    these *keys*; ids are as in addresses, and others are left out.
    """
    places: dict[str, int] = {}
    for key in keys:
        place = catalogue.places[key]
        places[key.decode()] = place  # the number 5, whose address would be long
        places[to_address(key)] = place
    return Truth.of(
        [places[id_] for id_ in ids if id_ in places] for ids in groups.values()
    )


def _read(path: Path) -> Iterator[list[str]]:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    lines = csv.reader(io.StringIO(text, newline=""))
    next(lines, None)
    for line in lines:
        if not line:
            continue
        if len(line) < COLUMNS:
            msg = f"line {lines.line_num} has no product"
            raise ValueError(msg)
        yield line


def _to_rating(line: Sequence[str]) -> float:
    rating = float(line[COLUMNS]) if len(line) > COLUMNS else 1.0
    if math.isnan(rating):
        msg = f"{line[COLUMNS]!r} is no rating"
        raise ValueError(msg)
    return rating


def _clusters(groups: Sequence[frozenset[int]]) -> dict[int, int]:
    """
    Return a number for each place's part of the graph of places and groups.
    """
    places = sorted(frozenset().union(*groups))
    at = {place: i for i, place in enumerate(places)}
    members = [at[place] for group in groups for place in group]
    of_group = [len(at) + i for i, group in enumerate(groups) for _ in group]
    size = len(at) + len(groups)
    graph = sparse.coo_array(
        (np.ones(len(members)), (members, of_group)), shape=(size, size)
    )
    _, labels = sparse.csgraph.connected_components(graph, directed=False)
    return dict(zip(places, labels.tolist(), strict=False))  # groups come after them
