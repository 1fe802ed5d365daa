"""
How each process begins: settings, then logs, and what looks wrong is said.
"""

from __future__ import annotations

import os

from collections.abc import Sequence
from typing import TypeVar

import structlog

from recommender.logs import configure_logs
from recommender.settings import Settings, load_settings, unknown_names


T = TypeVar("T", bound=Settings)

log = structlog.get_logger()


def begin(kind: type[T], arguments: Sequence[str], *, process: str) -> T:
    """
    Return the settings of one process, whose logs go by them from now on.

    Raises:
        SettingsFault: Naming every setting that is wrong.
        SystemExit: The arguments ask for help, or are not known.
    """
    settings = load_settings(kind, arguments)
    configure_logs(settings.log_format, settings.log_level, process=process)
    for name, nearest in unknown_names(os.environ).items():
        log.warning("settings.unknown", name=name, nearest=nearest)
    return settings
