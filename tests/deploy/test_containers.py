"""
What is said to containers is what the programs know; nothing here runs one.
"""

from __future__ import annotations

import re
import tomllib

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from recommender.settings import (
    ListenerSettings,
    ServerSettings,
    Settings,
    load_settings,
    to_variable,
    unknown_settings,
)
from tests.support.ports import free_port
from tests.support.processes import ROOT, Process, ask
from tests.support.waiting import wait_for


DOCKERFILE: Final = ROOT / "deploy" / "docker" / "Dockerfile"
COMPOSE: Final = ROOT / "deploy" / "docker" / "compose.yaml"
KUBERNETES: Final = ROOT / "deploy" / "kubernetes" / "evershelf.yaml"
FILES: Final = (DOCKERFILE, COMPOSE, KUBERNETES)
LOCK: Final = ROOT / "requirements.lock"
IMAGE_LOCK: Final = ROOT / "deploy" / "docker" / "requirements.lock"
DOORS: Final = {5002: "server", 5003: "listener"}
PATIENCE_S: Final = 60.0


def to_pins(text: str) -> list[tuple[str, str]]:
    """
    Return packages and versions that are locked; of one package there may be several,
    for several versions of Python.
    """
    return re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)


def test_the_image_has_the_versions_that_are_tested() -> None:
    """
    What is installed there is locked, with hashes, and part of what is installed here.
    """
    text = IMAGE_LOCK.read_text()
    image, tested = to_pins(text), to_pins(LOCK.read_text())

    assert image
    assert set(image) <= set(tested)
    pinned = re.findall(
        r"^\S+==.*(\n    --hash=sha256:[0-9a-f]{64})", text, re.MULTILINE
    )
    assert len(pinned) == len(image)


def test_the_image_has_what_the_programs_need() -> None:
    """
    No dependency of the package is missing from its lock.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[^\w-]", each)[0] for each in project["dependencies"]}

    assert needed <= {name for name, _ in to_pins(IMAGE_LOCK.read_text())}


def to_copied(dockerfile: str) -> set[str]:
    """
    Return what is copied from the checkout, not from another stage.
    """
    copies = re.findall(r"^COPY (?!--)(.*)$", dockerfile, re.MULTILINE)
    return {source for copy in copies for source in copy.split()[:-1]}


def test_the_image_holds_what_the_wheel_is_made_of() -> None:
    """
    All packages and modules are copied.
    """
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    modules = {f"{name}.py" for name in tools["py-modules"]}
    packages = {name.rstrip("*") for name in tools["packages"]["find"]["include"]}

    needed = modules | packages | {"pyproject.toml", "README.md", "LICENSE"}
    assert needed <= to_copied(DOCKERFILE.read_text())


def test_the_build_sees_what_is_copied_and_nothing_else() -> None:
    """
    .dockerignore lets in just what is copied, each by its path from the checkout: a
    path that is left out ends the build.
    """
    copied = to_copied(DOCKERFILE.read_text())
    lines = (ROOT / ".dockerignore").read_text().splitlines()

    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_settings_exist(path: Any) -> None:
    """
    Every variable of ours has a setting.
    """
    known = {
        to_variable(kind, field)
        for kind in (ListenerSettings, ServerSettings)
        for field in kind.model_fields
    }

    assert set(re.findall(r"EVERSHELF_\w+", path.read_text())) <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_programs_exist(path: Any) -> None:
    """
    Every program that is started comes with the wheel.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    started = set(re.findall(r"evershelf-(?:listener|server)\b", path.read_text()))
    assert started <= set(project["scripts"])
    assert started


def test_ports_are_the_defaults() -> None:
    """
    Nothing has to say where the doors are.
    """
    asked = {
        int(port)
        for path in FILES
        for port in re.findall(r"127\.0\.0\.1:(\d+)", path.read_text())
    }

    assert asked == set(DOORS)
    assert ServerSettings.model_fields["port"].default in asked
    assert ListenerSettings.model_fields["control_port"].default in asked


