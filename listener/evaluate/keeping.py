"""
A setting that is put into the settings file, which stays as it was otherwise.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib

from pathlib import Path

from recommender.errors import SettingsFault


def keep(path: Path, name: str, value: float) -> None:
    """
    Put a setting in the place of what the file says of it, or above all that it says;
    make the file if it is not there.

    Comments, order, owner and rights stay; who reads it meanwhile sees the old file or the new
    one, whole.

    Raises:
        SettingsFault: The file cannot be used, or not be changed in that way.
        OSError: It cannot be written.
    """
    text = _read(path)
    its = re.compile(rf"^({re.escape(name)}[ \t]*=[ \t]*)[^\s#]+", re.MULTILINE)
    line = f"{name} = {value:g}"
    if its.search(text):
        changed = its.sub(rf"\g<1>{value:g}", text, count=1)
    else:
        changed = f"{line}\n{text}"  # below a table's heading it would be of the table
    if _parsed(path, changed) != {**_parsed(path, text), name: value}:
        raise SettingsFault([f"write it into {path} yourself: {line}"])
    _replace(path.resolve(), changed)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except ValueError as error:
        raise _unusable(path, error) from error


def _parsed(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except ValueError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> SettingsFault:
    return SettingsFault([f"the settings file {path} cannot be used: {error}"])


def _replace(path: Path, text: str) -> None:
    before = path.stat() if path.exists() else None
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        new = Path(file.name)
        try:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
            if before is not None:  # an administrator's copy is still the service's
                os.chown(new, before.st_uid, before.st_gid)
            new.chmod(0o644 if before is None else before.st_mode & 0o777)
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
