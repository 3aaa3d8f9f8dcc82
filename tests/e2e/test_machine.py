"""Faults of the machine, made for the real process: the disk, the files, the locks, the descriptors, a job that hangs.

While it runs, each passes by itself once its cause is gone: nobody restarts anything, nothing is lost, and nothing is
told twice. At the start each is a sentence and exit code 78, and the file stays as it is.
"""

import ctypes
import json
import os
import resource
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Cut
from daemon.sandbox.server import Sandbox
from daemon.sandbox.verdict import judge
from tests.e2e.conftest import PATIENCE, PROGRAM, WRAPPED, Daemon, Operator, pages
from tests.support.namespace import APART, can_mount
from tests.support.owner import BOUND
from tests.support.slowness import SLOWNESS

PAGE = 4096
ENDS = ("rounds succeed again", "deliveries resumed")
"""What the log says of its end: a fault may meet one of the two flows alone."""
SOON = 10.0 * SLOWNESS
"""Seconds in which a hang ends the process."""
MENDED = 30.0 * SLOWNESS
"""Seconds in which a fault is over once its cause is: the pause between failed rounds has grown by then."""
LIBC = ctypes.CDLL(None, use_errno=True)


# -- the machines -----------------------------------------------------------------------------------------------------


class Machine:
    """A machine on which the program is started, and which is then spoilt, mended, and left as it was found."""

    says: str
    """What the log says of the fault."""
    program: tuple[str, ...] = PROGRAM
    ends: tuple[str, ...] = ENDS
    status: int | None = None
    """The exit code of `status` meanwhile, where it knows more than that rounds are missing."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.file = operator.directory / "state.db"

    def run(self) -> Daemon:
        self.daemon = self.operator.run(program=self.program)
        return self.daemon

    def spoil(self) -> None:
        """The fault begins."""

    def mend(self) -> None:
        """The fault is over."""

    def end(self) -> None:
        """Leaves nothing behind that outlasts the process."""


class FullDisk(Machine):
    """A small file system of its own, filled up by somebody else's file."""

    says = "database or disk is full"

    def __init__(self, operator: Operator) -> None:
        super().__init__(operator)
        self.disk = operator.directory / "disk"
        self.disk.mkdir()
        mount(self.disk)
        self.file = Path(shutil.move(self.file, self.disk))
        operator.environment["DATABASE__URL"] = f"sqlite:///{self.file}"

    def spoil(self) -> None:
        with (self.disk / "somebody else's").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while file.write(bytes(PAGE)):
                pass

    def mend(self) -> None:
        (self.disk / "somebody else's").unlink(missing_ok=True)

    def end(self) -> None:
        self.operator.end()
        assert LIBC.umount2(bytes(self.disk), 0) == 0


def mount(directory: Path) -> None:
    if LIBC.mount(b"tmpfs", bytes(directory), b"tmpfs", 0, b"size=2m") != 0:
        pytest.skip(f"no file system can be mounted here: {os.strerror(ctypes.get_errno())}")


class FullDatabase(Machine):
    """The database has as many pages as it may have."""

    says = "database or disk is full"
    program = WRAPPED

    def spoil(self) -> None:
        self.daemon.command("full")
        # Few small rows would still find room in the pages there are.
        for number in range(20):
            self.operator.sandbox.world.open(f"Incident {number}", cause="a long story " * 150)

    def mend(self) -> None:
        self.daemon.command("no full")


class Locked(Machine):
    """Another program writes, and does not come to an end."""

    says = "database is locked"
    program = WRAPPED

    def spoil(self) -> None:
        self.other = sqlite3.connect(self.file, isolation_level=None, check_same_thread=False)
        self.other.execute("BEGIN IMMEDIATE")

    def mend(self) -> None:
        self.other.close()

    end = mend


class ReadOnly(Machine):
    """Nobody may write the files any more. Open connections go on; the next one that is opened meets it."""

    says = "readonly database"
    program = (*BOUND, *WRAPPED)

    def __init__(self, operator: Operator) -> None:
        if os.geteuid() == 0 and shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv")
        super().__init__(operator)

    def spoil(self) -> None:
        self._chmod(0o400, 0o500)
        self.daemon.command("reopen")

    def mend(self) -> None:
        self._chmod(0o600, 0o700)

    def end(self) -> None:
        self._chmod(0o600, 0o700)

    def _chmod(self, of_files: int, of_the_directory: int) -> None:
        for file in self.operator.directory.glob("state.db*"):
            file.chmod(of_files)
        self.operator.directory.chmod(of_the_directory)


