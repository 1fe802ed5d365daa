"""
Segments built by other processes.

What a task gives back is a segment as it would lie in a file, whose checksums are
compared on arrival.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from listener.build import Check, Here, build_range
from listener.complaints import Complaints
from listener.feed import IdRange, Source
from listener.opening import Collected, open_source, to_weights
from listener.spread import OTHER_VERSION, Order, Spread, Unusable, never
from recommender.errors import StoreCorrupt, StoreTooNew
from recommender.segment import Segment
from recommender.segment_file import to_chunks, verified


@dataclass(frozen=True, slots=True)
class Built:
    """
    What a process gives back.

    Attributes:
        content: The segment, as a file has it.
        complaints: Keys of products, and what could not be used of them.
    """

    content: bytes
    complaints: Collected


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """
    Builds by other processes; here, when they cannot, or when what comes from them is
    damaged or of another version.

    Attributes:
        spread: The processes.
        complaints: Where those of the tasks go.
        here: Builds what is not built elsewhere.
    """

    spread: Spread
    complaints: Complaints
    here: Here

    def build(
        self, source: Source, ranges: Sequence[IdRange], check: Check
    ) -> Iterator[Segment]:
        """
        See `listener.build.Workshop`.
        """
        return self.spread.map(
            build_there,
            ranges,
            check,
            to_result=self._to_segment,
            here=partial(self.here.build, source, check=check),
        )

    def _to_segment(self, built: Built) -> Segment:
        """
        Raise Unusable for what is damaged or not understood: its maker may have gone
        wrong in ways that do not show.
        """
        content = memoryview(built.content)
        try:
            segment = verified(content)
        except StoreTooNew as error:
            raise Unusable(OTHER_VERSION) from error
        except StoreCorrupt as error:
            msg = f"a segment came damaged: {error}"
            raise Unusable(msg) from error
        built.complaints.pass_to(self.complaints)
        return segment


def build_there(order: Order, within: IdRange) -> Built:
    """
    Build the segment of a range, in any process that reaches the database.
    """
    complaints = Collected()
    with open_source(order.settings, order.uri, complaints) as source:
        segment = build_range(source, within, to_weights(order.settings), never)
    return Built(b"".join(to_chunks(segment)), complaints)
