"""
When it is found out what documents have: once, before the first model is made of enough
of them, and never again while the file is there that keeps it.
"""

from __future__ import annotations

import os
import tempfile

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from listener.errors import ListenerError, Unreachable
from listener.mapping import fingerprint
from listener.profile.decision import Decision
from listener.profile.page import to_said, to_toml
from listener.profile.paths import Document
from listener.profile.referred import LookUp, decide_with
from recommender.settings import ListenerSettings, with_schema


SAMPLE: Final = 500  # documents, drawn by chance; shares are known to a few per cent
ENOUGH: Final = 20  # documents; of fewer one odd one decides too much
# In the data folder, from its first start on: what documents have is found out there.
ASKED: Final = "schema.asked"
KEPT: Final = (
    "# The products were followed before anything was found out about them, so all\n"
    "# stays as it was. `run_listener.py profile` shows what would be found now.\n"
)

log = structlog.get_logger()


class FirstStart:
    """
    Finds out once which fields the documents have.

    Attributes:
        is_due: Whether that has yet to be done.
    """

    def __init__(
        self,
        settings: ListenerSettings,
        *,
        sample: Callable[[int], Sequence[Document]],
        look_up: LookUp,
        begin_again: Callable[[], None],
        is_new: bool,
    ) -> None:
        """
        Look whether it is known already.

        A store that is there though nobody ever asked is one of an earlier version,
        whose settings somebody was content with: they stay.

        Args:
            settings: In effect now.
            sample: Returns documents drawn by chance, at most so many; may raise
                ListenerError.
            look_up: Finds what they refer to.
            begin_again: Called when other settings are in effect from now on.
            is_new: Whether there is no store yet.

        Raises:
            OSError: The folder of the file cannot be written.
        """
        self._settings = settings
        self._sample = sample
        self._look_up = look_up
        self._begin_again = begin_again
        self._path = settings.schema_path
        asked = settings.data_dir / ASKED
        if is_new:
            asked.parent.mkdir(parents=True, exist_ok=True)
            asked.touch()
        elif not asked.exists() and not self._path.exists():
            _create(self._path, KEPT)
        self.is_due = not self._path.exists()

    def is_due_with(self, products: int) -> bool:
        """
        Return whether so many products are enough to find it out now.
        """
        return self.is_due and products >= ENOUGH

    def find_out(self) -> None:
        """
        Find it out if it is due and there are enough documents, and keep it.

        Raises:
            ListenerError: Try again later.
        """
        if not self.is_due:
            return
        documents = self._sample(SAMPLE)
        if len(documents) < ENOUGH:
            log.info("schema.waiting", documents=len(documents), enough=ENOUGH)
            return
        self.is_due = False
        try:
            decision = decide_with(documents, self._look_up)
        except ListenerError:
            self.is_due = True
            raise
        except Exception:
            log.exception("schema.failed")
            return
        self._keep(decision)
        if fingerprint(with_schema(self._settings)) != fingerprint(self._settings):
            self._begin_again()

    def _keep(self, decision: Decision) -> None:
        try:
            is_ours = _create(self._path, to_toml(decision, self._settings.collection))
        except OSError as error:
            self.is_due = True
            msg = f"{self._path} cannot be written: {error}"
            raise Unreachable(msg) from error
        if is_ours:
            say(decision, self._path)


class NothingToFind:
    """
    That of documents of which the settings say all there is to know.
    """

    def is_due_with(self, _products: int) -> bool:
        """
        Return False.
        """
        return False


def say(decision: Decision, path: Path) -> None:
    """
    Log what was decided, and how sure that is.
    """
    log.info(
        "schema.decided",
        file=str(path),
        documents=decision.documents,
        fields={role: to_said(choice) for role, choice in decision.choices.items()},
        visible_when=decision.visible_when,
        visible=round(decision.visible, 2),
        references=dict(decision.references),
        lookups={role: one.collection for role, one in decision.referred.items()},
    )


def _create(path: Path, text: str) -> bool:
    """
    Write a whole new file; return whether nobody else has just done so.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        Path(file.name).chmod(0o644)
        try:
            os.link(file.name, path)
        except FileExistsError:
            return False
    return True
