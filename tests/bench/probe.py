"""Runs the program and counts what it does: `probe.py FILE COMMAND…`. Needs nothing of the checkout that it measures.

FILE holds the counts as three numbers of eight bytes: calls of Python functions (only with PROBE_CALLS set, since that
makes all slower), transactions, and commits of transactions that write.
"""

import mmap
import os
import runpy
import sys
import threading
from pathlib import Path
from struct import Struct
from typing import Any

from sqlalchemy import Engine, event

NUMBERS = Struct("=qqq")


def read(file: Path) -> tuple[int, int, int]:
    """The counts so far."""
    return NUMBERS.unpack(file.read_bytes())


def count_calls(counts: "memoryview[int]") -> None:
    """Counts the calls of Python functions in all threads."""

    def called(_frame: object, what: str, _argument: object) -> None:
        if what == "call":
            counts[0] += 1

    threading.setprofile(called)
    sys.setprofile(called)


def count_transactions(counts: "memoryview[int]") -> None:
    """Counts the transactions of SQLAlchemy's engines."""

    @event.listens_for(Engine, "begin")
    def began(_connection: Any) -> None:
        counts[1] += 1

    @event.listens_for(Engine, "commit")
    def committed(connection: Any) -> None:
        counts[2] += connection.connection.driver_connection.total_changes > 0 and bool(
            connection.get_execution_options().get("writes")
        )


def main(file: str, *command: str) -> None:
    """Runs the program with this command line."""
    with Path(file).open("r+b") as opened:
        counts = memoryview(mmap.mmap(opened.fileno(), NUMBERS.size)).cast("q")
    count_transactions(counts)
    sys.argv = ["betterstack-signl4", *command]
    if "PROBE_CALLS" in os.environ:
        count_calls(counts)
    runpy.run_module("daemon", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
