"""The gate in front of a database: transactions pass together, and whoever changes the file below has it alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from daemon.model.errors import DatabaseBusyError


class Gate:
    """Open until it is shut. Transactions are short, so that whoever shuts it need not wait long."""

    def __init__(self, patience: float) -> None:
        """`patience`: seconds that anybody waits here."""
        self._patience = patience
        self._inside = 0
        self._shut = False
        self._why: str | None = None
        self._changed = Condition()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """For a transaction. Raises `DatabaseBusyError`: the file is being changed, or what was said to be wrong is."""
        with self._changed:
            self._changed.wait_for(lambda: not self._shut, self._patience)
            if self._shut or self._why is not None:
                raise DatabaseBusyError(self._why or "the database file is being put right")
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Nobody is inside while this lasts. Raises `DatabaseBusyError` if somebody does not come out."""
        with self._changed:
            self._shut = True
        try:
            with self._changed:
                if not self._changed.wait_for(lambda: self._inside == 0, self._patience):
                    raise DatabaseBusyError("the database file was changed by somebody while it is in use")
            yield
        finally:
            with self._changed:
                self._shut = False
                self._changed.notify_all()

    def say(self, why: str | None) -> None:
        """From here on nobody passes, because of that; `None`: everybody does again."""
        self._why = why
