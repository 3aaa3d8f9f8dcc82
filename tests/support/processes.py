"""Several processes at once, held by descriptors, so that a number that is given anew never meets a stranger."""

import os
import select
import signal
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic
from typing import Self


def children_of(pid: int) -> list[int]:
    """The processes that this one has started, and that are still there."""
    with suppress(FileNotFoundError, ProcessLookupError):
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    return []


def stand_still(pid: int) -> None:
    """Stops a child of this process; returns when it does stand still, or has ended."""
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


class Processes:
    """Those of them that are still there, for as long as a `with` block lasts."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._held: list[int] = []
        self._due = ExitStack()
        for pid in pids:
            with suppress(ProcessLookupError):
                self._held.append(os.pidfd_open(pid))
                self._due.callback(os.close, self._held[-1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._due.close()

    def send(self, number: int) -> None:
        for process in self._held:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, number)

    def wait(self, patience: float) -> None:
        """Until all have ended. Raises `TimeoutError`."""
        end = monotonic() + patience
        over = select.poll()
        for process in self._held:
            over.register(process, select.POLLIN)
        left = len(self._held)
        while left:
            ended = over.poll(max(end - monotonic(), 0) * 1000)
            if not ended:
                raise TimeoutError(f"{left} processes did not end within {patience:g} s")
            for process, _ in ended:
                over.unregister(process)
            left -= len(ended)
