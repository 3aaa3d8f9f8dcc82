"""A server of somebody else's that runs as a user of its own, in a directory of its own, no longer than its tests.

It is known to be ready because it says so to systemd, for whom the tests stand. It does not outlive who started it,
however that ends; directories of those that were killed are removed by the next one.
"""

import fcntl
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from select import select
from time import monotonic
from typing import Self

from tests.support.processes import Processes, children_of, stand_still
from tests.support.slowness import SLOWNESS

USER = "postgres"
"""Of the system; runs the servers where the tests are run by root, whom they refuse."""
PATIENCE = 30.0 * SLOWNESS
PREFIX = "betterstack-signl4-server-"
PORTS = range(20_000, 30_000)
"""Below those that the system gives to clients, so that a port is still free when its server starts again."""


@dataclass(frozen=True)
class Place:
    """Where a server runs and who reaches it; by default on loopback of this machine."""

    address: str = "127.0.0.1"
    port: int = 0
    """0: one that is free."""
    enter: tuple[str, ...] = ()
    """The command that its own goes behind, such as one that enters a namespace. It must not fork."""


HERE = Place()


@cache
def has_user() -> bool:
    """Whether a server can be run by whoever runs the tests."""
    with suppress(KeyError):
        return os.geteuid() != 0 or bool(pwd.getpwnam(USER))
    return False


class ServerProcess:
    """A program that serves, and what it keeps."""

    def __init__(self, place: Place) -> None:
        self.address = place.address
        self.port = place.port or _free_port()
        self._enter = place.enter
        self._in_use = ExitStack()
        self.directory = _new_directory(self._in_use)
        """All that it has. Its user may enter it, as he may not enter those of pytest."""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def prepare(self) -> None:
        """Makes what it needs before it is started for the first time."""
        raise NotImplementedError

    def start(self) -> None:
        """Returns when it takes connections."""
        raise NotImplementedError

    @property
    def log(self) -> str:
        file = self.directory / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def launch(self, *command: str, ends_by: str) -> None:
        """Returns when it takes connections. Raises `RuntimeError` with the end of its log if it does not.

        `ends_by`: the signal that it gets when the tests end.
        """
        notice = self.directory / "notice"
        notice.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, (self.directory / "log").open("ab") as log:
            ready.bind(str(notice))
            give(notice)
            environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "NOTIFY_SOCKET": str(notice)}
            self._process = subprocess.Popen(
                self._own(ends_by, command),
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            self._wait_until_ready(self._process.pid, ready)

    def run(self, *command: str) -> str:
        """Runs another program where it runs, as its user; what that printed."""
        done = subprocess.run(
            self._own("KILL", command), cwd=self.directory, check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def write(self, file: Path, content: str) -> None:
        """A file of its own."""
        file.write_text(content)
        give(file)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def finish(self, number: int) -> None:
        """Ends it by that signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None

    def kill(self) -> None:
        """Kills all its processes at once, as the loss of power does; what it had not written is lost."""
        with self._held() as processes:
            processes.send(signal.SIGKILL)
            assert self._process is not None
            self._process.wait()
            processes.wait(PATIENCE)
        self._process = None

    def freeze(self) -> None:
        """Nothing of it moves until `thaw`; the system still takes connections for it."""
        with self._held() as processes:
            processes.send(signal.SIGSTOP)

    def thaw(self) -> None:
        with self._held() as processes:
            processes.send(signal.SIGCONT)

    def end(self) -> None:
        """Ends it at once, and removes its files."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        self._in_use.close()

    def _own(self, ends_by: str, command: tuple[str, ...]) -> list[str]:
        who = (f"--reuid={USER}", f"--regid={USER}", "--clear-groups") if os.geteuid() == 0 else ()
        return [*self._enter, "setpriv", f"--pdeathsig={ends_by}", *who, "--", *command]

    def _wait_until_ready(self, pid: int, ready: socket.socket) -> None:
        until = monotonic() + PATIENCE
        over = os.pidfd_open(pid)
        try:
            while True:
                heard, _, _ = select([ready.fileno(), over], [], [], max(until - monotonic(), 0))
                if ready.fileno() in heard and b"READY=1" in ready.recv(4096):
                    return
                if not heard or over in heard:
                    raise RuntimeError(f"the server did not start:\n{self.log[-2000:]}")
        finally:
            os.close(over)

    def _held(self) -> Processes:
        """All its processes. The first one stands still from here on, so that no other one joins them."""
        assert self._process is not None
        stand_still(self._process.pid)
        return Processes([self._process.pid, *children_of(self._process.pid)])


def give(file: Path) -> None:
    """Makes a file the servers' own."""
    if os.geteuid() == 0:
        shutil.chown(file, USER, USER)


def _new_directory(in_use: ExitStack) -> Path:
    """A lock tells that it is in use. Those that nobody uses any more are removed."""
    for abandoned in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError), _locked(abandoned):
            shutil.rmtree(abandoned)
    # Locked before it has the name by which others would find it.
    unnamed = Path(tempfile.mkdtemp(prefix="betterstack-signl4-"))
    in_use.enter_context(_locked(unnamed))
    give(unnamed)
    return unnamed.rename(unnamed.with_name(f"{PREFIX}{unnamed.name.rpartition('-')[2]}"))


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Raises `BlockingIOError` if somebody has the lock."""
    opened = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)


def _free_port() -> int:
    while True:
        port = random.choice(PORTS)
        with suppress(OSError), socket.socket() as tried:
            tried.bind(("127.0.0.1", port))
            return port
