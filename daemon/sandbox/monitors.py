"""The monitors and heartbeats of the simulated Better Stack.

Every method is one atomic change and wakes all waiting threads. A returned record never changes. An id is never used
twice, and never for one of the other kind.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.model.errors import DaemonError
from daemon.model.monitor import MonitorKind
from daemon.sandbox.context import Context
from daemon.sandbox.documents import page
from daemon.sandbox.history import MonitorAct, MonitorChange
from daemon.sandbox.monitor_record import BLANK, NAME, MonitorRecord
from daemon.sandbox.parameters import place_of
from daemon.sandbox.record import spelled_time
from daemon.sandbox.undo_log import UndoLog

FIRST_MONITOR_ID = 2345679
STANDING = (("2345678", MonitorKind.MONITOR, "Shop front page"), ("77", MonitorKind.HEARTBEAT, "Nightly backup"))
"""Those that are there at the start, for incidents that name none."""
MADE = datetime(2026, 1, 5, 8, tzinfo=UTC)
"""When they were made: each start of a sandbox has the same."""
DEFAULT_PER_PAGE, MOST_PER_PAGE = 50, 250
LISTS: Mapping[MonitorKind, str] = {
    MonitorKind.MONITOR: "/api/v2/monitors",
    MonitorKind.HEARTBEAT: "/api/v2/heartbeats",
}
SMALLEST_STEP = timedelta(milliseconds=1)


class NoSuchMonitorError(DaemonError):
    """There is none of that id, or it was deleted."""


class MonitorStateError(DaemonError):
    """It cannot be done to one that is in this state."""


class Monitors:
    """All monitors and heartbeats of one account, in the order in which they were made."""

    def __init__(self, context: Context, first_id: int = FIRST_MONITOR_ID) -> None:
        """The context's condition variable guards them. `first_id`: of the first that is added; others count on."""
        self._changed = context.changed
        self._now = context.now
        self._next_id = first_id
        self._undo_log = UndoLog[MonitorRecord]()
        self._last_change: dict[str, datetime] = {}
        self._changes: list[MonitorChange] = []
        self._records = {monitor_id: _made(kind, monitor_id, name, MADE, {}) for monitor_id, kind, name in STANDING}
        self.are_filtered = True
        """Whether a list obeys `team_name`; that Better Stack's do is not certain."""

    def add(self, name: str | None, kind: MonitorKind = MonitorKind.MONITOR, **attributes: object) -> str:
        """Makes one, with these attributes in place of the usual ones; returns its id."""
        with self._changed:
            monitor_id, now = str(self._next_id), self._now()
            self._next_id += 1
            self._put(_made(kind, monitor_id, name, now, attributes), MonitorAct.ADDED, now)
            return monitor_id

    def pause(self, monitor_id: str) -> None:
        """A person pauses it. Raises `NoSuchMonitorError`, `MonitorStateError`."""
        with self._changed:
            record, now = self._running(monitor_id), self._moment(monitor_id)
            self._put(record.paused(now), MonitorAct.PAUSED, now)

    def unpause(self, monitor_id: str, status: str = "up") -> None:
        """A person lets it go on. Raises `NoSuchMonitorError`, `MonitorStateError`."""
        with self._changed:
            record, now = self.record(monitor_id), self._moment(monitor_id)
            if not record.is_paused:
                raise MonitorStateError(f"The {record.kind} is not paused")
            self._put(record.unpaused(now, status), MonitorAct.UNPAUSED, now)

    def set_status(self, monitor_id: str, word: str | None) -> None:
        """Its status becomes this word, by itself: `maintenance`, `pending`, `down` or any other; `None` for none.

        Raises `NoSuchMonitorError`, `MonitorStateError`.
        """
        with self._changed:
            record, now = self._running(monitor_id), self._moment(monitor_id)
            self._put(record.changed({"status": word}), MonitorAct.RESTATED, now)

    def update(self, monitor_id: str, /, **attributes: object) -> None:
        """A person changes these attributes. Raises `NoSuchMonitorError`."""
        with self._changed:
            record, now = self.record(monitor_id), self._moment(monitor_id)
            self._put(record.updated(now, attributes), MonitorAct.UPDATED, now)

    def delete(self, monitor_id: str) -> None:
        """A person deletes it. Incidents that it raised still name it. Raises `NoSuchMonitorError`."""
        with self._changed:
            record, now = self.record(monitor_id), self._moment(monitor_id)
            self._undo_log.note(now, monitor_id, record)
            del self._records[monitor_id]
            self._happened(record, MonitorAct.DELETED, now)

    def record(self, monitor_id: str, as_of: datetime | None = None) -> MonitorRecord:
        """The record, now or as of a time in the last minute. Raises `NoSuchMonitorError`."""
        with self._changed:
            records = self._as_of(as_of)
            if monitor_id not in records:
                raise NoSuchMonitorError("Resource with provided ID was not found")
            return records[monitor_id]

    def records(self, as_of: datetime | None = None) -> tuple[MonitorRecord, ...]:
        """All records, now or as of a time in the last minute, by their ids."""
        with self._changed:
            return tuple(sorted(self._as_of(as_of).values(), key=lambda record: int(record.id)))

    def source(self, kind: MonitorKind, monitor_id: str | None = None) -> tuple[str, str]:
        """The type and the id of what raises an incident: this one, else the first of that kind.

        Both are empty if there is none. Raises `NoSuchMonitorError` if the one that is named is not there.
        """
        if monitor_id is not None:
            return str(self.record(monitor_id).kind), monitor_id
        found = next((record.id for record in self.records() if record.kind is kind), "")
        return (str(kind), found) if found else ("", "")

    def page(self, kind: MonitorKind, query: Mapping[str, str], as_of: datetime | None = None) -> dict[str, Any]:
        """One page of a list. Raises `RefusedError`."""
        number, per_page = place_of(query, DEFAULT_PER_PAGE, MOST_PER_PAGE)
        team = query.get("team_name") if self.are_filtered else None
        found = [
            record
            for record in self.records(as_of)
            if record.kind is kind and team in (None, record.attributes.get("team_name"))
        ]
        here = [record.document(as_of or self._now()) for record in found[(number - 1) * per_page : number * per_page]]
        return page(LISTS[kind], here, number, max(1, -(-len(found) // per_page)))

    @property
    def changes(self) -> tuple[MonitorChange, ...]:
        """All changes, in order; those that are there at the start are none."""
        with self._changed:
            return tuple(self._changes)

    def _as_of(self, moment: datetime | None) -> Mapping[str, MonitorRecord]:
        return self._records if moment is None else self._undo_log.as_of(moment, self._records)

    def _moment(self, monitor_id: str) -> datetime:
        """Now, or a little later: a record cannot distinguish two changes in the same millisecond."""
        last = self._last_change.get(monitor_id)
        return self._now() if last is None else max(self._now(), last + SMALLEST_STEP)

    def _running(self, monitor_id: str) -> MonitorRecord:
        record = self.record(monitor_id)
        if record.is_paused:
            raise MonitorStateError(f"The {record.kind} is paused")
        return record

    def _put(self, record: MonitorRecord, act: MonitorAct, at: datetime) -> None:
        self._undo_log.note(at, record.id, self._records.get(record.id))
        self._records[record.id] = record
        self._happened(record, act, at)

    def _happened(self, record: MonitorRecord, act: MonitorAct, at: datetime) -> None:
        self._last_change[record.id] = at
        status = str(record.attributes.get("status") or "")
        self._changes.append(MonitorChange(at, record.kind, record.id, record.name, act, status))
        self._changed.notify_all()


def _made(
    kind: MonitorKind, monitor_id: str, name: str | None, at: datetime, attributes: Mapping[str, object]
) -> MonitorRecord:
    times = {"created_at": spelled_time(at), "updated_at": spelled_time(at)}
    return MonitorRecord(kind, monitor_id, {**BLANK[kind], NAME[kind]: name, **times, **attributes})
