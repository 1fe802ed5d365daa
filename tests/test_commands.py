"""
Each command that the documents tell people to type is typed, or is here with the
reason why not.

They are typed as they stand, in a folder that is like a fresh clone, beside `make run`.
"""

from __future__ import annotations

import gzip
import http.client
import re
import shutil
import urllib.request

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import orjson
import pytest

from recommender import manifest as manifests
from recommender.settings import ListenerSettings, ServerSettings, unknown_settings
from tests.support.clone import Clone, Typed
from tests.support.pages import PAGES, ROOT, blocks, is_setting, to_settings
from tests.support.ports import free_port
from tests.support.shop import make_document
from tests.support.waiting import wait_for


pytestmark = pytest.mark.xdist_group("commands")  # one demo is enough

START_S: Final = 120.0
GREETING: Final = re.compile(r"curl 'http://[^']+'")
PORT: Final = ":5002"  # of the pages
PATH: Final = re.compile(
    r"(?<![\w/.])(?:deploy|benchmarks|tests|docs)/[\w./*-]+|\w+\.lock"
)
OPTION: Final = re.compile(r"(?<=\s)--[a-z-]+")
DOOR: Final = re.compile(r"`(GET|POST) (/[^\s`]*)`")
SEEN: Final = "65e30d40a97b93de8ae8a993"  # a sofa bed of the sample

LISTENER: Final = ".venv/bin/python run_listener.py"

# what ends, and what it says then
TYPED: Final = {
    f"{LISTENER} doctor": "doctor.done",
    f"{LISTENER} verify": '"equal":true',
    f"{LISTENER} resync": "resync.done",
    f"{LISTENER} evaluate": "evaluate.done",
    f"{LISTENER} evaluate products.jsonl.gz": "evaluate.done",
    f"{LISTENER} evaluate products.jsonl --truth truth.csv": "evaluate.done",
    f"{LISTENER} evaluate --beside other.toml": "evaluate.compared",
    f"{LISTENER} --print-config": "EVERSHELF_COLLECTION",
    "make verify": '"equal":true',
    "make evaluate": "evaluate.done",
}
LOADED: Final = "make load FILE=products.jsonl.gz"

# what goes on until it is stopped, and what it says when it is up
STARTED: Final = {
    LISTENER: '"state":"following"',
    ".venv/bin/python run_server.py": "server.started",
    "EVERSHELF_WORKERS=4 .venv/bin/python run_server.py": '"worker":4',
}

