"""Keeps the database of a running process: its lock, and that its name goes on leading to it.

1. A file that was removed or moved has its name again as soon as that is noticed, with all that was told.
2. A file that was put in its place is taken up, and what was told since it was written is carried over into it.
3. Until then nothing is read or written, so that nothing is told that the next start would not know of.
"""

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from daemon.model.errors import DaemonError, DatabaseBusyError, DatabaseUnusableError
from daemon.model.event import Listener
from daemon.model.events import process as events
from daemon.storage import lock
from daemon.storage.backup import written
from daemon.storage.carry import carry_over
from daemon.storage.changes import LOG, Change, Changes
from daemon.storage.gate import Gate
from daemon.storage.lock import Lock
from daemon.storage.place import MEND, followed, same, status_of
from daemon.storage.sqlite import BUSY_SECONDS, WRITING, connected, why
from daemon.storage.upgrade import upgrade


class Keeper:
    """One connection of its own keeps the file open, so that it is there even when it has no name any more."""

    def __init__(self, url: str, engine: Engine, held: Lock) -> None:
        """`held` is moved to the file that is taken up. Raises `DatabaseUnusableError`."""
        self.engine = engine
        self._url = url
        self._lock = held
        self._changes = Changes(held.file, held)
        self._gate = Gate(BUSY_SECONDS)
        try:
            self._own: sqlite3.Connection | None = self._opened()
        except sqlite3.Error as error:
            raise DatabaseUnusableError(f"{self._file} cannot be read ({why(error)}); {MEND}") from None
        with suppress(OSError):
            self._changes.note_log()
        engine.update_execution_options(gate=self._gate)
        event.listen(engine, "connect", self._check, insert=True)

    @property
    def _file(self) -> Path:
        return self._changes.file

    def look(self, log: Listener, on_progress: Callable[[], None]) -> None:
        """Puts right what somebody did to the file. Raises `DatabaseBusyError`; nobody reads or writes from then on.

        `on_progress` is called while a file that is taken up is brought up to date.
        """
        change: Change | None = None
        file = str(self._file)
        try:
            change = self._changes.latest()
            done = self._put_right(change, on_progress) if change or not self._own else None
        except (OSError, sqlite3.Error, DaemonError) as error:
            why = f"{change or 'the database file cannot be kept'}: {file}: {_told(error)}"
            self._gate.say(why)
            raise DatabaseBusyError(why) from None
        self._gate.say(None)
        if change:
            log(events.DatabaseFileChanged(str(change), file, done))

    def close(self) -> None:
        """Gives up all connections. A name that was lost just now is put right before."""
        with suppress(OSError, sqlite3.Error, DaemonError):
            if change := self._changes.latest():
                self._put_right(change, lambda: None)
        self.engine.dispose()
        if self._own is not None:
            self._own.close()

    def _check(self, connection: DBAPIConnection, _record: object) -> None:
        """A new connection never reaches another file, nor the same file with another log: that would spoil both."""
        try:
            wrong = self._changes.latest()
        except OSError as error:
            connection.close()
            raise sqlite3.OperationalError(_told(error)) from None
        if wrong:
            connection.close()
            raise sqlite3.OperationalError(wrong)

    def _put_right(self, change: Change | None, on_progress: Callable[[], None]) -> str:
        """What was done. Raises `OSError`, SQLite's errors, and the program's own."""
        with self._gate.shut():
            self.engine.dispose()
            match change:
                case Change.REMOVED:
                    return self._write_back()
                case Change.MOVED:
                    return self._name_again()
                case Change.REPLACED:
                    return self._take_up(on_progress)
                case Change.LINKED:
                    return self._follow()
                case _:
                    return self._open_anew()

    def _write_back(self) -> str:
        """The file has no name left; all that it held goes into one that has."""
        own = self._kept()
        self._drop_log(strict=True)
        part = self._file.with_name(f".{secrets.token_hex(8)}.part")
        descriptor = written(own, part)
        try:
            lock.take(descriptor, self._file)
            # Unlike a renaming, this never overwrites what somebody put there just now.
            os.link(part, self._file)
        except BaseException:
            os.close(descriptor)
            raise
        finally:
            part.unlink()
        self._change_to(descriptor)
        return "it is written back, and nothing of it is lost"

    def _name_again(self) -> str:
        """The file has another name, and gets its own beside it: whoever moves it back changes nothing."""
        self._settle()
        self._drop_log(strict=True)
        directory = os.open(self._file.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # With a descriptor the link in /proc is followed (linkat(2)).
            os.link(f"/proc/self/fd/{self._lock.descriptor}", self._file.name, dst_dir_fd=directory)
        finally:
            os.close(directory)
        self._open_anew()
        return "it has its name again, beside the other one; stop the service before you move it"

    def _follow(self) -> str:
        """SQLite keeps the log where a link leads to, and so will the next start."""
        place = followed(self._file)
        self._settle()
        self._drop_log(strict=True)
        self._changes.file = place
        self._open_anew()
        return "the link is followed; stop the service before you move it"

    def _take_up(self, on_progress: Callable[[], None]) -> str:
        """The old file stays open until the new one is known to be good."""
        found = status_of(self._file)
        if found is None or found.st_size == 0:
            raise DatabaseBusyError("it is empty; remove it, or put a copy of the database there")
        # What is spoilt cannot be settled, and may be what somebody wants to be rid of.
        with suppress(sqlite3.Error, DatabaseBusyError):
            self._settle()
        self._drop_log(strict=False)
        descriptor = lock.locked(self._file, self._file)
        try:
            upgrade(self._url, on_progress)
            lost = self._carried()
        except BaseException:
            os.close(descriptor)
            raise
        self._change_to(descriptor)
        since = f"what was told since it was written may be told again: {lost}" if lost else "with all that was told"
        return f"the new one is taken up, {since}"

    def _open_anew(self) -> str:
        """The same file, with a log of its own beside it."""
        if self._own is not None:
            self._settle()
            own, self._own = self._own, None
            self._changes.forget_log()
            own.close()
            self._drop_log(strict=False, others=True)
        self._own = self._opened()
        self._changes.note_log()
        return "it is made anew, and nothing of it is lost"

    def _change_to(self, descriptor: int) -> None:
        """Another file is the database from here on; that descriptor holds its lock."""
        new = self._opened(descriptor)
        old, self._own = self._own, new
        if old is not None:
            old.close()
        self._lock.move(descriptor)

    def _opened(self, descriptor: int | None = None) -> sqlite3.Connection:
        connection = connected(self._file, WRITING, BUSY_SECONDS)
        try:
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode = WAL")
            # Only what was read once has its log open.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
            self._check_reached(self._lock.descriptor if descriptor is None else descriptor)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_reached(self, descriptor: int) -> None:
        if not same(status_of(self._file), os.fstat(descriptor)):
            raise sqlite3.OperationalError(Change.REPLACED)

    def _kept(self) -> sqlite3.Connection:
        if self._own is None:
            raise DatabaseBusyError("nothing has it open any more; put a copy of the database there")
        return self._own

    def _settle(self) -> None:
        """All that is committed is in the file itself then, whatever becomes of the log."""
        ((busy, *_),) = self._kept().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if busy:
            raise DatabaseBusyError("somebody else reads or writes it")

    def _carried(self) -> str | None:
        """Why what was told could not be carried over into the new file, if it could not."""
        try:
            with closing(connected(self._file, WRITING, BUSY_SECONDS)) as new:
                new.isolation_level = None
                carry_over(self._kept(), new)
        except (sqlite3.Error, DatabaseBusyError) as error:
            return _told(error)
        return None

    def _drop_log(self, *, strict: bool, others: bool = False) -> None:
        """A log that is left beside another file would be read as that one's. Raises `DatabaseBusyError` if `strict`.

        Only what this process has open is known to belong to the old file; `others`: the rest does not belong there.
        """
        ours = self._changes.our_log()
        for name in LOG:
            beside = self._file.with_name(f"{self._file.name}{name}")
            if name in ours or others:
                beside.unlink(missing_ok=True)
            elif strict and status_of(beside) is not None:
                raise DatabaseBusyError(
                    f"{beside} is none of it; put the database there that it belongs to, or remove it"
                )


def _told(error: BaseException) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else why(error)
