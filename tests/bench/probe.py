"""Runs the program and counts what it does: `probe.py FILE COMMAND…`. Needs nothing of the checkout that it measures.

FILE holds numbers of eight bytes. First three counts: calls of Python functions (only with PROBE_CALLS set, since that
makes all slower), transactions, and commits of transactions that write. Then for each event of the stand-in, in their
order, when its id was in the database for good: nanoseconds of the clock that all processes of a machine share.
"""

import mmap
import os
import re
import runpy
import sys
import threading
import time
from array import array
from pathlib import Path
from struct import Struct
from typing import Any

from sqlalchemy import Engine, Pool, event

NUMBERS = Struct("=qqq")
EVENTS = 20_000
"""So many events at most."""
SIZE = NUMBERS.size + 8 * EVENTS
_EVENT = re.compile(r"event(\d+)")


def read(file: Path) -> tuple[int, int, int]:
    """The counts so far."""
    return NUMBERS.unpack(file.read_bytes()[: NUMBERS.size])


def recorded(file: Path, count: int) -> list[float]:
    """When the first so many events were recorded, in seconds; 0 for one that is not."""
    return [at / 1e9 for at in array("q", file.read_bytes()[NUMBERS.size :])[:count]]


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


def note_records(moments: "memoryview[int]") -> None:
    """Notes when the ids that SIGNL4 gave to events are committed, whatever the statement that stores them."""

    @event.listens_for(Engine, "before_cursor_execute")
    def executes(connection: Any, _cursor: Any, _statement: str, values: Any, _context: Any, many: bool) -> None:
        for row in values if many else [values]:
            ids = [_EVENT.fullmatch(value) for value in row if isinstance(value, str)]
            connection.info.setdefault("events", []).extend(int(found[1]) for found in ids if found)

    @event.listens_for(Engine, "rollback")
    def undone(connection: Any) -> None:
        connection.info.pop("events", None)

    # It is given back right after its commit; the event of that name comes before the commit.
    @event.listens_for(Pool, "checkin")
    def given_back(_connection: Any, record: Any) -> None:
        now = time.monotonic_ns()
        for number in record.info.pop("events", ()):
            moments[number - 1] = now


def main(file: str, *command: str) -> None:
    """Runs the program with this command line."""
    with Path(file).open("r+b") as opened:
        counts = memoryview(mmap.mmap(opened.fileno(), SIZE)).cast("q")
    count_transactions(counts)
    note_records(counts[3:])
    sys.argv = ["betterstack-signl4", *command]
    if "PROBE_CALLS" in os.environ:
        count_calls(counts)
    runpy.run_module("daemon", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
