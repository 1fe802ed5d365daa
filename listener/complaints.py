"""
Saying once of each product what could not be used of it.
"""

from __future__ import annotations

import math
import threading

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import structlog
import xxhash

from listener.fields import Problem
from recommender.address import to_address


MOST_REMEMBERED: Final = 10_000  # products; those forgotten may be named again
MOST_LINES: Final = 20  # a minute; a bad import is one fact, not 100,000
MINUTE_S: Final = 60.0
MOST_KINDS: Final = 5  # of problems that a summary names, the commonest first
LONGEST_ID: Final = 200  # characters of an id in a line

log = structlog.get_logger()


class Complaints:
    """
    Logs `product.incomplete` for each product with problems, again when they change.

    What is beyond `MOST_LINES` in a minute is one line `product.incomplete_summary`
    when the minute is over. Any thread may call.

    Attributes:
        total: How often a product was found to have problems that were new.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.total = 0
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: OrderedDict[int, int] = OrderedDict()  # hashes of both
        self._ends_at = math.inf  # of the minute that began with a line
        self._lines = 0
        self._held = 0
        self._held_kinds: Counter[str] = Counter()

    def note(self, key: bytes, problems: Sequence[Problem]) -> None:
        """
        Take note of what is wrong with a product now, maybe nothing.
        """
        its_hash = xxhash.xxh3_64_intdigest(key)
        if not problems and its_hash not in self._known:
            return
        with self._lock:
            self._end_minute()
            if problems and self._is_new(its_hash, problems):
                self._complain(key, problems)
            elif not problems:
                self._known.pop(its_hash, None)

    def forget(self, key: bytes) -> None:
        """
        Take note that a product is gone.
        """
        self.note(key, ())

    def pulse(self) -> None:
        """
        Say what is due; to be called now and then when nothing else happens.
        """
        if self._monotonic() >= self._ends_at:
            with self._lock:
                self._end_minute()

    def close(self) -> None:
        """
        Say what was held back, due or not.
        """
        with self._lock:
            self._say_held()

    def _is_new(self, its_hash: int, problems: Sequence[Problem]) -> bool:
        their_hash = hash(tuple(problems))
        is_new = self._known.get(its_hash) != their_hash
        self._known[its_hash] = their_hash
        self._known.move_to_end(its_hash)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return is_new

    def _complain(self, key: bytes, problems: Sequence[Problem]) -> None:
        self.total += 1
        if self._ends_at == math.inf:
            self._ends_at = self._monotonic() + MINUTE_S
        kinds = [str(problem) for problem in problems]
        if self._lines < MOST_LINES:
            self._lines += 1
            product_id = to_address(key)[:LONGEST_ID]
            log.warning("product.incomplete", product_id=product_id, problems=kinds)
        else:
            self._held += 1
            self._held_kinds.update(kinds)

    def _end_minute(self) -> None:
        if self._monotonic() >= self._ends_at:
            self._say_held()
            self._ends_at, self._lines = math.inf, 0

    def _say_held(self) -> None:
        if self._held:
            kinds = dict(self._held_kinds.most_common(MOST_KINDS))
            log.warning("product.incomplete_summary", count=self._held, problems=kinds)
        self._held = 0
        self._held_kinds.clear()
