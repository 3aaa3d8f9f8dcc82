"""A Debian machine with a real systemd, started and thrown away by the tests, and somebody who works in it.

It has a network of its own with nothing in it but loopback, and no name server. What is listened on inside of `network`
is reached from the machine alone.
"""

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Condition, Thread
from time import monotonic
from typing import Self, TypeVar

from tests.systemd.cache import CHECKOUT, sources
from tests.systemd.container import PATIENCE, WHEELS, Container

Found = TypeVar("Found")

LOOK_AGAIN = 0.05
"""Seconds after which a predicate is asked again though the journal said nothing: not everything is told there."""
SOURCES = "/usr/src/betterstack-signl4"
"""Where the machine has the checkout."""
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": WHEELS, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
"""The variables with which pip installs from the wheels that the machine has."""
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
# An nsenter that is left behind would hold up the end of the machine.
ENTER = ("setpriv", "--pdeathsig=KILL", "nsenter")
JOURNAL = ("journalctl", "--no-pager", "--output=short-precise", "--no-hostname")
WITH_PROC = ("unshare", "--mount", "sh", "-c", 'mount -t proc proc /proc && exec "$@"', "sh")
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


class Machine:
    """Runs for as long as a `with` block lasts."""

    def __init__(self, name: str = "machine") -> None:
        self.name = f"{name}-{os.getpid()}"
        self.lines: list[str] = []
        """The journal so far."""
        self._container = Container(self.name)
        self._bell = Condition()
        self._due = ExitStack()

    def __enter__(self) -> Self:
        try:
            self.boot()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    # -- its life -----------------------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Returns when systemd has started all that it starts."""
        self._due.callback(self._container.end)
        self._container.boot()
        self.pid = self._container.pid
        self._files = os.open(f"/proc/{self.pid}/ns/mnt", os.O_RDONLY)
        self._due.callback(os.close, self._files)
        self._follow()
        self.state = self.run("systemctl", "is-system-running", "--wait", check=False).stdout.strip()

    def power_off(self) -> None:
        """Shuts it down in order: every service is stopped. The journal is then whole."""
        self._stop_following()
        self._container.power_off()
        # Its files are there for as long as these tests hold its name space open; its /proc is not.
        command = [*ENTER, f"--mount=/proc/{os.getpid()}/fd/{self._files}", "--", *WITH_PROC, *JOURNAL]
        self.lines = subprocess.run(
            command, env=ENVIRONMENT, check=True, capture_output=True, text=True, errors="replace"
        ).stdout.splitlines()

    def end(self) -> None:
        """Ends it at once, with all that runs in it."""
        self._due.close()

    # -- inside of it -------------------------------------------------------------------------------------------------

    def run(
        self,
        *command: str,
        input: str | None = None,  # noqa: A002 - as `subprocess.run` calls it
        check: bool = True,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        timeout: float = PATIENCE,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in it to its end, as root or as this user."""
        as_user = ["runuser", "-u", user, "--"] if user else []
        done = subprocess.run(
            [*self._entered(), *as_user, *command],
            env={**ENVIRONMENT, **(env or {})},
            input=input or "",
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def path(self, name: str) -> Path:
        """Where the tests see a file of the machine. An absolute symbolic link in it would lead to the host."""
        return Path(f"/proc/{self.pid}/root") / name.lstrip("/")

    def put_sources(self) -> None:
        """Copies the checkout into it."""
        for file in sources():
            copy = self.path(SOURCES) / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / file, copy)

    @contextmanager
    def network(self) -> Iterator[None]:
        """Sockets that this thread makes in the block belong to the machine, and go on doing so after it."""
        with Path("/proc/thread-self/ns/net").open() as own, Path(f"/proc/{self.pid}/ns/net").open() as its:
            _enter(its.fileno())
            try:
                yield
            finally:
                _enter(own.fileno())

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """These properties of a unit, or all."""
        wanted = [f"--property={','.join(properties)}"] if properties else []
        listed = self.run("systemctl", "show", unit, *wanted).stdout.splitlines()
        return {name: value for name, _, value in (line.partition("=") for line in listed)}

    def journal(self, unit: str, *options: str) -> list[str]:
        """What the unit said, line by line."""
        return self.run("journalctl", "-u", unit, "-o", "cat", "--no-pager", *options).stdout.splitlines()

    def wait_for(self, predicate: Callable[[], Found], what: str, patience: float = PATIENCE) -> Found:
        """Waits until `predicate` finds something true, and returns that. Raises `TimeoutError`."""
        end = monotonic() + patience
        with self._bell:
            while not (found := predicate()):
                if monotonic() > end:
                    raise TimeoutError(f"{what} did not happen within {patience:g} s\n" + "\n".join(self.lines[-30:]))
                self._bell.wait(LOOK_AGAIN)
            return found

    def _entered(self) -> list[str]:
        return [*ENTER, f"--target={self.pid}", "--all", "--"]

    # -- its journal --------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        self._follower = subprocess.Popen(
            [*self._entered(), "sh", "-c", 'echo $$; exec "$@"', "sh", *JOURNAL, "--follow", "--lines=all"],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        assert self._follower.stdout is not None
        self._follower_inside = int(self._follower.stdout.readline())
        self._reader = Thread(target=self._read)
        self._reader.start()
        self._due.callback(self._stop_following)

    def _stop_following(self) -> None:
        # Before the machine ends: systemd stops every process of it then, nsenter stops with the one that it waits for,
        # and nothing would let it go on.
        if self._follower.poll() is None:
            self.run("sh", "-c", f"kill -KILL {self._follower_inside}", check=False)
            self._follower.send_signal(signal.SIGCONT)
        self._follower.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._follower.stdout is not None
        with self._follower.stdout as stream:
            for line in stream:
                with self._bell:
                    self.lines.append(line.rstrip("\n"))
                    self._bell.notify_all()


def _enter(namespace: int) -> None:
    """`os.setns`, which Python has since 3.12."""
    if LIBC.setns(namespace, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