ELSEWHERE: Final = {
    f"{LISTENER} work": "there is no queue beside the demo; tests/queue",
    f"{LISTENER} evaluate --tune": "the demo has no orders; tests/evaluate",
    f"{LISTENER} follow": "nothing is published beside the demo; tests/e2e/test_follow.py",
    "make run": "all others are typed beside it",
    "make install": "continuous integration begins with it",
    "make test": "it is what runs this",
    "make bench": "half an hour; tests/benchmarks has a small one",
    ".venv/bin/python -m benchmarks --sizes 1000000 --only "
    "cold_build,footprint,query,freshness,throughput,restart,bulk,exactness": "the same",
    ".venv/bin/python -m benchmarks --sizes 1000,10000 --only engine,package": "minutes",
    "make quality": "minutes, and catalogues that a clone has not; tests/quality",
    "make chaos": "ten minutes; tests/chaos has a small one",
    'make chaos CHAOS_ARGS="--minutes 60 --seed 1"': "an hour",
    ".venv/bin/python -m benchmarks --sizes 20000 --only recovery": "three minutes",
    ".venv/bin/python -m benchmarks --sizes 20000 --only load": "more than a minute",
    "make soak": "an hour; tests/soak has half a minute of it",
    'make soak SOAK_ARGS="--minutes 20 --products 20000 --updates 300000"': "the same",
    ".venv/bin/python -m benchmarks --sizes 20000 --only workers --window 4": (
        "a minute; tests/benchmarks has a small one"
    ),
    ".venv/bin/python -m benchmarks.capacity": (
        "many minutes; tests/benchmarks has a small one"
    ),
    ".venv/bin/python -m benchmarks.capacity --sizes 3000000,10000000": "more",
    ".venv/bin/python -m benchmarks.drift": "minutes; tests/benchmarks has a small one",
    ".venv/bin/python -m benchmarks.milvus": "without pymilvus it only says so",
    ".venv/bin/python -m benchmarks.milvus --sizes 1000 --uri http://localhost:19530": (
        "the same, and a server"
    ),
    ".venv/bin/python -m benchmarks.quality online_retail": (
        "minutes, and a file that a clone has not; tests/quality"
    ),
    ".venv/bin/python -m uv build --wheel": "tests/deploy/test_wheel.py does it",
    "python3 -m venv /opt/evershelf": "for root; tests/deploy/test_wheel.py, elsewhere",
    "/opt/evershelf/bin/pip install --constraint requirements.lock "
    "dist/evershelf-0.1.0-py3-none-any.whl": "the same",
    "sudo cp deploy/systemd/*.service deploy/systemd/*.target /etc/systemd/system/": (
        "for root; tests/deploy/test_systemd.py looks at the units"
    ),
    "sudo cp deploy/systemd/evershelf.sysusers /etc/sysusers.d/evershelf.conf "
    "&& sudo systemd-sysusers": "the same",
    "sudo install -m 0600 -D /dev/stdin /etc/evershelf/listener.env "
    "<<< 'MONGODB_URI=mongodb://…'": "the same",
    "sudo systemctl enable --now evershelf-listener evershelf-server@5002 "
    "evershelf-server@5012 evershelf.target": "the same",
    "EVERSHELF_ADMIN_KEYS=… docker compose --file deploy/docker/compose.yaml "
    "up --build": (
        "the page says that it was not run; tests/deploy/test_containers.py"
    ),
    "kubectl create secret generic evershelf \\\n"
    "  --from-literal=MONGODB_URI='mongodb+srv://…' "
    "--from-literal=EVERSHELF_ADMIN_KEYS=…": "the same",
    "kubectl apply --filename deploy/kubernetes/evershelf.yaml": "the same",
}


def to_id(command: str) -> str:
    """
    Return the address that a request with curl asks, without its host.
    """
    return re.findall(rf"{PORT}([/\w]+)", command)[0]


COMMANDS: Final = sorted(
    {
        command
        for _, commands in blocks()
        for command in commands
        if not is_setting(command)
    }
)
ASKED: Final = [command for command in COMMANDS if command.startswith("curl ")]
SETTINGS: Final = [
    (page, to_settings(commands))
    for page, commands in blocks()
    if to_settings(commands)
]
DOORS: Final = sorted(
    {door for page in PAGES for door in DOOR.findall(page.read_text())}
)


@dataclass(frozen=True, slots=True)
class Demo:
    """
    `make run`, up.
    """

    clone: Clone
    uri: str

    def environment(self, command: str) -> dict[str, str]:
        """
        Return what must be set for a command: the shop, unless it is the demo's own;
        and that few questions are enough.
        """
        shop = {} if command.startswith("make") else {"MONGODB_URI": self.uri}
        return {"EVERSHELF_ASKED": "50", **shop}


@pytest.fixture(scope="module", name="clone")
def _clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return Clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module", name="demo")
def _demo(clone: Clone) -> Iterator[Demo]:
    products = [make_document(number) for number in range(12)]
    lines = b"".join(orjson.dumps(one, default=str) + b"\n" for one in products)
    (clone.folder / "products.jsonl").write_bytes(lines)
    (clone.folder / "products.jsonl.gz").write_bytes(gzip.compress(lines))
    groups = "".join(f"{one['category']},{one['_id']}\n" for one in products)
    (clone.folder / "truth.csv").write_text(f"group,product\n{groups}")
    (clone.folder / "other.toml").write_text("sublinear = false\n")
    with clone.typing("make run", EVERSHELF_LOG_FORMAT="json") as run:
        wait_for(lambda: _is_greeted(run), timeout_s=START_S, what="the greeting")
        yield Demo(clone, _address(run))


def _is_greeted(run: Typed) -> bool:
    if not run.is_running:
        raise RuntimeError(run.text[-4000:])
    return GREETING.search(run.text) is not None


def _address(run: Typed) -> str:
    lines = [line for line in run.text.splitlines() if "demo.database_started" in line]
    address: str = orjson.loads(lines[-1])["address"]
    return address


