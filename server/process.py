"""
The server's process: arguments in, exit code out.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from recommender.errors import SettingsFault
from recommender.exits import Exit
from recommender.settings import ServerSettings
from recommender.startup import begin, refuse
from server.app import CannotBind, serve
from server.crew import lead


log = structlog.get_logger()


def main(arguments: Sequence[str]) -> Exit:
    """
    Serve until told to stop; return why it ended.
    """
    try:
        settings = begin(ServerSettings, arguments, process="server")
        return serve(settings) if settings.workers == 1 else lead(settings)
    except SettingsFault as error:
        return refuse(error)
    except CannotBind as error:
        log.error("server.failed", error=str(error))
        return Exit.UNAVAILABLE
    except Exception:
        log.exception("server.crashed")
        return Exit.DEFECT
