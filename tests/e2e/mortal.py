"""The program, and the moment at which it dies by its own hand: `python -m tests.e2e.mortal run`.

`MORTAL` names the moment: before a statement is executed, before a commit, after one. It is counted in the statements
and commits that a pattern is found in, over all threads. `MORTAL_MIGRATION` does the same to the process that runs the
migrations, which is made to run in here for that purpose. A death is a SIGKILL: nothing is tidied up.
"""

import os
import re
import runpy
import signal
import sys
from dataclasses import dataclass
from threading import Lock, local
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from daemon.cli.main import main
from daemon.storage import upgrade

VARIABLE, MIGRATION_VARIABLE = "MORTAL", "MORTAL_MIGRATION"
PROGRAM = (sys.executable, "-m", "tests.e2e.mortal")


@dataclass(frozen=True, slots=True)
class Moment:
    """The `number`-th time that `what` happens to something that the pattern is found in."""

    what: str
    """`statement`: before it is executed. `commit`: before one of a transaction that writes. `committed`: after it.
    `orphan`: as `statement`, but it is the parent that is killed, and this process goes on."""
    number: int
    pattern: str = ""
    """Of a statement, or of any statement of the transaction."""

    def __str__(self) -> str:
        return f"{self.what}:{self.number}:{self.pattern}"

    @classmethod
    def read(cls, text: str) -> "Moment":
        """The other way round."""
        what, number, pattern = text.split(":", 2)
        return cls(what, int(number), pattern)


STATE, TOLD = "INSERT INTO incidents", "INSERT INTO deliveries"
CLAIM, RESULT = "UPDATE deliveries SET attempts", r"UPDATE deliveries SET state=\?, due_at"
COMPLETE = "UPDATE progress SET last_complete_round_at"

AT_START = {
    "before the file is tried": Moment("statement", 1),
    "before waits are cut": Moment("statement", 1, "UPDATE deliveries SET due_at"),
    "while the secret gets another try": Moment("commit", 1, "UPDATE destinations SET probe_at"),
    "before the first round has asked": Moment("statement", 1, "SELECT progress.last_complete_round_at"),
}
IN_A_PAGE = {
    "before the first incident of a page": Moment("statement", 1, STATE),
    "between an incident and its delivery": Moment("statement", 1, TOLD),
    "between two incidents of a page": Moment("statement", 2, STATE),
    "before a page is committed": Moment("commit", 1, STATE),
    "after a page is committed": Moment("committed", 1, STATE),
    "before a round counts": Moment("commit", 1, COMPLETE),
    "after a round counts": Moment("committed", 1, COMPLETE),
}
IN_A_DELIVERY = {
    "before a claim": Moment("statement", 1, CLAIM),
    "before a claim is committed": Moment("commit", 1, CLAIM),
    "between a claim and its request": Moment("committed", 1, CLAIM),
    "between an answer and its record": Moment("statement", 1, RESULT),
    "between a result and what it taught": Moment("statement", 1, "UPDATE destinations SET taken"),
    "before a result is committed": Moment("commit", 1, RESULT),
    "after a result is committed": Moment("committed", 1, RESULT),
    "between the second answer and its record": Moment("statement", 2, RESULT),
}
INSTANTS = AT_START | IN_A_PAGE | IN_A_DELIVERY
"""The moments that have a name. Each comes in every life in which there is something new to tell."""


class Fate:
    """Watches all that this process says to its database, and ends it when the moment has come."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._left = moment.number
        self._lock = Lock()
        self._transaction = local()

    def take_its_course(self) -> None:
        """From here on the process is mortal."""
        event.listen(Engine, "before_cursor_execute", self._before_statement)
        event.listen(Engine, "commit", lambda _: self._at_commit("commit"))
        commit: Any = DefaultDialect.do_commit  # it says nothing of its types

        def do_commit(dialect: DefaultDialect, connection: DBAPIConnection) -> None:
            commit(dialect, connection)
            self._at_commit("committed")

        patch.object(DefaultDialect, "do_commit", do_commit).start()

    def _before_statement(self, _c: Connection, _u: Any, statement: str, *_: Any) -> None:
        if statement.startswith("BEGIN"):
            self._transaction.said = []
        self._said.append(statement)
        if self._moment.what in {"statement", "orphan"} and re.search(self._moment.pattern, statement):
            self._count()

    def _at_commit(self, what: str) -> None:
        writes = self._said[:1] == ["BEGIN IMMEDIATE"]
        if writes and what == self._moment.what and re.search(self._moment.pattern, "\n".join(self._said)):
            self._count()

    @property
    def _said(self) -> list[str]:
        """The statements of this thread's transaction so far."""
        if not hasattr(self._transaction, "said"):
            self._transaction.said = []
        said: list[str] = self._transaction.said
        return said

    def _count(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getppid() if self._moment.what == "orphan" else os.getpid(), signal.SIGKILL)


def send_migrations_this_way() -> None:
    """The process that the program starts for its migrations shall come by here too."""
    vars(upgrade).update(MIGRATION=("-P", "-m", "tests.e2e.mortal", "migrate"))


def live(variable: str) -> None:
    """Mortal if the variable says so, for ever otherwise."""
    if variable in os.environ:
        Fate(Moment.read(os.environ[variable])).take_its_course()


if __name__ == "__main__":
    if sys.argv[1] == "migrate":
        live(MIGRATION_VARIABLE)
        del sys.argv[1]
        runpy.run_module("daemon.storage.migrate", run_name="__main__", alter_sys=True)
    else:
        send_migrations_this_way()
        live(VARIABLE)
        main(prog_name="betterstack-signl4")