def test_each_command_is_typed_or_has_a_reason() -> None:
    """
    None is forgotten, none is in two places, and none is here that no page has.
    """
    known = [*TYPED, *STARTED, *ELSEWHERE, *ASKED, LOADED]
    assert sorted(known) == COMMANDS


@pytest.mark.parametrize("command", sorted(TYPED))
def test_command_does_what_the_page_says(demo: Demo, command: str) -> None:
    """
    It ends with 0 and says that it is done, beside the running demo.
    """
    said = demo.clone.say(command, **demo.environment(command))
    assert TYPED[command] in said


@pytest.mark.parametrize("command", ASKED, ids=to_id)
def test_request_is_answered(demo: Demo, command: str) -> None:
    """
    A request with curl is answered with products.
    """
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    asked = command.replace(PORT, f":{demo.clone.port}")
    answer = orjson.loads(demo.clone.say(f"{asked} --silent --fail"))
    results = answer.get("results", [answer])
    assert all(result.get("items", True) for result in results), answer


def test_the_pair_starts_beside_any_database(demo: Demo) -> None:
    """
    Listener and server, each as the page says, come up, and end with 0 at Ctrl+C.
    """
    own = {
        "MONGODB_URI": demo.uri,
        "EVERSHELF_DATA_DIR": "own",
        "EVERSHELF_PORT": str(free_port()),
        "EVERSHELF_CONTROL_PORT": str(free_port()),
    }
    for command, sign in STARTED.items():
        with demo.clone.typing(command, **own) as typed:
            wait_for(lambda: sign in typed.text, timeout_s=START_S, what=sign)  # noqa: B023
            typed.press_ctrl_c()
            assert typed.wait() == 0, typed.text[-4000:]


@pytest.mark.parametrize("command", sorted(ELSEWHERE))
def test_what_is_not_typed_could_be(clone: Clone, command: str) -> None:
    """
    A shell understands it, the files that it names exist, `make` knows the target, and
    our programs the options.
    """
    clone.say(f"bash -n <<'END'\n{command}\nEND")
    for pattern in PATH.findall(command):
        assert list(ROOT.glob(pattern)), pattern
    plain = clone.say(f"{command} --dry-run") if command.startswith("make") else command
    ours = re.search(r"\.venv/bin/python -m ((?:tests|benchmarks)[.\w]*) (-.+)", plain)
    if ours:
        known = clone.say(f".venv/bin/python -m {ours[1]} --help")
        assert set(OPTION.findall(f" {ours[2]}")) <= set(OPTION.findall(known))


@pytest.mark.parametrize(("page", "settings"), SETTINGS)
def test_settings_are_taken(
    page: str, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What a page says to set is known, and makes sense together.
    """
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    ListenerSettings()
    ServerSettings()
    assert not [one.name for one in unknown_settings() if one.name in settings]


def name_of_a_segment(demo: Demo) -> str:
    """
    Return the name of a file that the demo's store has, as another pair would learn it.
    """
    address = f"http://127.0.0.1:{demo.clone.port}/v1/store/manifest"
    with urllib.request.urlopen(address, timeout=60) as answer:
        return manifests.from_bytes(answer.read()).segments[0].name


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_doors_exist(demo: Demo, method: str, path: str) -> None:
    """
    Each address that a page names leads to a door, which takes that method.
    """
    asked = path.replace("{id}", SEEN).removesuffix("?q=")
    if "{name}" in asked:
        asked = asked.replace("{name}", name_of_a_segment(demo))
    connection = http.client.HTTPConnection("127.0.0.1", demo.clone.port, timeout=60)
    connection.request(method, asked)
    answer = connection.getresponse()
    is_stream = answer.headers.get_content_type() == "text/event-stream"
    said = b"" if is_stream else answer.read()
    connection.close()

    assert not {b"not_found", b"method_not_allowed"} & set(re.findall(rb"\w+", said))
    assert answer.status < http.HTTPStatus.INTERNAL_SERVER_ERROR


def test_a_catalogue_is_loaded(demo: Demo) -> None:
    """
    A file takes the place of the sample while the demo runs; so this comes last.
    """
    assert '"loaded":12' in demo.clone.say(LOADED, **demo.environment(LOADED))