class Corrupt(Machine):
    """Somebody overwrote all pages of the database but the first, and puts them back in the end."""

    says = "database disk image is malformed"
    status = 78

    def spoil(self) -> None:
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.content = self.file.read_bytes()[PAGE:]
        self._write(b"\xff" * len(self.content))

    def mend(self) -> None:
        self._write(self.content)

    def _write(self, content: bytes) -> None:
        with self.file.open("r+b") as file:
            file.seek(PAGE)
            file.write(content)


class Removed(Machine):
    """Somebody removes the database, and what SQLite keeps beside it."""

    says = "the database file was removed"
    ends = ("it is written back",)

    def spoil(self) -> None:
        for file in self.operator.directory.glob("state.db*"):
            file.unlink()


class Moved(Machine):
    """Somebody moves the database away, and back in the end."""

    says = "the database file was moved"
    ends = ("it has its name again",)

    def spoil(self) -> None:
        self.file.rename(self.file.with_name("moved.db"))

    def mend(self) -> None:
        self.file.with_name("moved.db").rename(self.file)


class Replaced(Machine):
    """Somebody puts a copy in the place of the database that knows of nothing."""

    says = "the database file was replaced"
    ends = ("the new one is taken up, with all that was told",)

    def __init__(self, operator: Operator) -> None:
        super().__init__(operator)
        self.copy = Path(shutil.copy(self.file, self.file.with_name("copy.db")))

    def spoil(self) -> None:
        self.copy.replace(self.file)


class DirectoryMoved(Machine):
    """Somebody moves the directory away, and back in the end."""

    says = "the database file was moved"

    def __init__(self, operator: Operator) -> None:
        super().__init__(operator)
        self.directory = operator.directory / "var"
        self.directory.mkdir()
        self.file = Path(shutil.move(self.file, self.directory))
        operator.environment["DATABASE__URL"] = f"sqlite:///{self.file}"

    def spoil(self) -> None:
        self.directory.rename(self.directory.with_name("away"))

    def mend(self) -> None:
        self.directory.with_name("away").rename(self.directory)


class NoDescriptors(Machine):
    """No more files can be opened, and the connections to both services are cut, so that new ones are needed."""

    says = "Too many open files"

    def spoil(self) -> None:
        pid = self.daemon.process.pid
        self.limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (4, self.limit[1]))
        for service in (self.operator.sandbox.betterstack, self.operator.sandbox.signl4):
            service.faults.arm(Cut(), times=1)

    def mend(self) -> None:
        resource.prlimit(self.daemon.process.pid, resource.RLIMIT_NOFILE, self.limit)


# -- the cases --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A fault while the program runs."""

    machine: type[Machine]
    expected: str


RUNNING = {
    "disk full": Case(FullDisk, "says so, and tells everything once there is room again"),
    "database at its size limit": Case(FullDatabase, "says so, and tells everything once it may grow again"),
    "database locked by another program": Case(Locked, "says so, and goes on once the other one is done"),
    "database made read-only": Case(ReadOnly, "goes on with what it has open, says so, and recovers with the modes"),
    "database overwritten": Case(Corrupt, "stays, says so, `status` exits 78; goes on once the file is restored"),
    "database removed": Case(Removed, "says so, writes it back from what it has open, and goes on"),
    "database moved away": Case(Moved, "says so, gives it its name again beside the other one, and goes on"),
    "database replaced by an earlier copy": Case(
        Replaced, "says so, takes the copy up, and carries over into it what was told since"
    ),
    "directory of the database moved away": Case(
        DirectoryMoved, "says so, tells nothing it could not write down, and goes on once it is back"
    ),
    "no more file descriptors": Case(NoDescriptors, "says so, and goes on once files can be opened again"),
}
UNRECORDED = ["disk full", "database locked by another program"]
"""The faults that can come between a request that SIGNL4 took and the note of it."""


@contextmanager
def on(machine: Machine) -> Iterator[Daemon]:
    """The program under way on that machine, with one incident told and noted."""
    sandbox = machine.operator.sandbox
    try:
        daemon = machine.run()
        first = sandbox.world.open("Shop front page")
        daemon.wait_for(lambda: machine.operator.told(first) and daemon.says('"delivered"'), "the first alert")
        daemon.wait_for(lambda: len(pages(sandbox)) > 1, "the end of the first round")
        yield daemon
        assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
        assert not daemon.says("Traceback")
        verdict = judge(sandbox.world.history, sandbox.world.showings, sandbox.signl4.events)
        assert verdict.good, [case for case in verdict.cases if case.findings]
    finally:
        machine.end()


