"""
What fails again and again is said once, and once more when it is over.
"""

from __future__ import annotations

from typing import Final

import structlog


UNWRITABLE: Final = "free space, or mend the permissions, of EVERSHELF_DATA_DIR"

log = structlog.get_logger()


class Trouble:
    """
    Writing to the store, by one who tries again by itself.
    """

    def __init__(self, subject: str) -> None:
        """
        Log about *subject*, the first part of the events' names.
        """
        self._subject = subject
        self._failures = 0

    def note_failure(self, error: OSError) -> None:
        """
        Record that it failed.
        """
        if not self._failures:
            failed = f"{self._subject}.failed"
            log.error(failed, error=str(error), remedy=UNWRITABLE)
        self._failures += 1

    def note_success(self) -> None:
        """
        Record that it works.
        """
        if self._failures:
            recovered = f"{self._subject}.recovered"
            log.info(recovered, failures=self._failures)
            self._failures = 0