def test_probes_ask_doors_that_there_are() -> None:
    """
    Both programs are asked whether they live, the server whether it is ready.
    """
    text = KUBERNETES.read_text() + COMPOSE.read_text()

    assert set(re.findall(r"/health/\w+", text)) == {"/health/live", "/health/ready"}


def test_containers_may_do_little() -> None:
    """
    No container writes to its root, has a capability or can get one, or is root.
    """
    (pods, _service) = yaml.safe_load_all(KUBERNETES.read_text())
    pod = pods["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    for name in ("network", "listener", "server"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
    assert re.search(r"^USER 10001:10001$", DOCKERFILE.read_text(), re.MULTILINE)


def to_links(name: str, port: int) -> dict[str, str]:
    """
    Return what Kubernetes tells a pod of a service beside it.
    """
    prefix, host = name.upper().replace("-", "_"), "10.96.0.7"
    address = f"tcp://{host}:{port}"
    return {
        f"{prefix}_SERVICE_HOST": host,
        f"{prefix}_SERVICE_PORT": str(port),
        f"{prefix}_PORT": address,
        f"{prefix}_PORT_{port}_TCP": address,
    }


@pytest.mark.parametrize("kind", [ListenerSettings, ServerSettings])
def test_the_service_sets_nothing(
    kind: type[Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The service's name is that of our variables; what the cluster says of it to every
    pod, unless told not to, is no setting of ours.
    """
    (pods, service) = yaml.safe_load_all(KUBERNETES.read_text())
    monkeypatch.chdir(tmp_path)
    if pods["spec"]["template"]["spec"].get("enableServiceLinks", True):
        (port,) = (one["port"] for one in service["spec"]["ports"])
        for name, value in to_links(service["metadata"]["name"], port).items():
            monkeypatch.setenv(name, value)

    load_settings(kind, [])
    assert not list(unknown_settings())


def test_a_restart_takes_nobody_elses_network() -> None:
    """
    A container whose network belongs to another one is cut off when that one restarts:
    so the network that both programs share belongs to neither of them.
    """
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    programs = ("listener", "server")

    (owner,) = {services[name]["network_mode"] for name in programs}
    owner = owner.removeprefix("service:")
    assert owner not in programs
    assert services[owner]["command"] == ["sleep", "infinity"]
    assert services[owner]["ports"] == ["5002:5002"]


def to_servers() -> Iterator[Any]:
    """
    Yield how each file starts a server: its arguments, and its variables.
    """
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    server = services["server"]
    named = list(server.get("environment", {}))
    yield pytest.param(server["command"][1:], named, id="compose")

    (pods, _service) = yaml.safe_load_all(KUBERNETES.read_text())
    (server,) = [
        container
        for container in pods["spec"]["template"]["spec"]["containers"]
        if container["name"] == "server"
    ]
    named = [each["name"] for each in server["env"] if "valueFrom" in each]
    yield pytest.param(server["command"][1:], named, id="kubernetes")


@pytest.mark.parametrize(("arguments", "secrets"), list(to_servers()))
def test_a_server_starts_as_it_is_told_to(
    tmp_path: Path, arguments: list[str], secrets: list[str]
) -> None:
    """
    With these arguments, and nothing secret but what the file hands on, it listens; it
    would not, to all the world, without keys of admins.
    """
    port = free_port()
    own = dict.fromkeys(secrets, "a-key-of-admins")
    settings = {
        "EVERSHELF_DATA_DIR": str(tmp_path / "data"),
        "EVERSHELF_PORT": str(port),
    }
    server = Process("run_server.py", arguments, settings | own, tmp_path / "log")
    server.start()
    try:
        live = f"http://127.0.0.1:{port}/health/live"
        wait_for(
            lambda: not server.is_running or ask(live).status == 200,
            timeout_s=PATIENCE_S,
        )
        assert server.is_running, server.text
    finally:
        if server.is_running:
            server.kill()