def all_is_told(sandbox: Sandbox, operator: Operator) -> bool:
    """Whether each incident's last word was said."""
    last = {happening.incident_id: happening.act for happening in sandbox.world.history}
    words = {incident: "resolved" if act == "resolved" else "new" for incident, act in last.items()}
    return all(operator.told(incident)[-1:] == [word] for incident, word in words.items())


def met_by_a_flow(daemon: Daemon, says: str) -> bool:
    return any(says in line and '"not healthy"' not in line for line in daemon.lines)


@pytest.mark.parametrize("name", RUNNING)
def test_a_fault_of_the_machine_is_said_and_outlasted(operator: Operator, sandbox: Sandbox, name: str) -> None:
    machine = RUNNING[name].machine(operator)
    with on(machine) as daemon:
        [first] = [happening.incident_id for happening in sandbox.world.history]
        machine.spoil()
        sandbox.world.open("Payment service")
        sandbox.world.resolve(first)
        # The self-check may see it first, whose end is another one: a flow has to meet it.
        daemon.wait_for(lambda: met_by_a_flow(daemon, machine.says), "the complaint")
        if machine.status is not None:
            assert operator.ask("status").returncode == machine.status
        assert daemon.process.poll() is None
        machine.mend()
        daemon.wait_for(lambda: all_is_told(sandbox, operator), "all of it", MENDED)
        last = sandbox.world.open("Mail relay")
        daemon.wait_for(lambda: operator.told(last) and any(map(daemon.says, machine.ends)), "an end of it")
        assert operator.ask("status").returncode == 0


@pytest.mark.parametrize("name", UNRECORDED)
def test_what_signl4_took_and_cannot_be_noted_is_noted_later_and_not_told_again(
    operator: Operator, sandbox: Sandbox, name: str
) -> None:
    machine = RUNNING[name].machine(operator)
    with on(machine) as daemon:
        second = sandbox.world.open("Payment service")

        def spoil(_: Request) -> None:
            sandbox.signl4.faults.before_answer = None
            machine.spoil()

        sandbox.signl4.faults.before_answer = spoil
        daemon.wait_for(lambda: daemon.says("result not recorded"), "the complaint")
        third = sandbox.world.open("Mail relay")
        seen = len(sandbox.betterstack.requests)
        daemon.wait_for(lambda: len(sandbox.betterstack.requests) > seen, "another round")
        assert (operator.told(second), operator.told(third)) == (["new"], [])
        machine.mend()
        daemon.wait_for(lambda: all_is_told(sandbox, operator), "all of it")
        sandbox.world.resolve(second)
        daemon.wait_for(lambda: all_is_told(sandbox, operator), "the end")


def test_a_failure_that_lasts_is_logged_once(operator: Operator, sandbox: Sandbox) -> None:
    machine = Locked(operator)
    with on(machine) as daemon:
        outage = sandbox.signl4.faults.arm(mishaps.status(503))
        sandbox.world.open("Payment service")
        daemon.wait_for(lambda: daemon.says("not delivered yet"), "a delivery that waits")
        machine.spoil()
        outage.release()
        daemon.wait_for(lambda: daemon.says("deliveries postponed"), "the complaint")
        seen = len(pages(sandbox))
        daemon.wait_for(lambda: len(pages(sandbox)) > seen + 2, "more failed rounds")
        machine.mend()
        daemon.wait_for(lambda: all_is_told(sandbox, operator), "all of it", MENDED)
        said = Counter(line.partition('"event": ')[2] for line in daemon.lines)
    assert said.most_common(1)[0][1] <= 2, said.most_common(3)


# -- at the start -----------------------------------------------------------------------------------------------------


class FullFromTheStart(FullDisk):
    def run(self) -> Daemon:
        self.spoil()
        return super().run()


class LockedFromTheStart(Locked):
    def run(self) -> Daemon:
        self.spoil()
        return super().run()


class FileReadOnly(ReadOnly):
    def run(self) -> Daemon:
        self._chmod(0o400, 0o700)
        return super().run()


class DirectoryReadOnly(ReadOnly):
    """Without the files beside the database, which cannot be made then."""

    def run(self) -> Daemon:
        self.operator.directory.chmod(0o500)
        return super().run()


class CorruptFromTheStart(Corrupt):
    def run(self) -> Daemon:
        self.spoil()
        return super().run()


