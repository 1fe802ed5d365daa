"""
`--print-config`: what is in effect, and where it comes from.
"""

from __future__ import annotations

import re
import subprocess
import sys

from pathlib import Path

import pytest

from recommender.effective import ERRAND, to_lines
from recommender.settings import ListenerSettings, ServerSettings, load_settings
from tests.support.processes import ROOT


URI = "mongodb://shop:swordfish@db1,db2/elsewhere?replicaSet=rs0"


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shown(*arguments: str, kind=ListenerSettings) -> dict[str, tuple[str, str]]:
    """
    Return each variable's value and origin.
    """
    lines = to_lines(load_settings(kind, arguments), arguments)
    rows = [re.split(r" {2,}", line) for line in lines]
    return {row[0]: (row[1], row[-1]) for row in rows if len(row) == 3}


def test_each_value_has_its_origin(monkeypatch):
    """
    A value comes from where it was set last, from the settings file up to the flag;
    what nobody set is the default.
    """
    Path("evershelf.toml").write_text(
        "demo_port = 1\ncontrol_port = 1\nquiet_s = 0.1\nsweep_per_s = 1\n"
        "[weights]\nname = 4\n"
    )
    Path(".env").write_text(
        "EVERSHELF_CONTROL_PORT=2\nEVERSHELF_QUIET_S=0.2\nEVERSHELF_SWEEP_PER_S=2\n"
    )
    monkeypatch.setenv("EVERSHELF_QUIET_S", "0.3")
    monkeypatch.setenv("EVERSHELF_SWEEP_PER_S", "3")

    table = shown("--sweep-per-s", "4")

    assert table["EVERSHELF_DEMO_PORT"] == ("1", "evershelf.toml")
    assert table["EVERSHELF_WEIGHTS"] == ('{"name": 4.0}', "evershelf.toml")
    assert table["EVERSHELF_CONTROL_PORT"] == ("2", ".env")
    assert table["EVERSHELF_QUIET_S"] == ("0.3", "environment")
    assert table["EVERSHELF_SWEEP_PER_S"] == ("4", "flag --sweep-per-s")
    assert table["EVERSHELF_COLLECTION"] == ("products", "default")


def test_file_that_was_named_is_the_origin(tmp_path, monkeypatch):
    """
    A settings file elsewhere is told by its path.
    """
    path = tmp_path / "shop.toml"
    path.write_text("port = 80\n")
    monkeypatch.setenv("EVERSHELF_CONFIG", str(path))

    assert shown(kind=ServerSettings)["EVERSHELF_PORT"] == ("80", str(path))


def test_what_was_detected_is_told(monkeypatch):
    """
    Of what depends on something else than settings, what came of it is shown: the
    database that the address names, and the log's format.
    """
    monkeypatch.setenv("MONGODB_URI", URI)
    monkeypatch.setenv("EVERSHELF_DATABASE", "overruled")

    table = shown()

    assert table["EVERSHELF_DATABASE"] == ("elsewhere", "detected: in MONGODB_URI")
    assert table["EVERSHELF_LOG_FORMAT"] == ("json", "detected: no terminal")
    assert shown("--log-format", "json")["EVERSHELF_LOG_FORMAT"] == (
        "json",
        "flag --log-format",
    )


def test_secrets_are_hidden(monkeypatch):
    """
    Of an address only the password and the options are missing; of keys, all but how
    many there are.
    """
    monkeypatch.setenv("MONGODB_URI", URI)
    monkeypatch.setenv("EVERSHELF_ADMIN_KEYS", "hunter2,hunter3")
    monkeypatch.setenv("EVERSHELF_READ_KEYS", "hunter4")

    listener, server = shown(), shown(kind=ServerSettings)

    assert listener["MONGODB_URI"][0] == "mongodb://shop:***@db1,db2/elsewhere"
    assert listener["EVERSHELF_ADMIN_KEYS"] == ("***,***", "environment")
    assert server["EVERSHELF_READ_KEYS"] == ("***", "environment")
    assert "hunter" not in f"{listener}{server}"
    assert "swordfish" not in str(listener)


def test_secrets_in_strange_places_are_hidden(monkeypatch):
    """
    An address where a name belongs shows no password, and nothing shows a key.
    """
    monkeypatch.setenv("EVERSHELF_ADMIN_KEYS", "hunter2")
    monkeypatch.setenv("EVERSHELF_COLLECTION", "mongodb://shop:swordfish@db1/x")
    monkeypatch.setenv("EVERSHELF_DATABASE", "hunter2")

    listener = shown()

    assert listener["EVERSHELF_COLLECTION"][0] == "mongodb://shop:***@db1/x"
    assert listener["EVERSHELF_DATABASE"] == ("***", "environment")


@pytest.mark.parametrize("kind", [ListenerSettings, ServerSettings])
def test_nothing_is_left_out(kind):
    """
    Every setting has its line, in order, and what a program is told to do has none.
    """
    arguments = ["--print-config"]
    settings = load_settings(kind, arguments)

    assert len(list(to_lines(settings, arguments))) == len(
        kind.model_fields.keys() - ERRAND
    )


@pytest.mark.parametrize("program", ["run_listener.py", "run_server.py"])
def test_programs_show_it_and_end(tmp_path, monkeypatch, program):
    """
    Both print it and do nothing else, not even log; what was set in vain comes last.
    """
    monkeypatch.setenv("EVERSHELF_PROT", "1")

    done = subprocess.run(
        [sys.executable, ROOT / program, "--print-config", "--data-dir", "here"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    lines = done.stdout.splitlines()
    assert re.fullmatch(r"EVERSHELF_DATA_DIR +here +flag --data-dir", lines[0])
    assert lines[-1] == (
        "EVERSHELF_PROT means nothing, EVERSHELF_PORT may be meant  environment"
    )
    assert not done.stderr
    assert not list(tmp_path.iterdir())


def test_faults_come_first(monkeypatch):
    """
    With settings that cannot be used, all faults are told instead.
    """
    monkeypatch.setenv("EVERSHELF_PORT", "many")
    monkeypatch.setenv("EVERSHELF_CACHE_S", "-1")

    done = subprocess.run(
        [sys.executable, ROOT / "run_server.py", "--print-config"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 2
    assert not done.stdout
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "EVERSHELF_PORT=many",
        "EVERSHELF_CACHE_S=-1",
    ]


def test_what_was_found_out_is_the_weakest(monkeypatch):
    """
    What is kept of the documents' fields has its origin, where nothing else is set.
    """
    Path("data").mkdir()
    Path("data/schema.toml").write_text(
        "name_fields = ['Title']\nprice_fields = ['Preis']\nbrand_fields = ['Marke']\n"
    )
    Path("evershelf.toml").write_text("price_fields = ['netto']\n")
    monkeypatch.setenv("EVERSHELF_BRAND_FIELDS", "firma")

    table = shown()

    assert table["EVERSHELF_NAME_FIELDS"] == ("Title", "found out: data/schema.toml")
    assert table["EVERSHELF_PRICE_FIELDS"] == ("netto", "evershelf.toml")
    assert table["EVERSHELF_BRAND_FIELDS"] == ("firma", "environment")
