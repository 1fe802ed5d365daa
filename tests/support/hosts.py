"""
Hosts around a database, on lines that can be cut: network namespaces where this user
may make them, else processes of this host behind relays.

What a thread starts, be it a thread or a process, is in the network that the thread is
in at that moment.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Final, Protocol

from listener.demo.mongod import Mongod
from tests.support.cable import Cable
from tests.support.mongo import make_mongod


CLONE_NEWNET: Final = 0x40000000  # linux/sched.h
IP: Final = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
FORWARDING: Final = Path("/proc/sys/net/ipv4/ip_forward")  # of the reader's network
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class Line(Protocol):
    """
    What can be cut, so that nothing arrives any more.
    """

    def cut(self) -> None:
        """
        Let nothing arrive.
        """

    def mend(self) -> None:
        """
        Let everything arrive.
        """


class Host(Protocol):
    """
    Where processes may run.
    """

    @property
    def database(self) -> str:
        """
        Where it finds the database, with the port.
        """

    @property
    def to_database(self) -> Line:
        """
        Its line there.
        """

    def inside(self) -> AbstractContextManager[None]:
        """
        Be on it, so that its loopback is ours, and what starts is there.
        """

    def open(self, port: int) -> tuple[str, Line]:
        """
        Return where a port of it is reached from elsewhere, and the line that leads
        there.
        """


@contextmanager
def around_database(folder: Path, count: int) -> Iterator[tuple[Mongod, list[Host]]]:
    """
    Yield a replica set of one, and hosts around it. Inside the context this thread is
    where the database is.
    """
    with ExitStack() as stack:
        if not may_make_networks():
            mongod = stack.enter_context(make_mongod(folder))
            yield mongod, [_Relayed(mongod.port, stack) for _ in range(count)]
            return
        stack.enter_context(_network())
        FORWARDING.write_text("1")  # hosts reach one another
        mongod = stack.enter_context(make_mongod(folder, kind=_Reachable))
        yield mongod, [_Remote(n, mongod.port, stack) for n in range(count)]


def may_make_networks() -> bool:
    """
    Say whether this host has what it takes, and lets this user.
    """
    if IP is None:
        return False
    try:
        with _network():
            return True
    except PermissionError:
        return False


class _Relayed:
    """
    This host, as if it were another.
    """

    def __init__(self, database_port: int, stack: ExitStack) -> None:
        self._stack = stack
        self.to_database = stack.enter_context(Cable(database_port))
        self.database = f"127.0.0.1:{self.to_database.port}"

    def inside(self) -> AbstractContextManager[None]:
        return nullcontext()

    def open(self, port: int) -> tuple[str, Line]:
        cable = self._stack.enter_context(Cable(port))
        return f"127.0.0.1:{cable.port}", cable


class _Remote:
    """
    A network of its own, with a line to the database and one for all else.
    """

    def __init__(self, number: int, database_port: int, stack: ExitStack) -> None:
        with _network():
            self._network = _here()
        stack.callback(os.close, self._network)
        self.to_database = _Wire(self, f"data{number}", f"10.77.{number}")
        self.database = f"{self.to_database.here}:{database_port}"
        self._to_others = _Wire(self, f"rest{number}", f"10.78.{number}", is_far=True)
        with self.inside():
            _ip(f"route add default via {self._to_others.here}")

    @property
    def path(self) -> str:
        """
        What `ip` calls its network.
        """
        return f"/proc/{os.getpid()}/fd/{self._network}"

    @contextmanager
    def inside(self) -> Iterator[None]:
        with _in(self._network):
            yield

    def open(self, port: int) -> tuple[str, Line]:
        return f"{self._to_others.there}:{port}", self._to_others


class _Wire:
    """
    From here to a host. Cut at one end, it leaves silence at the other.
    """

    def __init__(
        self, host: _Remote, name: str, subnet: str, *, is_far: bool = False
    ) -> None:
        """
        Args:
            host: At the far end.
            name: Of both ends.
            subnet: The first three numbers of their addresses.
            is_far: Whether it is cut at the far end, not here.
        """
        self._name = name
        self.here = f"{subnet}.1"
        self.there = f"{subnet}.2"
        self._at_cut = host.inside if is_far else nullcontext
        _ip(f"link add {name} type veth peer name {name} netns {host.path}")
        self._plug(self.here)
        with host.inside():
            self._plug(self.there)

    def cut(self) -> None:
        with self._at_cut():
            _ip(f"link set {self._name} down")

    def mend(self) -> None:
        with self._at_cut():
            _ip(f"link set {self._name} up")

    def _plug(self, address: str) -> None:
        _ip(f"address add {address}/24 dev {self._name}")
        _ip(f"link set {self._name} up")


class _Reachable(Mongod):
    """
    A mongod that listens to other hosts, too.
    """

    def _arguments(self) -> list[str]:
        arguments = super()._arguments()
        rest = [text for text in arguments if not text.startswith("--bind_ip")]
        return [*rest, "--bind_ip_all"]


@contextmanager
def _network() -> Iterator[None]:
    """
    Be in a new network that has nothing but loopback.
    """
    before = _here()
    try:
        _check(_LIBC.unshare(CLONE_NEWNET))
        try:
            _ip("link set lo up")
            yield
        finally:
            _move(before)
    finally:
        os.close(before)


@contextmanager
def _in(network: int) -> Iterator[None]:
    before = _here()
    try:
        _move(network)
        try:
            yield
        finally:
            _move(before)
    finally:
        os.close(before)


def _here() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _move(network: int) -> None:
    _check(_LIBC.setns(network, CLONE_NEWNET))


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _ip(arguments: str) -> None:
    assert IP is not None
    subprocess.run([IP, *arguments.split()], check=True, timeout=60)
