"""
How a process begins.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from structlog.testing import capture_logs

from recommender.errors import SettingsFault
from recommender.exits import Exit
from recommender.settings import ListenerSettings
from recommender.startup import begin, refuse


def test_faults_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Each fault is a line of standard error, and the process ends as with wrong settings.
    """
    assert refuse(SettingsFault(["A=1: wrong", "B=2: wrong"])) is Exit.SETTINGS

    said = capsys.readouterr()
    assert said.err == "A=1: wrong\nB=2: wrong\n"
    assert not said.out


def test_faults_show_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    """
    What was given in the wrong place may be an address.
    """
    refuse(SettingsFault(["EVERSHELF_TRUSTED_PROXIES=http://me:swordfish@p: wrong"]))

    told = "EVERSHELF_TRUSTED_PROXIES=http://me:***@p: wrong\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    "arguments",
    [
        ["--admin_keys=swordfish"],
        ["--metrics-kyes=swordfish", "--mongodb_uri=mongodb://me:swordfish@db"],
        ["run", "file", "mongodb://me:swordfish@db1/shop"],
    ],
    ids=["flag", "flags", "address"],
)
def test_arguments_that_are_not_known_are_not_shown(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """
    What was given to a flag that there is not is no word for a log; its name is.
    """
    with pytest.raises(SystemExit) as ended:
        begin(ListenerSettings, arguments, process="listener")

    said = capsys.readouterr().err
    assert ended.value.code == Exit.SETTINGS
    assert "unrecognized arguments: " in said
    assert "***" in said
    assert "swordfish" not in said


def test_secrets_of_the_settings_are_hidden(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    Whatever is logged after the start shows no key, and no password, as it is or as an
    address writes it.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVERSHELF_ADMIN_KEYS", "first-key,second-key")
    monkeypatch.setenv("EVERSHELF_METRICS_KEYS", "third-key")
    options = "tls=true&tlsCertificateKeyFilePassword=sword%20fish"
    monkeypatch.setenv("MONGODB_URI", f"mongodb://me:pa%3Ass@db1/shop?{options}")
    begin(ListenerSettings, ["--log-format", "json"], process="listener")

    structlog.get_logger().info(
        "said",
        text="first-key second-key third-key pa:ss pa%3Ass sword fish db1 shop",
    )

    assert '"*** *** *** *** *** *** db1 shop"' in capsys.readouterr().out


def test_what_was_set_in_vain_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Names that mean nothing are warnings, wherever they are written; the process goes
    on with what it understood.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVERSHELF_PROT", "1")
    monkeypatch.setattr("recommender.startup.configure_logs", lambda *_, **__: None)
    Path(".env").write_text("EVERSHELF_QIET_S=1\n")
    Path("evershelf.toml").write_text('colection = "x"\ndatabase = "kept"\n')

    with capture_logs() as logs:
        settings = begin(ListenerSettings, [], process="listener")

    assert settings.database == "kept"
    assert [(one["name"], one["nearest"], one["place"]) for one in logs] == [
        ("EVERSHELF_PROT", "EVERSHELF_PORT", "environment"),
        ("EVERSHELF_QIET_S", "EVERSHELF_QUIET_S", ".env"),
        ("colection", "collection", "evershelf.toml"),
    ]
    assert {(one["event"], one["log_level"]) for one in logs} == {
        ("settings.unknown", "warning")
    }
