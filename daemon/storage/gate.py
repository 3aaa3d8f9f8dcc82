"""Shared/exclusive lock in front of the database: transactions share it, a change of the file needs it alone.

Those that write take turns here: the next begins as soon as one ends. SQLite itself would try again and sleep between.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock

from daemon.model.errors import DatabaseBusyError


class Gate:
    """Transactions are short, so the exclusive holder does not wait long."""

    def __init__(self, patience: float) -> None:
        """`patience`: the longest wait for the lock, in seconds."""
        self._patience = patience
        self._inside = 0
        self._exclusive = False
        self._blocked_because: str | None = None
        self._changed = Condition()
        self._turn = Lock()

    @contextmanager
    def shared(self, *, writes: bool) -> Iterator[None]:
        """Shared, for a transaction. Raises `DatabaseBusyError` while the file is being changed or is blocked.

        Also if it writes and the one before does not end in time.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._exclusive, self._patience)
            if self._exclusive or self._blocked_because is not None:
                raise DatabaseBusyError(self._blocked_because or "the database file is being put right")
            self._inside += 1
        try:
            if writes and not self._turn.acquire(timeout=self._patience):
                raise DatabaseBusyError("the database cannot be written now: another job of this program still writes")
            try:
                yield
            finally:
                if writes:
                    self._turn.release()
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Exclusive: no transaction runs meanwhile. Raises `DatabaseBusyError` if one does not end in time."""
        with self._changed:
            self._exclusive = True
        try:
            with self._changed:
                if not self._changed.wait_for(lambda: self._inside == 0, self._patience):
                    raise DatabaseBusyError("the database file was changed by somebody while it is in use")
            yield
        finally:
            with self._changed:
                self._exclusive = False
                self._changed.notify_all()

    def block(self, why: str | None) -> None:
        """Blocks all transactions from now on, for that reason; `None` lets them through again."""
        self._blocked_because = why
