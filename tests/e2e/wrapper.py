"""The program, with faults of the machine that cannot be made from outside: `python -m tests.e2e.wrapper run`.

It has little patience with a locked database, and does what the lines of its standard input say.
"""

import sys
import time
from threading import Event, Thread
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from daemon.cli.main import main
from daemon.deliver import Deliver
from daemon.poll import Poll
from daemon.storage import engine, revision

MOST_PAGES = 2**32 - 2
SWITCHES = {
    "full": Event(),  # the database may not grow
    "poll hangs": Event(),
    "deliver hangs": Event(),
}
_reopen_from = [0.0]
"""Connections from before that are not used again."""


@event.listens_for(Engine, "begin")
def _limit_pages(connection: Connection) -> None:
    """The limit is the connection's own, and never below what there is."""
    connection.exec_driver_sql(f"PRAGMA max_page_count = {1 if SWITCHES['full'].is_set() else MOST_PAGES}")


@event.listens_for(Pool, "connect")
def _note_age(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    record.info["opened"] = time.monotonic()


@event.listens_for(Pool, "checkin")
def _drop_old_connections(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    if connection is not None and record.info["opened"] < _reopen_from[-1]:
        record.invalidate()


def let_hang(flow: type[Any], verb: str, switch: Event) -> None:
    """Once the switch is on, the verb never returns."""
    whole = getattr(flow, verb)

    def hanging(*arguments: Any, **named: Any) -> Any:
        if switch.is_set():
            Event().wait()
        return whole(*arguments, **named)

    setattr(flow, verb, hanging)


def listen() -> None:
    """A line is the name of a switch to turn on, or `no` and its name, or `reopen` for new connections."""
    for line in sys.stdin:
        name = line.strip()
        if name == "reopen":
            _reopen_from.append(time.monotonic())
        elif name in SWITCHES:
            SWITCHES[name].set()
        else:
            SWITCHES[name.removeprefix("no ")].clear()


if __name__ == "__main__":
    for module in (engine, revision):
        vars(module).update(BUSY_SECONDS=0.3)
    let_hang(Poll, "round", SWITCHES["poll hangs"])
    let_hang(Deliver, "drain", SWITCHES["deliver hangs"])
    Thread(target=listen, daemon=True).start()
    main(prog_name="betterstack-signl4")
