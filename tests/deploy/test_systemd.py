"""
The units are well-formed, hardened, and start the programs that there are.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib

from pathlib import Path
from typing import Any, Final

import pytest

from pymongo.database import Database

from recommender.exits import Exit
from recommender.settings import (
    ListenerSettings,
    ServerSettings,
    load_settings,
    to_variable,
)
from tests.support.confined import is_possible
from tests.support.processes import ROOT, Process, make_pair, to_uri
from tests.support.shop import make_document
from tests.support.waiting import wait_for


FOLDER: Final = ROOT / "deploy" / "systemd"
LISTENER: Final = "evershelf-listener.service"
SERVER: Final = "evershelf-server@.service"
SERVICES: Final = (LISTENER, SERVER)
HIGHEST_EXPOSURE: Final = 2.5
SYSTEMD_ANALYZE: Final = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(
    SYSTEMD_ANALYZE is None, reason="systemd-analyze is not installed"
)


def analyze(*arguments: object) -> tuple[int, str]:
    """
    Return the exit code of systemd-analyze, and all that it says.
    """
    assert SYSTEMD_ANALYZE is not None
    done = subprocess.run(
        [SYSTEMD_ANALYZE, "--no-pager", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def to_values(name: str, key: str) -> list[str]:
    """
    Return what a service says under a key, in order.
    """
    text = (FOLDER / name).read_text()
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_hardened(name: str) -> None:
    """
    What a service that is taken over can reach is little.
    """
    _, said = analyze("security", "--offline=true", FOLDER / name)

    found = re.search(r"Overall exposure level for .*: ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= HIGHEST_EXPOSURE, said


@needs_systemd
def test_units_are_well_formed(tmp_path: Path) -> None:
    """
    systemd finds nothing to complain about, once the programs are there.
    """
    for path in FOLDER.iterdir():
        text = path.read_text()
        (tmp_path / path.name).write_text(
            re.sub(r"(?m)^ExecStart=/opt/\S+", "ExecStart=/bin/true", text)
        )

    units = [tmp_path / name for name in (*SERVICES, "evershelf.target")]
    code, said = analyze("verify", "--man=no", *units)

    assert (code, said) == (0, "")


@pytest.mark.parametrize(
    ("name", "kind"), [(LISTENER, ListenerSettings), (SERVER, ServerSettings)]
)
def test_a_service_starts_its_program(
    name: str, kind: type[ListenerSettings | ServerSettings]
) -> None:
    """
    It starts a program of the wheel, with flags and variables that exist.
    """
    (command,) = to_values(name, "ExecStart")
    program, *arguments = command.replace("%i", "5002").split()
    set_here = " ".join(to_values(name, "Environment")).split()

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert Path(program).name in project["scripts"]
    load_settings(kind, arguments)
    known = {to_variable(kind, field) for field in kind.model_fields}
    assert {one.split("=")[0] for one in set_here} <= {*known, "NUMBA_CACHE_DIR"}


needs_filter = pytest.mark.skipif(
    not is_possible(), reason="systemd-analyze or libseccomp is not installed"
)
REFUSED: Final = {
    "priority": "os.setpriority(os.PRIO_PROCESS, 0, 1)",
    "family": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "clock": "time.clock_settime(time.CLOCK_REALTIME, time.time())",
    "owner": "os.chown('/proc/self/mem', 0, 0)",
}


@needs_filter
@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("what", REFUSED)
def test_what_a_service_may_not_do(name: str, what: str) -> None:
    """
    The filter under which the pair is tried refuses, also to root.
    """
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.support.confined", FOLDER / name, "-c",
            f"import os, socket, time; {REFUSED[what]}",
        ],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("PermissionError: [Errno 1]")


@needs_filter
def test_the_pair_needs_no_more_than_its_units_allow(
    tmp_path: Path, mongo_uri: str, database: Database[dict[str, Any]]
) -> None:
    """
    Under the system calls and address families of their units both programs start,
    follow, publish, serve, answer at every port and stop.
    """
    products = database["products"]
    products.insert_many([make_document(i) for i in range(58)])
    with make_pair(tmp_path / "data", to_uri(mongo_uri, database.name)) as pair:
        for unit, name in ((LISTENER, "listener"), (SERVER, "server")):
            confined = Process(
                "tests.support.confined",
                [str(FOLDER / unit), f"run_{name}.py"],
                pair.environment,
                tmp_path / f"{name}.log",
            )
            setattr(pair, name, confined)
        pair.listener.start()
        pair.server.start()
        wait_for(lambda: pair.get("/health/ready").status == 200, timeout_s=60)
        products.insert_one(make_document(58))
        last = str(make_document(58)["_id"])
        wait_for(lambda: pair.get(f"/v1/products/{last}").status == 200, timeout_s=60)

        assert pair.similar(last)
        assert pair.get("/metrics").status == 200
        assert pair.control("/metrics").status == 200
        assert pair.control("/train?full=1", method="POST").status == 200
        assert (pair.listener.stop(), pair.server.stop()) == (0, 0)
        for process in (pair.listener, pair.server):
            assert not [
                line for line in process.logs() if line["level"] in {"warning", "error"}
            ]


@pytest.mark.parametrize("name", SERVICES)
def test_what_somebody_must_mend_is_not_tried_again(name: str) -> None:
    """
    A service is started again after whatever ends it but wrong settings and, the
    listener, a database that does not allow it.
    """
    lasting = [Exit.SETTINGS, Exit.REFUSED] if name == LISTENER else [Exit.SETTINGS]

    assert to_values(name, "Restart") == ["always"]
    assert to_values(name, "StartLimitIntervalSec") == ["0"]
    assert to_values(name, "RestartPreventExitStatus") == [
        " ".join(str(int(code)) for code in lasting)
    ]


@pytest.mark.parametrize("name", SERVICES)
def test_others_are_asked_to_stop_by_who_leads_them(name: str) -> None:
    """
    The manager asks only the first process; it kills all that are left.
    """
    assert to_values(name, "KillMode") == ["mixed"]


@pytest.mark.parametrize("name", SERVICES)
def test_the_manager_hears_the_process(name: str) -> None:
    """
    Readiness and the watchdog come from the process itself, and its kernels' cache is
    where it may write.
    """
    (cache,) = to_values(name, "CacheDirectory")

    assert to_values(name, "Type") == ["notify"]
    assert to_values(name, "WatchdogSec")
    assert f"NUMBA_CACHE_DIR=/var/cache/{cache}" in to_values(name, "Environment")
