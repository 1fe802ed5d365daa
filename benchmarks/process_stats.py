"""
What a process has used, as the kernel counts it (Linux).
"""

from __future__ import annotations

import time

from pathlib import Path


def processor_s(pid: int) -> float:
    """
    Return the processor time of all threads that a process has had, in seconds; the
    kernel counts nanoseconds.
    """
    return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) returns


def proportional_bytes(pid: int) -> int:
    """
    Return the memory of a process, each shared page divided among those who share it.
    """
    return _rolled_up(pid, "Pss:")


def family_bytes(pid: int) -> int:
    """
    Return the same of a process with those that it has started.
    """
    return sum(map(proportional_bytes, [pid, *children_of(pid)]))


def private_bytes(pid: int) -> int:
    """
    Return the memory that only this process has, so that it does not matter which other
    processes come and go.
    """
    return _rolled_up(pid, "Private_Clean:") + _rolled_up(pid, "Private_Dirty:")


def _rolled_up(pid: int, name: str) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    line = next(line for line in rollup.splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def children_of(pid: int) -> list[int]:
    """
    Return the processes that its first thread has started and that are still there.
    """
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text(encoding="ascii").split()]


def peak_bytes(pid: int) -> int:
    """
    Return the most memory of a process that was resident since it began its program;
    0 once it has ended. What `getrusage` calls so counts from its parent's.
    """
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    lines = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return next((int(line.split()[1]) * 1024 for line in lines), 0)


def written_bytes(pid: int) -> int:
    """
    Return how much a process has passed to `write` and its kin.
    """
    counters = Path(f"/proc/{pid}/io").read_text(encoding="ascii")
    line = next(line for line in counters.splitlines() if line.startswith("wchar:"))
    return int(line.split()[1])
