"""
What somebody who may write into the store can do to those who read it, and who may.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import stat

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import xxhash

from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from recommender import manifest as manifests
from recommender import segment_file
from recommender.errors import RecommenderError, StoreCorrupt
from recommender.generation import Generation
from recommender.manifest import Manifest
from recommender.snapshot import Snapshot
from recommender.store import (
    CURRENT,
    LARGEST_POINTER,
    POSITION,
    SEGMENTS,
    Store,
    StoreReader,
)
from tests.support.products import WEIGHTS, make_catalogue, make_index, publish


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "size"]), inner, max_size=2)
    ),
    max_leaves=6,
)
NAMES = [
    "../lock",
    "../../secret",
    "/etc/passwd",
    "1-0.seg/../../lock",
    "1-0.seg\0",
    "",
    ".",
]


@pytest.fixture(name="whole", scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A store with two segments, which nobody holds or changes.
    """
    folder = tmp_path_factory.mktemp("whole") / "model"
    with Store.open(folder) as store:
        publish(store, make_index(make_catalogue(9), WEIGHTS))
        store.make_durable()
        publish(store, make_index(make_catalogue(5), WEIGHTS))
    return folder


@pytest.fixture(name="expected", scope="module")
def _expected(whole: Path) -> list[Any]:
    reader = StoreReader(whole)
    found = to_answers(reader.load(reader.read_pointer(CURRENT)))
    assert found
    return found


@pytest.fixture(name="copy")
def _copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def signed(values: dict[str, Any]) -> bytes:
    """
    Return a manifest that says *values*, with a checksum that is right.
    """
    body = orjson.dumps(values, default=list)
    digest = xxhash.xxh3_64_hexdigest(body).encode()
    return b"evershelf manifest %d %s\n%s\n" % (manifests.FORMAT, digest, body)


def to_values(folder: Path) -> dict[str, Any]:
    """
    Return what the current manifest says.
    """
    return dataclasses.asdict(StoreReader(folder).read_pointer(CURRENT))


def to_answers(generation: Generation) -> list[Any]:
    """
    Return what a model answers about each of its products.
    """
    snapshot = Snapshot.derive(generation)
    return [
        [(hit.key, hit.score) for hit in snapshot.similar(key, limit=5)]
        for segment in generation.segments
        for key in segment.keys
        if snapshot.find(key) is not None
    ]


@limits(deadline=None, derandomize=True)
@given(st.data())
def test_signed_manifest_of_anything_is_read_or_refused(
    whole: Path, data: st.DataObject
) -> None:
    """
    A checksum that is right makes no value right: each has the type that it must have,
    or the manifest is damaged.
    """
    values = to_values(whole)
    name = data.draw(st.sampled_from(sorted(values)))
    values[name] = data.draw(JSON)

    with contextlib.suppress(StoreCorrupt):
        manifest = manifests.from_bytes(signed(values))
        assert isinstance(manifest, Manifest)
        assert all(isinstance(ref.name, str) for ref in manifest.segments)
        with contextlib.suppress(RecommenderError):
            StoreReader(whole).load(manifest)


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_segment_elsewhere_is_not_opened(copy: Path, name: str) -> None:
    """
    A manifest that is whole cannot lead a reader out of the folder.
    """
    values = to_values(copy)
    ref = values["segments"][0]
    values["segments"] = [[name, ref[1], ref[2]]]
    (copy / CURRENT).write_bytes(signed(values))
    reader = StoreReader(copy)

    with pytest.raises(StoreCorrupt, match="no name of a segment"):
        reader.load(reader.read_pointer(CURRENT))


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_link(path: Path) -> None:
    path.rename(path.with_suffix(".away"))
    path.symlink_to(path.with_suffix(".away"))


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


REPLACED = {
    "pipe": replace_by_pipe,
    "link": replace_by_link,
    "folder": replace_by_folder,
    "endless": replace_by_endless,
}


@pytest.mark.parametrize("replace", REPLACED.values(), ids=REPLACED)
def test_what_is_no_file_is_damage(copy: Path, replace: Any) -> None:
    """
    A pipe, a link, a folder or a device in a file's place makes nobody wait, or read
    without end.
    """
    reader = StoreReader(copy)
    manifest = reader.read_pointer(CURRENT)
    replace(copy / SEGMENTS / manifest.segments[0].name)
    with pytest.raises(StoreCorrupt, match="cannot be read"):
        reader.load(manifest)

    replace(copy / CURRENT)
    with pytest.raises(StoreCorrupt, match="cannot be read"):
        reader.read_pointer(CURRENT)
    (copy / POSITION).touch()
    replace(copy / POSITION)
    assert reader.read_position() is None


def test_huge_pointer_is_not_read(copy: Path) -> None:
    """
    A manifest of a terabyte, which costs nothing to make, is refused unread.
    """
    for name in (CURRENT, POSITION):
        with (copy / name).open("wb") as file:
            file.truncate(1 << 40)
    reader = StoreReader(copy)

    with pytest.raises(StoreCorrupt, match="larger than"):
        reader.read_pointer(CURRENT)
    assert reader.read_position() is None
    assert LARGEST_POINTER < 1 << 30


