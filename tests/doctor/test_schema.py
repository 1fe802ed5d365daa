"""
What the doctor says of what was found out about the documents.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from listener.doctor.finding import Verdict
from listener.doctor.schema import look_at_schema
from listener.profile.decision import decide
from listener.profile.page import to_toml
from recommender.settings import ListenerSettings, with_schema
from tests.support.documents import make_settings
from tests.support.schemas import make_shop


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "schema.toml"


def settings_at(path: Path, **values: object) -> ListenerSettings:
    """
    Return settings with the file at *path*, if it is there.
    """
    return with_schema(make_settings(schema_file=path, **values))


def test_it_fits(path: Path) -> None:
    """
    What the documents' own sample said is well.
    """
    documents = make_shop("german")
    path.write_text(to_toml(decide(documents), "products"))
    finding = look_at_schema(documents, settings_at(path))

    assert finding.verdict is Verdict.OK
    assert "name_fields" in finding.found


def test_it_no_longer_fits(path: Path) -> None:
    """
    When the shop has other fields by now, the lines to write are shown.
    """
    path.write_text(to_toml(decide(make_shop("german")), "products"))
    finding = look_at_schema(make_shop("turkish"), settings_at(path))

    assert finding.verdict is Verdict.WARN
    lines = finding.remedy.splitlines()
    assert "name_fields = ['urunAdi']: not 0%" in lines
    assert any(line.startswith("visible_when = ") for line in lines)


def test_explicit_settings_are_nobody_elses_business(path: Path) -> None:
    """
    What is set elsewhere is not warned of here.
    """
    path.write_text(to_toml(decide(make_shop("german")), "products"))
    settings = settings_at(path, name_fields=("koodi",))
    finding = look_at_schema(make_shop("turkish"), settings)

    assert not any(
        line.startswith("name_fields") for line in finding.remedy.splitlines()
    )


def test_to_come(path: Path) -> None:
    """
    Before the first start it is said what will be found, or that there is too little.
    """
    settings = settings_at(path)

    assert (
        "brand in marka (sure" in look_at_schema(make_shop("turkish"), settings).found
    )
    assert "20 documents" in look_at_schema(make_shop("turkish")[:3], settings).found
    assert "defaults hold" in look_at_schema(make_shop("proshop"), settings).found


def test_few_documents(path: Path) -> None:
    """
    A handful of documents proves nothing against the file.
    """
    path.write_text("name_fields = ['x']\n")
    finding = look_at_schema(make_shop("turkish")[:3], settings_at(path))

    assert finding.verdict is Verdict.OK
