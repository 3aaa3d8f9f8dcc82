"""A database of which this process has hold: no other one works on it or changes anything in it meanwhile.

A file by its lock, and by a transaction that writes. On a server by a transaction, too: it has the row of the lease, so
that no process can take over, and the turn of the writers. Where there are no tables yet it has the turn of who makes
them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from daemon.storage.engine import open_engine, transaction
from daemon.storage.instance import locked
from daemon.storage.place import is_postgresql


@contextmanager
def held(url: str, on_warning: Callable[[str], None]) -> Iterator[Connection]:
    """A transaction on it, committed at the end of the block. What is not committed leaves nothing behind.

    `on_warning` gets a sentence if what was committed is on one of several servers alone. Raises what `locked` raises,
    and `DatabaseBusyError`, for a server also where a process works on it.
    """
    if is_postgresql(url):
        from daemon.storage import server_change  # noqa: PLC0415 - only who has a server pays for its driver

        with server_change.excluding(url, on_warning) as connection:
            yield connection
        return
    with locked(url):
        engine = open_engine(url)
        try:
            with transaction(engine, writes=True) as connection:
                yield connection
        finally:
            engine.dispose()
