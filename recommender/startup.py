"""
How each process begins: settings, then logs, and what looks wrong is said.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import structlog

from recommender.effective import to_lines
from recommender.errors import SettingsFault
from recommender.exits import Exit
from recommender.logs import configure_logs
from recommender.masking import HIDDEN, Secrets
from recommender.settings import Settings, load_settings, secrets_of, unknown_settings


T = TypeVar("T", bound=Settings)

# What was given to a flag that is not known, which may be meant for one of the keys.
_GIVEN: Final = re.compile(r"(?P<flag>\s--?[\w-]+=)\S+")

log = structlog.get_logger()


def begin(kind: type[T], arguments: Sequence[str], *, process: str) -> T:
    """
    Return the settings of one process, whose logs go by them from now on.

    Raises:
        SettingsFault: Naming every setting that is wrong.
        SystemExit: The arguments ask for help or for the settings, or are not known.
    """
    with _without_secrets():
        settings = load_settings(kind, arguments)
    if settings.print_config:
        sys.stdout.writelines(f"{line}\n" for line in to_lines(settings, arguments))
        sys.exit(Exit.OK)
    configure_logs(
        settings.log_format,
        settings.log_level,
        process=process,
        secrets=Secrets(secrets_of(settings)),
    )
    for unknown in unknown_settings():
        log.warning(
            "settings.unknown",
            name=unknown.name,
            nearest=unknown.nearest,
            place=unknown.place,
        )
    return settings


@contextlib.contextmanager
def _without_secrets() -> Iterator[None]:
    """
    Let what is said of the arguments meanwhile quote none of their values.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            yield
    finally:
        text = _GIVEN.sub(rf"\g<flag>{HIDDEN}", said.getvalue())
        sys.stderr.write(Secrets().without(text))


def refuse(error: SettingsFault) -> Exit:
    """
    Tell the operator each fault, one a line; return how the process ends.
    """
    hidden = Secrets()  # an address may be given where a name belongs
    sys.stderr.writelines(f"{hidden.without(fault)}\n" for fault in error.faults)
    return Exit.SETTINGS
