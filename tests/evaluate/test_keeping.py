"""
A setting is put into the settings file, and nothing else changes.
"""

from __future__ import annotations

import os
import tomllib

import pytest

from listener.evaluate.keeping import keep
from recommender.errors import SettingsFault


OTHERS = '# ours\ncollection = "goods" # as ever\n\n[weights]\nname = 3\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "orders_share = 0.8\n"),
        (OTHERS, f"orders_share = 0.8\n{OTHERS}"),
        (
            "orders_share=0.5  # tried\n" + OTHERS,
            "orders_share=0.8  # tried\n" + OTHERS,
        ),
        ("a = 1\r\norders_share = 1\r\n", "a = 1\r\norders_share = 0.8\r\n"),
        ("#orders_share = 0.5\n", "orders_share = 0.8\n#orders_share = 0.5\n"),
    ],
    ids=["absent", "new", "known", "windows", "comment"],
)
def test_the_rest_stays_as_it_was(tmp_path, before, after):
    """
    To the last byte, whatever the file looks like.
    """
    path = tmp_path / "evershelf.toml"
    if before is not None:
        path.write_bytes(before.encode())

    keep(path, "orders_share", 0.8)

    assert path.read_bytes().decode() == after
    assert tomllib.loads(after.replace("\r\n", "\n"))["orders_share"] == 0.8
    assert list(tmp_path.iterdir()) == [path]


def test_rights_and_links_stay(tmp_path):
    """
    A file that only its owner may read is not opened to others, and a link leads on.
    """
    path, link = tmp_path / "kept.toml", tmp_path / "evershelf.toml"
    path.write_text("a = 1\n")
    path.chmod(0o600)
    link.symlink_to(path)

    keep(link, "orders_share", 0.8)

    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "orders_share" in path.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_an_administrator_does_not_take_the_file_away(tmp_path):
    """
    The service that could read it still can.
    """
    path = tmp_path / "evershelf.toml"
    path.write_text("a = 1\n")
    path.chmod(0o600)
    os.chown(path, 1234, 1235)

    keep(path, "orders_share", 0.8)

    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1235)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"= nonsense", "cannot be used"),
        (b"\xff", "cannot be used"),
        (b"[x]\norders_share = 1\n", "yourself: orders_share = 0.8"),
    ],
    ids=["broken", "not UTF-8", "of a table"],
)
def test_what_cannot_be_changed_is_said_and_left(tmp_path, text, said):
    """
    Somebody else has to; the file is as it was.
    """
    path = tmp_path / "evershelf.toml"
    path.write_bytes(text)

    with pytest.raises(SettingsFault, match=said):
        keep(path, "orders_share", 0.8)

    assert path.read_bytes() == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    """
    Not a file half written.
    """
    with pytest.raises(OSError, match="absent"):
        keep(tmp_path / "absent" / "evershelf.toml", "orders_share", 0.8)
