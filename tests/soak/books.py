"""What a process left behind: whether the files are whole, and whether the books balance (Promises 2, 4 and 6)."""

import socket
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copyfile

from daemon.sandbox.loopback import LoopbackService
from daemon.sandbox.server import Sandbox
from daemon.sandbox.verdict import OWN_PREFIX
from tests.e2e.conftest import Operator

LASTING = {"config.toml", "state.db", "state.db-wal", "state.db-shm", "state.db.lock"}
"""The files that a state directory may hold."""
LARGEST_LOG = 8_000_000
"""Bytes of the write-ahead log; SQLite starts it anew after 1,000 pages, and a page of the API comes on top."""
MOST_IN_FLIGHT = 6
"""The highest `delivery.concurrency` that any life is given."""
GOOD_STATUS, OTHER_STATUS = 201, 200
"""What SIGNL4 answers when it took an event, and what is as good by the contract."""
Key = tuple[str, str]
"""External id and kind of an event."""


@contextmanager
def as_left(directory: Path) -> Iterator[sqlite3.Connection]:
    """The database as a process left it, in a copy: to look must not mend what the next start is to mend."""
    with tempfile.TemporaryDirectory() as elsewhere:
        for name in ("state.db", "state.db-wal"):
            if (directory / name).exists():
                copyfile(directory / name, Path(elsewhere) / name)
        with closing(sqlite3.connect(Path(elsewhere) / "state.db")) as connection:
            yield connection


def harm(directory: Path) -> list[str]:
    """What is wrong with the files, a sentence each."""
    with as_left(directory) as connection:
        checks = [
            connection.execute(f"PRAGMA {check}").fetchall() for check in ("integrity_check", "foreign_key_check")
        ]
    found = [f"{check} found {rows}" for check, rows in zip(("integrity", "keys"), checks, strict=True) if rows]
    found = [sentence for sentence in found if sentence != "integrity found [('ok',)]"]
    names = {file.name for file in directory.iterdir()}
    found += [f"{name} was left behind" for name in sorted(names - LASTING)]
    log = directory / "state.db-wal"
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        found.append(f"the write-ahead log has {log.stat().st_size} bytes")
    return found


def descriptors(pid: int) -> int:
    """How many the process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def resident(pid: int) -> int:
    """Bytes of memory that the process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


class Books:
    """What SIGNL4 took, against what the outbox says of it, at the end of each life."""

    def __init__(self, operator: Operator, looked_up: Collection[str] = ()) -> None:
        """`looked_up`: kinds of events that do not come again, as they are looked up first."""
        self._operator = operator
        self._looked_up = looked_up
        self._taken = Counter[Key]()
        self._answered = Counter[Key]()
        """What SIGNL4 took and said so, as far as the sandbox is concerned."""
        self._read = [0, 0]
        self._lost = Counter[Key]()
        self._in_vain = Counter[Key]()
        """What is looked up, and came again all the same."""
        self.unanswered = 0
        """How many of these because the answer was lost on the way, and not because of a kill."""
        self.twice = Counter[Key]()
        """How often an event came again."""

    def close(self, *, killed: bool) -> list[str]:
        """What does not balance since the last time, a sentence each. Nothing may be under way."""
        with as_left(self._operator.directory) as connection:
            noted = keys(connection, "delivered")
            tried = keys(connection, "pending", "AND attempts > 0")
            dead = keys(connection, "dead")
        self._read_on()
        again, lost = self._taken - noted - self.twice, self._taken - self._answered - self._lost
        # What is looked up comes never again: as often as it was taken it is noted, or waits for that.
        in_vain = Counter({key: times for key, times in (again - tried).items() if key[1] in self._looked_up})
        again = Counter({key: times for key, times in again.items() if key[1] not in self._looked_up})
        self.twice += again
        self._lost += lost
        self.unanswered += (again & lost).total()
        excused = lost + Counter(dict.fromkeys(tried if killed else (), 1))
        sentences = [f"{key} is dead, and nobody refused it" for key in dead]
        sentences += [f"{key} is noted as delivered, and never arrived" for key in noted - self._taken]
        sentences += [f"{key} was sent again without need" for key in [*(again - excused), *(in_vain - self._in_vain)]]
        self._in_vain |= in_vain
        # In a storm as many again are claimed ahead, and may have been sent.
        if again.total() > lost.total() + 2 * MOST_IN_FLIGHT:
            sentences.append(f"more than was in flight was sent again: {again.total()} events")
        return sentences

    def _read_on(self) -> None:
        """What came since the last time."""
        signl4 = self._operator.sandbox.signl4
        events, requests = signl4.events[self._read[0] :], signl4.requests[self._read[1] :]
        self._read = [self._read[0] + len(events), self._read[1] + len(requests)]
        self._taken.update((event.external_id, event.kind) for event in events if not is_own(event.external_id))
        asked = (one.request for one in requests if one.status == GOOD_STATUS)
        self._answered.update((request.external_id, request.kind) for request in asked)


def keys(connection: sqlite3.Connection, state: str, more: str = "") -> Counter[Key]:
    """What the outbox holds in that state."""
    rows = connection.execute(f"SELECT external_id, kind FROM deliveries WHERE state = ? {more}", [state])
    return Counter((external_id, kind) for external_id, kind in rows if not is_own(external_id))


def is_own(external_id: str) -> bool:
    """Whether the program speaks of itself."""
    return external_id.startswith(OWN_PREFIX)


def let_go(service: LoopbackService) -> None:
    """Waits until the service has done with all that a dead process had asked."""
    service.faults.clear()
    # Connections are taken in turn: when this one was, so were all that came before it.
    with socket.create_connection(("127.0.0.1", service._server.server_port)) as knock:
        knock.shutdown(socket.SHUT_WR)
        knock.recv(1)
    for thread in list(service._server._threads):  # type: ignore[attr-defined]  # kept by `socketserver`, for its end
        thread.join()


def forget_what_was_not_kept(sandbox: Sandbox, directory: Path) -> None:
    """What the last answer showed to a process that was killed counts only if that was committed in time."""
    last = sandbox.betterstack.requests[-1].at
    with as_left(directory) as connection:
        phases = dict(connection.execute("SELECT id, phase FROM incidents").fetchall())
    for key, showing in list(sandbox.world._showings.items()):
        if showing.at >= last and phases.get(showing.incident_id) != showing.phase:
            del sandbox.world._showings[key]
