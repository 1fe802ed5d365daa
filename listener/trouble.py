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
    Writing to the store, or elsewhere, by one who tries again by itself.
    """

    def __init__(self, subject: str, remedy: str = UNWRITABLE) -> None:
        """
        Log about *subject*, the first part of the events' names.

        Args:
            remedy: What an operator can do about it.
        """
        self._subject = subject
        self._remedy = remedy
        self._failures = 0

    @property
    def failures(self) -> int:
        """
        How often it has failed in a row; 0 when all is well.
        """
        return self._failures

    def note_failure(self, error: Exception) -> None:
        """
        Record that it failed.
        """
        if not self._failures:
            failed = f"{self._subject}.failed"
            log.error(failed, error=str(error), remedy=self._remedy)
        self._failures += 1

    def note_success(self) -> None:
        """
        Record that it works.
        """
        if self._failures:
            recovered = f"{self._subject}.recovered"
            log.info(recovered, failures=self._failures)
            self._failures = 0
