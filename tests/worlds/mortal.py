"""A program that is killed before any transaction of its own, wherever a world wants it."""

from sqlalchemy import Connection

from daemon.model.errors import DatabaseBusyError
from tests.support.fakes import Flows


class Mortal:
    """Both flows of the program; `_tick` has to hear each transaction that begins."""

    flows: Flows
    left: int | None = None
    """So many transactions until the program is killed."""
    killed = False

    def _kill(self) -> None:
        self.killed = self.flows.stopped = True

    def _tick(self, _connection: Connection) -> None:
        """Before each transaction. A program that was killed makes no more of them."""
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self._kill()
        if self.killed:
            raise DatabaseBusyError("the program was killed")
