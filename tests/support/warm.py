"""Processes of the program that have imported it already: a test pays for what it runs, and not for the imports.

A server process imports everything once for each worker of the tests; each process is a fork of it. From there on it is
like any other: a pid, descriptors, an environment and a directory of its own, real signals, a real end. It
reads its configuration itself. What a test wants to know of the very start is seen with `subprocess` alone.
"""

import atexit
import multiprocessing.connection
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import IO, Any

from tests.support.read_here import read_here

IMPORTED = (
    "daemon.cli.main daemon.cli.check daemon.cli.database daemon.cli.diagnose daemon.cli.listings daemon.cli.operate "
    "daemon.cli.render daemon.cli.work daemon.runtime.run daemon.runtime.once daemon.storage.backup "
    "daemon.config.load daemon.host.journal sqlalchemy.dialects.sqlite.pysqlite tests.support.authorities "
    "tests.support.confined tests.support.warm time_machine"
).split()
PIPE, DEVNULL = subprocess.PIPE, subprocess.DEVNULL

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(IMPORTED)


class Process:
    """A process under way, with the part of `subprocess.Popen` that tests use."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        user: tuple[int, int] | None,
        first: Callable[[], object] | None,
        stdin: int,
        stdout: int,
        stderr: int,
    ) -> None:
        """`command`: Python, `-m` and a module or `-c` and a text, and arguments. The streams are as in `Popen`."""
        self.args = command
        self._lock = Lock()
        with ExitStack() as theirs:
            ends = [_ends(stream, theirs, reads=number == 0) for number, stream in enumerate((stdin, stdout, stderr))]
            self.stdin, self.stdout, self.stderr = (_opened(own, number) for number, (_, own) in enumerate(ends))
            streams = [their for their, _ in ends]
            self._process = _server.Process(
                target=_become, args=(list(command[1:]), dict(env), str(cwd), streams, user, first), daemon=True
            )
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> Any:
        """The exit code, or the number of a signal below zero; `None` while it runs."""
        # Two threads that ask for it at the same time would each take a part of the answer.
        with self._lock:
            return self._process.exitcode

    def poll(self) -> int | None:
        code: int | None = self.returncode
        return code

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises `TimeoutExpired`."""
        multiprocessing.connection.wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def started(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    user: tuple[int, int] | None = None,
    first: Callable[[], object] | None = None,
    **streams: int,
) -> "Process | subprocess.Popen[str]":
    """Starts it, warm if Python runs a module or a text. The streams are as those of `subprocess.Popen`.

    `first`: what the process does before it becomes the program, a function of `tests.support.confined`.
    """
    whole: Any = {"stdin": DEVNULL, "stdout": DEVNULL, "stderr": DEVNULL, "env": env, "cwd": cwd} | streams
    if command[0] == sys.executable and command[1] in {"-m", "-c"}:
        return Process(command, user=user, first=first, **whole)
    assert (user, first) == (None, None), "only a process that starts warm changes its user, or does anything first"
    return subprocess.Popen(command, text=True, **whole)


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    timeout: float,
    user: tuple[int, int] | None = None,
    first: Callable[[], object] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Runs it to its end without input. `user`: ids of a user and of his only group. Raises `TimeoutExpired`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = started(
            command, env=env, cwd=cwd, user=user, first=first, stdout=out.fileno(), stderr=errors.fileno()
        )
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        said = [_whole(stream) for stream in (out, errors)]
    return subprocess.CompletedProcess(command, code, *said)


def _whole(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8")


def _ends(stream: int, theirs: ExitStack, *, reads: bool) -> tuple[Connection, int | None]:
    """The process's end of one of its streams, closed here with `theirs`; and ours, of a pipe."""
    if stream == PIPE:
        reading, writing = os.pipe()
        their, own = (reading, writing) if reads else (writing, reading)
        return theirs.enter_context(Connection(their, readable=reads, writable=not reads)), own
    number = os.open(os.devnull, os.O_RDWR) if stream == DEVNULL else os.dup(stream)
    return theirs.enter_context(Connection(number, readable=reads, writable=not reads)), None


def _opened(own: int | None, number: int) -> Any:
    return None if own is None else os.fdopen(own, "w" if number == 0 else "r", encoding="utf-8")


def _become(
    arguments: list[str],
    environment: dict[str, str],
    directory: str,
    streams: list[Connection],
    user: tuple[int, int] | None,
    first: Callable[[], object] | None,
) -> None:
    """In the new process: everything that differs from the server, and then the module."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    if user is not None:
        os.setgroups([])
        os.setresgid(user[1], user[1], user[1])
        os.setresuid(user[0], user[0], user[0])
    if first is not None:
        first()
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    how, what, *rest = arguments
    sys.argv = [how if how == "-c" else what, *rest]
    try:
        with read_here():
            if how == "-c":
                exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
            else:
                runpy.run_module(what, run_name="__main__", alter_sys=True)
    finally:
        # Python does so at the end of a process that it has started itself.
        atexit._run_exitfuncs()
