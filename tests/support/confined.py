"""
A program under the system calls and address families that a unit of systemd allows: as
a process of its own, `python -m tests.support.confined UNIT PROGRAM ARGUMENT...`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
import re
import shutil
import socket
import subprocess
import sys

from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Final


ALLOW: Final = 0x7FFF0000  # SCMP_ACT_ALLOW
REFUSE: Final = 0x00050000 | errno.EPERM  # SCMP_ACT_ERRNO
EQUAL: Final = 4  # SCMP_CMP_EQ


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operation", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("other", ctypes.c_uint64),
    )


def is_possible() -> bool:
    """
    Say whether this host has what it takes.
    """
    found = shutil.which("systemd-analyze"), ctypes.util.find_library("seccomp")
    return sys.platform == "linux" and None not in found


def to_allowed(unit: Path) -> Set[str]:
    """
    Return the system calls that a unit allows.
    """
    sets = _read_sets()
    allowed = set(_expand("@default", sets))
    for line in _values(unit, "SystemCallFilter"):
        named = {
            call for one in line.lstrip("~").split() for call in _expand(one, sets)
        }
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


def _read_sets() -> Mapping[str, list[str]]:
    said = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter"],  # noqa: S607 as operators do
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    sets: dict[str, list[str]] = {}
    name = ""
    for line in said.splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = []
        elif line.startswith("    ") and not line.lstrip().startswith("#"):
            sets[name].append(line.strip())
    return sets


def _expand(name: str, sets: Mapping[str, list[str]]) -> Iterator[str]:
    if not name.startswith("@"):
        yield name
        return
    for one in sets[name]:
        yield from _expand(one, sets)


def _values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)


def confine(unit: Path) -> None:
    """
    Refuse this process, and what it becomes, all that the unit does not allow.
    """
    library = ctypes.CDLL(ctypes.util.find_library("seccomp"), use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(REFUSE)))
    add = library.seccomp_rule_add_array
    for name in to_allowed(unit) - {"socket"}:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # this machine has it
            _check(add(context, ctypes.c_uint32(ALLOW), number, 0, None))
    number = library.seccomp_syscall_resolve_name(b"socket")
    for family in " ".join(_values(unit, "RestrictAddressFamilies")).split():
        only = _Comparison(0, EQUAL, getattr(socket, family), 0)
        allow = ctypes.c_uint32(ALLOW)
        _check(add(context, allow, number, 1, ctypes.byref(only)))
    _check(library.seccomp_load(context))


def _check(result: int) -> None:
    if result < 0:
        raise OSError(-result, os.strerror(-result))


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])  # noqa: S606 no shell
