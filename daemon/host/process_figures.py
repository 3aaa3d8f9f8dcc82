"""What the kernel tells of this process: CPU, memory, descriptors and start (proc_pid_stat(5))."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_OURS = Path("/proc/self")
_BOOTED_AT = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
"""Taken once: the start of a process that changed by a microsecond would look like a restart."""


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """At one moment."""

    cpu_seconds: float
    started_at: float
    """In seconds of the wall clock."""
    virtual_bytes: int
    resident_bytes: int
    descriptors: int


def read() -> ProcessFigures:
    """Those of this process. Raises `OSError`."""
    # The name of the command, in brackets, may hold anything; the third field follows it.
    fields = (_OURS / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    user, system, started, virtual, resident = (int(fields[number - 3]) for number in (14, 15, 22, 23, 24))
    return ProcessFigures(
        cpu_seconds=(user + system) / _TICKS,
        started_at=_BOOTED_AT + started / _TICKS,
        virtual_bytes=virtual,
        resident_bytes=resident * _PAGE,
        descriptors=sum(1 for _ in (_OURS / "fd").iterdir()),
    )