class Newer(Machine):
    def run(self) -> Daemon:
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return super().run()


class Link(Machine):
    """Somebody who may write in the directory has put a link there."""

    def run(self) -> Daemon:
        self.operator.directory.chmod(0o2770)
        (self.operator.directory / "state.db.lock").symlink_to("precious")
        return super().run()


class MountedAlone(Machine):
    """The database is mounted, and not the directory it is in."""

    program = (*APART, "sh", "-ec", 'mount --bind state.db state.db; exec "$@"', "sh", *PROGRAM)

    def __init__(self, operator: Operator) -> None:
        if not can_mount():
            pytest.skip("nothing can be mounted here, not even in a namespace")
        super().__init__(operator)


@dataclass(frozen=True)
class Start:
    """A fault that is there when the program starts."""

    machine: type[Machine]
    sentence: str
    expected: str = "exits 78 with the mend, and leaves the file as it is"


STARTING = {
    "disk full at the start": Start(FullFromTheStart, "look at the disk"),
    "database locked at the start": Start(LockedFromTheStart, "the database cannot be written now: database is locked"),
    "database read-only at the start": Start(FileReadOnly, "attempt to write a readonly database"),
    "directory read-only at the start": Start(DirectoryReadOnly, "whose directory cannot be written"),
    "database corrupt at the start": Start(CorruptFromTheStart, "move it away together with its -wal and -shm"),
    "a link of somebody else's beside the database": Start(Link, "is a link in a directory that others can write"),
    "database mounted by itself": Start(MountedAlone, "is mounted by itself"),
    "database of a newer version": Start(Newer, "was written by a newer version (schema 9999"),
}


@pytest.mark.parametrize("name", STARTING)
def test_a_machine_that_cannot_serve_is_refused_with_a_sentence(operator: Operator, name: str) -> None:
    machine = STARTING[name].machine(operator)
    try:
        daemon = machine.run()
        before = machine.file.read_bytes()
        assert daemon.process.wait(PATIENCE) == 78
        daemon.end()
        [line] = daemon.lines
        assert STARTING[name].sentence in line
        assert str(machine.file) in line
        assert machine.file.read_bytes() == before
    finally:
        machine.end()


# -- a job that hangs -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hanging:
    """A job that does not come back. `at_once`: from its first run on."""

    job: str
    at_once: bool
    expected: str = "the process ends itself with 70, so that it is started again; nothing is lost"


HANGING = {
    "a round hangs": Hanging("poll", at_once=False),
    "the first round hangs": Hanging("poll", at_once=True),
    "the deliveries hang": Hanging("deliver", at_once=False),
}


@pytest.mark.parametrize("name", HANGING)
def test_a_job_that_hangs_ends_the_process_and_the_next_one_tells_all(
    operator: Operator, sandbox: Sandbox, name: str
) -> None:
    hanging = HANGING[name]
    daemon = operator.run(program=WRAPPED, HTTP__TIMEOUT="1s")
    if not hanging.at_once:
        daemon.wait_for(lambda: len(pages(sandbox)) >= 3, "rounds")
    daemon.command(f"{hanging.job} hangs")
    incident = sandbox.world.open("Shop front page")
    assert daemon.process.wait(SOON) == 70
    daemon.end()
    assert json.loads(daemon.lines[-1])["event"].startswith("stuck, so this process ends")
    assert json.loads(daemon.lines[-1])["job"] == hanging.job
    assert not daemon.says("Traceback")
    assert operator.told(incident) == []
    operator.run().wait_for(lambda: operator.told(incident) == ["new"], "the alert, after a start")


CASES: dict[str, Case | Start | Hanging] = {**RUNNING, **STARTING, **HANGING}


def test_where_nothing_can_be_written_one_alarm_goes_out_all_the_same_and_is_closed(
    operator: Operator, sandbox: Sandbox
) -> None:
    alarm = "betterstack-signl4-alarm-state"
    daemon = operator.run(program=WRAPPED, ALARM__POLL_AFTER="1s")
    daemon.wait_for(lambda: len(pages(sandbox)) > 1, "the end of the first round")
    with closing(sqlite3.connect(operator.directory / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        daemon.wait_for(lambda: operator.told(alarm) == ["new"], "the alarm")
        rounds = len(pages(sandbox))
        daemon.wait_for(lambda: len(pages(sandbox)) > rounds + 2, "more rounds")
        assert operator.told(alarm) == ["new"]
    daemon.wait_for(lambda: operator.told(alarm) == ["new", "resolved"], "its end")
