"""Guards the database file of a running process: its lock, and that the path still leads to the open file.

1. A removed or moved file is restored under its path, with everything recorded, as soon as that is noticed.
2. A replacement file is adopted, and what was recorded since it was written is merged into it.
3. Until the repair nothing is read or written, so nothing is sent that the next start would not know of.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from daemon.model.errors import DaemonError, DatabaseBusyError, DatabaseUnusableError
from daemon.model.event import Listener
from daemon.model.events import process as events
from daemon.storage import lock
from daemon.storage.backup import new_name, written
from daemon.storage.changes import LOG, Change, Changes
from daemon.storage.gate import Gate
from daemon.storage.lock import Lock
from daemon.storage.merge import merge
from daemon.storage.safe_path import MEND, link_open_file, resolved, same_file, status_of
from daemon.storage.sqlite import BUSY_SECONDS, WRITING, connected, why
from daemon.storage.upgrade import upgrade


class FileGuard:
    """Holds one connection of its own, so that the file survives the removal of its name."""

    def __init__(self, url: str, engine: Engine, held: Lock) -> None:
        """`held` moves to a file that is adopted. Raises `DatabaseUnusableError`."""
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

    def repair(self, log: Listener, on_progress: Callable[[], None]) -> None:
        """Detects and repairs a change of the file. Raises `DatabaseBusyError`; then all access is blocked until a
        later call succeeds.

        `on_progress` is called while an adopted file is upgraded.
        """
        change: Change | None = None
        file = str(self._file)
        try:
            change = self._changes.latest()
            done = self._repaired(change, on_progress) if change or not self._own else None
        except (OSError, sqlite3.Error, DaemonError) as error:
            sentence = f"{change or 'the database file cannot be kept'}: {file}: {why(error)}"
            self._gate.block(sentence)
            raise DatabaseBusyError(sentence) from None
        self._gate.block(None)
        if change:
            log(events.DatabaseFileChanged(str(change), file, done))

    def note_checkpoint(self, at: datetime) -> None:
        """Notes for `status` when the log was last checkpointed whole. `at`: aware."""
        if self._lock.note is not None:
            self._lock.note.add_checkpoint(at)

    def close(self) -> None:
        """Closes all connections, after a last repair of the file if that is needed."""
        with suppress(OSError, sqlite3.Error, DaemonError):
            if change := self._changes.latest():
                self._repaired(change, lambda: None)
        self.engine.dispose()
        if self._own is not None:
            self._own.close()

    def _check(self, connection: DBAPIConnection, _record: object) -> None:
        """Refuses a new connection to another file, or to the same file with another WAL: that would damage both.

        Raises `sqlite3.OperationalError`.
        """
        try:
            wrong = self._changes.latest()
        except OSError as error:
            connection.close()
            raise sqlite3.OperationalError(why(error)) from None
        if wrong:
            connection.close()
            raise sqlite3.OperationalError(wrong)

    def _repaired(self, change: Change | None, on_progress: Callable[[], None]) -> str:
        """Repairs the change; returns what was done. Raises `OSError`, SQLite's errors, and the program's own."""
        with self._gate.exclusive():
            self.engine.dispose()
            match change:
                case Change.REMOVED:
                    return self._restore_removed()
                case Change.MOVED:
                    return self._restore_moved()
                case Change.REPLACED:
                    return self._adopt(on_progress)
                case Change.LINKED:
                    return self._follow_link()
                case _:
                    return self._reopen()

    def _restore_removed(self) -> str:
        """The file has no name left: copies its content to a new file under the path."""
        own = self._kept()
        self._remove_log(strict=True)
        part = new_name(self._file)
        descriptor = written(own, part)
        try:
            lock.take(descriptor, self._file)
            # Unlike a rename, a link never overwrites a file that was put there meanwhile.
            os.link(part, self._file)
        except BaseException:
            os.close(descriptor)
            raise
        finally:
            part.unlink()
        self._switch_to(descriptor)
        return "it is written back, and nothing of it is lost"

    def _restore_moved(self) -> str:
        """The file was renamed: links it to its path again. Moving it back later then changes nothing."""
        self._checkpoint()
        self._remove_log(strict=True)
        link_open_file(self._lock.descriptor, self._file)
        self._reopen()
        return "it has its name again, beside the other one; stop the service before you move it"

    def _follow_link(self) -> str:
        """The path is now a link to the file: uses its target, as SQLite does for the WAL, and the next start too."""
        place = resolved(self._file)
        self._checkpoint()
        self._remove_log(strict=True)
        self._changes.file = place
        self._reopen()
        return "the link is followed; stop the service before you move it"

    def _adopt(self, on_progress: Callable[[], None]) -> str:
        """Adopts the replacement file. The old file stays open until the new one proves usable."""
        found = status_of(self._file)
        if found is None or found.st_size == 0:
            raise DatabaseBusyError("it is empty; remove it, or put a copy of the database there")
        # A damaged file cannot be checkpointed, and may be the reason for the replacement.
        with suppress(sqlite3.Error, DatabaseBusyError):
            self._checkpoint()
        self._remove_log(strict=False)
        descriptor = lock.locked(self._file, self._file)
        try:
            upgrade(self._url, on_progress)
            lost = self._merge_failure()
        except BaseException:
            os.close(descriptor)
            raise
        self._switch_to(descriptor)
        since = f"what was told since it was written may be told again: {lost}" if lost else "with all that was told"
        return f"the new one is taken up, {since}"

    def _reopen(self) -> str:
        """Reopens the same file with a new WAL."""
        if self._own is not None:
            self._checkpoint()
            own, self._own = self._own, None
            self._changes.forget_log()
            own.close()
            self._remove_log(strict=False, others=True)
        self._own = self._opened()
        self._changes.note_log()
        return "it is made anew, and nothing of it is lost"

    def _switch_to(self, descriptor: int) -> None:
        """Switches to another database file; `descriptor` holds its lock."""
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
            # SQLite opens the WAL at the first read.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
            self._check_reached(self._lock.descriptor if descriptor is None else descriptor)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_reached(self, descriptor: int) -> None:
        if not same_file(status_of(self._file), os.fstat(descriptor)):
            raise sqlite3.OperationalError(Change.REPLACED)

    def _kept(self) -> sqlite3.Connection:
        if self._own is None:
            raise DatabaseBusyError("nothing has it open any more; put a copy of the database there")
        return self._own

    def _checkpoint(self) -> None:
        """Checkpoints the WAL, so that the file is complete without it. Raises SQLite's errors, `DatabaseBusyError`."""
        ((busy, *_),) = self._kept().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if busy:
            raise DatabaseBusyError("somebody else reads or writes it")

    def _merge_failure(self) -> str | None:
        """Merges the old file into the new one; returns why that failed, or `None`."""
        try:
            with closing(connected(self._file, WRITING, BUSY_SECONDS)) as new:
                new.isolation_level = None
                merge(self._kept(), new)
        except (sqlite3.Error, DatabaseBusyError) as error:
            return why(error)
        return None

    def _remove_log(self, *, strict: bool, others: bool = False) -> None:
        """Removes the old file's WAL: left there, it would be read as that of the new file.

        Only a log that this process has open surely belongs to the old file. Another one is removed with `others`, and
        with `strict` raises `DatabaseBusyError`.
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
