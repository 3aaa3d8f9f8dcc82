"""Hosts of our own: network namespaces around a router, with links that can be cut and mended.

All that runs in them is gone with the tests, however these end. Their addresses begin with 127.77, which the program
takes for loopback and so speaks plain HTTP to; what goes between two hosts goes through the router all the same, since
only 127.0.0.1 is on the loopback device of a host.
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count, permutations
from pathlib import Path
from typing import Self, TypeVar

from tests.support.server_process import Place

HOLD = ("setpriv", "--pdeathsig=KILL", "unshare", "--net", "--", "sh", "-c", "echo && exec cat")
"""A process that has a network namespace until its input ends."""
LOOPBACK = """\
link set lo up
address delete 127.0.0.1/8 dev lo
address add 127.0.0.1/32 dev lo
"""
SYSTEM = "for of in all default; do echo 1 >/proc/sys/net/ipv4/conf/$of/{}; done"
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
Kind = TypeVar("Kind", bound="Namespace")


@cache
def missing() -> str | None:
    """Why no hosts can be had here; `None` if they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "there is no ip (Debian's package iproute2)"
    try:
        with Network("one", "two"):
            return None
    except (RuntimeError, OSError) as error:
        return f"this machine gives no network namespaces: {error}"


class Namespace:
    """A network namespace, as long as the process that holds it."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(HOLD, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        if not self._holder.stdout.readline():
            raise RuntimeError(f"unshare ended with {self._holder.wait()}")
        self.file = Path(f"/proc/{self._holder.pid}/ns/net")
        self.enter = ("nsenter", f"--net={self.file}", "--")
        """The command that another one goes behind to run in it."""

    def ip(self, commands: str) -> None:
        """Runs commands of ip(8), one a line. Raises `RuntimeError` with what it says."""
        self.run("ip", "-batch", "-", given=commands)

    def run(self, *command: str, given: str = "") -> None:
        """Runs a command in it. Raises `RuntimeError` with what it says."""
        done = subprocess.run([*self.enter, *command], check=False, capture_output=True, text=True, input=given)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} {given}ended with {done.returncode}: {done.stdout}{done.stderr}")

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets that this thread makes in the block belong to it, and go on doing so after it."""
        with Path("/proc/thread-self/ns/net").open() as own, self.file.open() as its:
            enter(its.fileno())
            try:
                yield
            finally:
                enter(own.fileno())

    def end(self) -> None:
        """What runs in it goes on; without a link, which ends with the router's namespace or with its own."""
        self._holder.communicate()


class Host(Namespace):
    """A namespace that a router leads to."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__()
        self.name = name
        self.link = f"link{number}"
        """What the router calls it."""
        self.address, self.other_address = f"127.77.{number}.2", f"127.77.{number}.3"
        """Where it is reached. A host that plays two services has an address for each."""
        self.gateway = f"127.77.{number}.1"

    def place(self, port: int) -> Place:
        """For a server that runs on this host, at its first address."""
        return Place(self.address, port, self.enter)


class Network:
    """Hosts by name and the router between them, for as long as a `with` block lasts."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._due = ExitStack()
        self._hosts: dict[str, Host] = {}
        self._rules = count(100)
        self._cuts: dict[frozenset[str], list[int]] = {}

    def __enter__(self) -> Self:
        try:
            self._router = self._made(Namespace())
            self._router.ip(LOOPBACK)
            for setting in ("route_localnet", "forwarding"):
                self._router.run("sh", "-ec", SYSTEM.format(setting))
            for number, name in enumerate(self._names, 1):
                self._join(self._made(Host(name, number)))
        except BaseException:
            self._due.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._due.close()

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def cut(self, one: str, other: str) -> None:
        """From here on packets between these two addresses vanish, both ways; nobody is told."""
        numbers = self._cuts.setdefault(frozenset((one, other)), [])
        for source, target in permutations((one, other)):
            numbers.append(next(self._rules))
            self._router.ip(f"rule add from {source} to {target} blackhole pref {numbers[-1]}\n")

    def mend(self, one: str, other: str) -> None:
        """Undoes `cut`."""
        for number in self._cuts.pop(frozenset((one, other))):
            self._router.ip(f"rule delete pref {number}\n")

    def unplug(self, name: str) -> None:
        """The host's only link is down, as if its cable was pulled. The router tells others so, and not the host."""
        self._router.ip(f"link set {self._hosts[name].link} down\n")

    def plug(self, name: str) -> None:
        """Undoes `unplug`."""
        self._router.ip(f"link set {self._hosts[name].link} up\n")

    def _made(self, namespace: Kind) -> Kind:
        self._due.callback(namespace.end)
        return namespace

    def _join(self, host: Host) -> None:
        self._hosts[host.name] = host
        host.ip(LOOPBACK)
        host.run("sh", "-ec", SYSTEM.format("route_localnet"))
        holder = host.file.parts[2]
        self._router.ip(
            f"link add dev {host.link} type veth peer name eth0 netns {holder}\n"
            f"link set {host.link} up\n"
            f"address add {host.gateway}/24 dev {host.link}\n"
        )
        host.ip(
            f"address add {host.address}/24 dev eth0\n"
            f"address add {host.other_address}/24 dev eth0\n"
            "link set eth0 up\n"
            f"route add 127.77.0.0/16 via {host.gateway} src {host.address}\n"
        )


def enter(namespace: int) -> None:
    """`os.setns`, which Python has since 3.12."""
    if LIBC.setns(namespace, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
