"""
Answers recommendation calls; see `python run_server.py --help`.
"""

from __future__ import annotations

import os
import sys

from collections.abc import Sequence

import structlog

from recommender.errors import SettingsFault
from recommender.exits import Exit
from recommender.logs import configure_logs
from recommender.settings import ServerSettings, load_settings, unknown_names
from server.app import CannotBind, serve


log = structlog.get_logger()


def main(arguments: Sequence[str]) -> Exit:
    """
    Serve until told to stop; return why it ended.
    """
    try:
        settings = load_settings(ServerSettings, arguments)
        configure_logs(settings.log_format, settings.log_level, process="server")
        for name, nearest in unknown_names(os.environ).items():
            log.warning("settings.unknown", name=name, nearest=nearest)
        return serve(settings)
    except SettingsFault as error:
        print(*error.faults, sep="\n", file=sys.stderr)
        return Exit.SETTINGS
    except CannotBind as error:
        log.error("server.failed", error=str(error))
        return Exit.UNAVAILABLE
    except Exception:
        log.exception("server.crashed")
        return Exit.DEFECT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
