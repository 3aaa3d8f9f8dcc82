"""A container with a systemd of its own: it boots, and whatever was started in it ends with it.

Its root is the cached one, on which lies what it changes, in memory. It ends after a failing test, after Ctrl-C and
after the death of these tests as well, and leaves no mount, no control group and no process behind.
"""

import os
import select
import signal
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from socket import AF_UNIX, SOCK_DGRAM, socket
from tempfile import TemporaryFile
from typing import IO

from tests.support.slowness import SLOWNESS
from tests.systemd.cache import debian, systemd_version, wheels

PATIENCE = 45.0 * SLOWNESS
"""Seconds after which something that a test waits for will not happen any more."""
WHEELS = "/wheels"
"""Where the machine has the wheels from which the program is installed."""
OPTIONS = (
    "--quiet",
    "--boot",
    "--console=pipe",
    "--notify-ready=yes",
    "--volatile=overlay",
    "--read-only",  # that is the cached root alone, which several machines then may share
    "--private-network",
    "--register=no",
    "--keep-unit",
)
OURS = "betterstack-signl4-tests"
"""The control group that holds those of the machines."""
UNIFIED_ALONE = 258
"""The version of systemd from which on it does not boot with the old control groups."""
TRY_UNIFIED = ["unshare", "--mount", "mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"]
# It is asked to end in order if these tests are killed.
JOIN = 'for group in $JOINED; do echo $$ > "$group/cgroup.procs"; done; exec setpriv --pdeathsig=TERM "$@"'


class Container:
    """Boots with `boot`; `end` is due even if that fails."""

    pid: int
    """Its first process, as the host counts."""

    def __init__(self, name: str) -> None:
        # Else those of two machines would be the same, and nspawn refuses those of a login.
        self._groups = [tree / OURS / name for tree in _trees()]
        self._command = ["systemd-nspawn", *OPTIONS, f"--machine={name}"]
        self._due = ExitStack()

    def boot(self) -> None:
        """Returns when systemd has started all that it starts. Raises `RuntimeError`."""
        with socket(AF_UNIX, SOCK_DGRAM) as notices:
            notices.bind("")  # the kernel finds a name
            self._start("@" + notices.getsockname()[1:].decode())
            self.pid = int(self._told(notices, "X_NSPAWN_LEADER_PID="))
            self._told(notices, "READY=1")

    def power_off(self) -> None:
        """Shuts it down in order: every service is stopped. Raises `TimeoutExpired`."""
        self._process.terminate()
        self._process.wait(PATIENCE)

    def end(self) -> None:
        """Ends it at once, in whatever state it is, and tidies up."""
        self._due.close()

    def _start(self, notices: str) -> None:
        for group in self._groups:
            _sweep(group.parent)
            group.mkdir(parents=True)
            self._due.callback(_remove, group)
        self._console = self._due.enter_context(TemporaryFile())  # noqa: SIM115 - it is closed with the rest
        places = [f"--directory={debian()}", f"--bind-ro={wheels()}:{WHEELS}"]
        self._process = subprocess.Popen(
            ["sh", "-c", JOIN, "sh", *self._command, *places],
            env={
                "PATH": os.environ["PATH"],
                "NOTIFY_SOCKET": notices,
                "JOINED": " ".join(map(str, self._groups)),
                **_hierarchy(),
            },
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=self._console,
            start_new_session=True,  # Ctrl-C is for the tests alone
        )
        self._due.callback(self._kill)

    def _kill(self) -> None:
        """Kills its first process, and with it all: nspawn then tidies up, which it cannot if it is killed itself."""
        if self._process.poll() is None and hasattr(self, "pid"):
            os.kill(self.pid, signal.SIGKILL)
        elif self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def _told(self, notices: socket, beginning: str) -> str:
        """What follows the beginning in the next notice that has such a line, of systemd or of the container."""
        end = os.pidfd_open(self._process.pid)
        try:
            while notices.fileno() in select.select([notices.fileno(), end], [], [], PATIENCE)[0]:
                for line in notices.recv(4096).decode().splitlines():
                    if line.startswith(beginning):
                        return line.removeprefix(beginning)
        finally:
            os.close(end)
        raise RuntimeError(f"the machine did not boot: {_end_of(self._console)}")


def _hierarchy() -> dict[str, str]:
    """The variable that says which control groups the machine gets. Raises `RuntimeError` if it cannot get them."""
    if (version := systemd_version()) < UNIFIED_ALONE:
        return {}
    if subprocess.run(TRY_UNIFIED, check=False, stderr=subprocess.DEVNULL).returncode != 0:
        raise RuntimeError(f"systemd {version} boots with unified control groups alone, and this machine has none")
    return {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}


def _trees() -> list[Path]:
    """Where the control groups are by which systemd sorts processes: one tree, or two where the old ones remain."""
    place = Path("/sys/fs/cgroup")
    return [tree for tree in (place / "systemd", place / "unified") if tree.is_dir()] or [place]


def _sweep(ours: Path) -> None:
    """Removes what tests left that were killed: the last part of a name is the number of their process."""
    for group in ours.glob("*-*"):
        if not Path(f"/proc/{group.name.rpartition('-')[2]}").exists():
            with suppress(OSError):  # it is still about to end
                _remove(group)


def _remove(group: Path) -> None:
    for directory, _, _ in os.walk(group, topdown=False):
        Path(directory).rmdir()
    with suppress(OSError):  # there is another machine
        group.parent.rmdir()


def _end_of(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")[-2000:]
