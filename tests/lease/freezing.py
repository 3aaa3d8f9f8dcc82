"""The program, which after SIGUSR1 stops itself amid statements that it says one after the other."""

import signal
from collections.abc import Iterable, Iterator
from threading import Event, get_ident
from typing import Any
from unittest.mock import patch

import psycopg

from daemon.cli.main import main

_asked = Event()
_whole = psycopg.Cursor.executemany


def _stopping(rows: Iterable[Any]) -> Iterator[Any]:
    """The first one is on its way when the second one is asked for."""
    for number, row in enumerate(rows):
        if number == 1 and _asked.is_set():
            # Said to this thread: one that is said to the process comes to another thread, and this one goes on a bit.
            signal.pthread_kill(get_ident(), signal.SIGSTOP)
        yield row


def _executemany(cursor: psycopg.Cursor[Any], query: Any, rows: Iterable[Any], **how: Any) -> None:
    _whole(cursor, query, _stopping(rows), **how)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, lambda *_: _asked.set())
    with patch.object(psycopg.Cursor, "executemany", _executemany):
        main(prog_name="betterstack-signl4")