@limits(deadline=None, derandomize=True)
@given(st.data())
def test_changed_bits_are_found_or_say_nothing(
    whole: Path, expected: list[Any], data: st.DataObject
) -> None:
    """
    Bits that fell over, and ends that are missing, are an error, or change no answer.
    """
    manifest = StoreReader(whole).read_pointer(CURRENT)
    files = [Path(CURRENT), *(Path(SEGMENTS) / ref.name for ref in manifest.segments)]
    path = whole / data.draw(st.sampled_from(files))
    content = path.read_bytes()
    changed = bytearray(content)
    for place in data.draw(
        st.lists(st.integers(0, len(content) * 8 - 1), min_size=1, max_size=4)
    ):
        changed[place // 8] ^= 1 << place % 8
    end = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    reader = StoreReader(whole)
    with replaced(path, bytes(changed[:end])), contextlib.suppress(RecommenderError):
        found = to_answers(reader.load(reader.read_pointer(CURRENT)))
        assert found == expected


@limits(deadline=None, derandomize=True)
@given(st.data())
def test_signed_header_of_anything_is_refused(whole: Path, data: st.DataObject) -> None:
    """
    A segment's header may claim any length and place, with a checksum that is right:
    nothing beyond the file is read or set aside.
    """
    manifest = StoreReader(whole).read_pointer(CURRENT)
    content = (whole / SEGMENTS / manifest.segments[0].name).read_bytes()
    size = int.from_bytes(content[8:16], "little")
    header = orjson.loads(content[24 : 24 + size])
    block = data.draw(st.sampled_from(header["blocks"]))
    place = data.draw(st.integers(0, len(block) - 1))
    block[place] = data.draw(
        st.sampled_from([2**62, 2**63 - 1, -1, -(2**62), 2**31]) | JSON
    )
    raw = orjson.dumps(header).ljust(size)
    forged = (
        content[:8]
        + len(raw).to_bytes(8, "little")
        + xxhash.xxh3_64_digest(raw)[::-1]
        + raw
        + content[24 + size :]
    )

    with contextlib.suppress(RecommenderError):
        segment = segment_file.verified(memoryview(forged))
        assert segment.nbytes <= len(forged)


ARRAYS = {
    name: np.dtype(dtype)
    for name, dtype in segment_file._DTYPES.items()
    if name not in {"tombstones.data", "displays.dictionary"}  # which are empty here
}
OUTSIDE = {
    **{
        name: [-2, 1 << 30]
        for name in ("terms", "post_rows", "key_rows", "category_codes", "brand_codes")
    },
    **{
        name: [-1, 1 << 40]
        for name in ARRAYS
        if name.endswith(("offsets", "indptr")) and name != "tombstones.offsets"
    },
    "tf": [0.0, -1.0, np.nan, np.inf],
    "post_tf": [0.0, -1.0, np.nan, np.inf],
}


def forged(content: bytes, name: str, place: int, value: Any) -> bytes:
    """
    Return a segment's file with another value in an array, and checksums that are
    right; *place* is a share of the array's length in billionths.
    """
    size = int.from_bytes(content[8:16], "little")
    header = orjson.loads(content[24 : 24 + size])
    (block,) = [one for one in header["blocks"] if one[0] == name]
    _, dtype, length, offset, _ = block
    changed = bytearray(content)
    values = np.frombuffer(changed, dtype, length, 24 + size + offset)
    values[place * length // 10**9] = value
    block[4] = xxhash.xxh3_64_hexdigest(values.tobytes())
    raw = orjson.dumps(header).ljust(size)
    assert len(raw) == size
    changed[16:24] = xxhash.xxh3_64_digest(raw)[::-1]
    changed[24 : 24 + size] = raw
    return bytes(changed)


@contextlib.contextmanager
def with_forged(folder: Path, name: str, place: int, value: Any) -> Iterator[None]:
    """
    Let the newest segment of a store be forged, and its manifest go with it.
    """
    values = to_values(folder)
    ref = values["segments"][-1]
    path = folder / SEGMENTS / ref[0]
    content = forged(path.read_bytes(), name, place, value)
    values["segments"] = [
        *values["segments"][:-1],
        [ref[0], ref[1], segment_file.checksum(content)],
    ]
    with replaced(path, content), replaced(folder / CURRENT, signed(values)):
        yield


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in OUTSIDE.items() for value in values],
)
def test_forged_places_lead_nowhere(whole: Path, name: str, value: Any) -> None:
    """
    A number by which another array is read must lie within it, though checksums are
    right: what is compiled does not look.
    """
    reader = StoreReader(whole)
    with (
        with_forged(whole, name, 5 * 10**8, value),
        pytest.raises(StoreCorrupt, match=r"lead out|do not fit"),
    ):
        reader.load(reader.read_pointer(CURRENT))


@limits(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(ARRAYS)), st.integers(0, 10**9 - 1), st.data())
def test_forged_values_are_refused_or_answered_from(
    whole: Path, name: str, place: int, data: st.DataObject
) -> None:
    """
    Whatever an array says, with checksums that are right: an error, or answers.
    """
    raw = data.draw(st.binary(min_size=8, max_size=8))
    value = np.frombuffer(raw, ARRAYS[name])[0]
    reader = StoreReader(whole)
    with contextlib.suppress(StoreCorrupt), with_forged(whole, name, place, value):
        to_answers(reader.load(reader.read_pointer(CURRENT)))


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """
    A process that is told to share all it writes does not share the store.
    """
    before = os.umask(0)
    try:
        with Store.open(tmp_path / "model") as store:
            publish(store, make_index(make_catalogue(3)))
            store.make_durable()
            paths = [tmp_path / "model", *(tmp_path / "model").rglob("*")]
            modes = {path: stat.S_IMODE(path.stat().st_mode) for path in paths}
    finally:
        os.umask(before)

    assert len(modes) > 4
    for path, mode in modes.items():
        assert mode == (0o700 if path.is_dir() else 0o600), path


@contextlib.contextmanager
def replaced(path: Path, content: bytes) -> Iterator[None]:
    """
    Let a file hold something else for as long as the context lasts.
    """
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)
