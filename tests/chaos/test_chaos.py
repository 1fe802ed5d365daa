"""
Two minutes of chaos; `make chaos` does it for hours.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.journal import Journal
from tests.chaos.report import Asked
from tests.chaos.run import run
from tests.chaos.writers import KINDS


MINUTES = 2.0
SEED = 8


@pytest.mark.timeout(600)
def test_two_minutes(tmp_path: Path) -> None:
    """
    Under every kind of write and of fault no answer is an error, and whenever all is quiet
    the model and what is served are what the collection says.
    """
    journal = Journal()

    run(Asked(MINUTES, SEED), tmp_path, journal, say=journal.write)

    counts = journal.counts
    assert not journal.failures, "\n".join((*journal.diary, *journal.failures))
    assert "divergences" not in counts
    assert counts["quiet points"]["quiet point"] >= 2
    assert set(counts["writes"]) == set(KINDS)
    assert set(counts["answers"]) == {"200", "304", "404"}
