"""
Half a minute of soak; `make soak` does it for an hour.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import orjson
import pytest

from tests.chaos.journal import Journal
from tests.soak.flatness import MEASURES
from tests.soak.report import to_plots, to_record, verdicts
from tests.soak.restarts import KINDS
from tests.soak.run import Asked, Seen, run


BRIEF = Asked(
    minutes=0.5, products=1_000, updates=1_000, restarts=len(KINDS), every_s=1.0, seed=3
)
LINE = "{http://www.w3.org/2000/svg}polyline"


@pytest.mark.timeout(600)
def test_half_a_minute(tmp_path: Path) -> None:
    """
    Writes, reads and restarts of both processes leave no fault, the model is what the
    collection says, and every measure was taken again and again. Whether such a short
    run is flat says nothing.
    """
    journal, seen = Journal(), Seen()

    run(BRIEF, tmp_path, seen, journal, say=journal.write)

    assert not journal.failures, "\n".join((*journal.diary, *journal.failures))
    counts = journal.counts
    assert counts["faults"] == dict.fromkeys(KINDS, 1)
    assert counts["writes"]["update of the ballast"] == BRIEF.updates
    assert counts["verified"] == {"exit code 0": 1}
    assert seen.at_s[-1] >= BRIEF.seconds
    assert all(earlier < later for earlier, later in pairwise(seen.restarts_s))
    assert len(seen.restarts_s) == len(KINDS)
    assert max(seen.restarts_s) <= seen.judged_from_s
    said = verdicts(seen)
    assert [verdict.measure for verdict in said] == list(MEASURES)
    assert all(verdict.highest >= verdict.median >= 0 for verdict in said)
    taken = {verdict.measure.key: verdict.median for verdict in said}
    assert taken["products"] > BRIEF.products
    assert taken["listener_pss"] > taken["listener_uss"] > 20
    assert taken["server_processes"] >= 1
    record = orjson.loads(orjson.dumps(to_record(BRIEF, seen, said, journal)))
    assert len(record["samples"]) == len(record["at_s"])
    plots = ET.fromstring(to_plots(seen))  # noqa: S314 they are ours
    assert len(list(plots.iter(LINE))) >= len(KINDS)
