"""The state of the simulated Better Stack: incidents, their history, what a client was shown of it, and monitors.

Every method is one atomic change and wakes all waiting threads. No two changes of an incident have the same time. A
returned record never changes. An id is never used twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from daemon.model.errors import DaemonError
from daemon.model.incident import Phase
from daemon.model.monitor import MonitorKind
from daemon.sandbox.context import Context
from daemon.sandbox.history import Act, Happening, Showing
from daemon.sandbox.monitors import FIRST_MONITOR_ID, SMALLEST_STEP, Monitors
from daemon.sandbox.record import BLANK, TEAM, Record, spelled_time
from daemon.sandbox.undo_log import UndoLog

FIRST_ID = 1030000001


class NoSuchIncidentError(DaemonError):
    """There is no such incident, or it was deleted."""


class AlreadyDoneError(DaemonError):
    """The incident is already in that phase or a later one; the text is Better Stack's."""


class World:
    """All incidents of one Better Stack account."""

    def __init__(self, context: Context, first_id: int = FIRST_ID) -> None:
        """The context's condition variable guards the world and is notified of each change.

        `first_id`: of the first incident; the others count on, and new monitors are as far from the first of theirs.
        """
        self.monitors = Monitors(context, FIRST_MONITOR_ID + first_id - FIRST_ID)
        self._changed = context.changed
        self._now = context.now
        self._last_change: dict[str, datetime] = {}
        self._records: dict[str, Record] = {}
        self._undo_log = UndoLog[Record]()
        self._next_id = first_id
        self._history: list[Happening] = []
        self._showings: dict[tuple[str, int, Phase], Showing] = {}

    def open(
        self,
        name: str | None,
        *,
        cause: str | None = "Status 503",
        url: str | None = "https://shop.example.com/",
        status: str | None = "Started",
        metadata: Mapping[str, Any] | None = None,
        started_at: datetime | None = None,
        team_name: str = TEAM,
        call: bool = False,
        source_id: str | None = None,
    ) -> str:
        """Opens an incident; returns its id.

        `source_id`: of the monitor or heartbeat that raises it; else it is the first monitor, without a `url` the first
        heartbeat. Raises `NoSuchMonitorError`.
        """
        with self._changed:
            source = self.monitors.source(MonitorKind.MONITOR if url else MonitorKind.HEARTBEAT, source_id)
            incident_id, now = str(self._next_id), self._now()
            self._next_id += 1
            given: dict[str, Any] = {"name": name, "cause": cause, "url": url, "http_method": "get" if url else None}
            given |= {"status": status, "team_name": team_name, "metadata": dict(metadata or {}), "call": call}
            given |= {"started_at": spelled_time(started_at or now)} | _times_implied(status, now)
            self._put(Record(incident_id, team_name, 1, {**BLANK, **given}, source), Act.OPENED, now)
            return incident_id

    def confirm(self, incident_id: str) -> None:
        """Confirms an unconfirmed incident, as a second failed check does."""
        with self._changed:
            record = self.record(incident_id)
            if record.phase is not Phase.UNCONFIRMED:
                raise AlreadyDoneError("Incident was already confirmed")
            self._put(record.changed(status="Started"), Act.CONFIRMED, self._moment(incident_id))

    def acknowledge(self, incident_id: str, by: str | None = None) -> Record:
        """Acknowledges an incident. While its recovery is being validated, the status does not show that."""
        with self._changed:
            record, now = self._unresolved(incident_id), self._moment(incident_id)
            if record.phase is Phase.ACKNOWLEDGED:
                raise AlreadyDoneError("Incident was already acknowledged")
            return self._put(record.acknowledged(now, by), Act.ACKNOWLEDGED, now, by)

    def resolve(self, incident_id: str, by: str | None = None) -> Record:
        """Resolves an incident."""
        with self._changed:
            record, now = self._unresolved(incident_id), self._moment(incident_id)
            return self._put(record.resolved(now, by), Act.RESOLVED, now, by)

    def reopen(self, incident_id: str, by: str | None = None, *, keep_times: bool) -> Record:
        """Reopens an incident under the same id, in one of the two known forms of a reopened record."""
        with self._changed:
            record, now = self.record(incident_id), self._moment(incident_id)
            if record.phase is not Phase.RESOLVED:
                raise AlreadyDoneError("Incident is not resolved")
            if keep_times:
                return self._put(record.reopened(now, by), Act.REOPENED, now, by)
            return self._put(record.reopened_afresh(), Act.REOPENED_AFRESH, now, by)

    def delete(self, incident_id: str) -> None:
        """Deletes the record; its id answers "not found" from now on."""
        with self._changed:
            record, now = self.record(incident_id), self._moment(incident_id)
            self._undo_log.note(now, incident_id, record)
            del self._records[incident_id]
            self._happened(record, Act.DELETED, now)

    def set_status(self, incident_id: str, word: str | None) -> None:
        """Sets another word for the status of an unresolved incident; `None` for no status."""
        with self._changed:
            self._put(self._unresolved(incident_id).changed(status=word), Act.RESTATED, self._moment(incident_id))

    def record(self, incident_id: str, as_of: datetime | None = None) -> Record:
        """The record, now or as of a time in the last minute. Raises `NoSuchIncidentError`."""
        with self._changed:
            records = self._as_of(as_of)
            if incident_id not in records:
                raise NoSuchIncidentError("Resource with provided ID was not found")
            return records[incident_id]

    @property
    def records(self) -> tuple[Record, ...]:
        """All records, newest first."""
        return self.records_as_of(None)

    def records_as_of(self, moment: datetime | None) -> tuple[Record, ...]:
        """All records, newest first, now or as of a time in the last minute."""
        with self._changed:
            records = self._as_of(moment).values()
            by_start = sorted(records, key=lambda record: (record.attributes["started_at"], record.id))
            return tuple(reversed(by_start))

    def _as_of(self, moment: datetime | None) -> Mapping[str, Record]:
        return self._records if moment is None else self._undo_log.as_of(moment, self._records)

    @property
    def history(self) -> tuple[Happening, ...]:
        """All changes, in order."""
        with self._changed:
            return tuple(self._history)

    @property
    def showings(self) -> tuple[Showing, ...]:
        """What clients were shown: for each generation and phase the first time, the last time and the count."""
        with self._changed:
            return tuple(self._showings.values())

    def show(self, showings: Iterable[Showing]) -> None:
        """Records what a client has read."""
        with self._changed:
            for showing in showings:
                key = showing.incident_id, showing.generation, showing.phase
                first = self._showings.get(key)
                again = first and replace(first, until=showing.at, times=first.times + 1)
                self._showings[key] = again or showing
            self._changed.notify_all()

    def _moment(self, incident_id: str) -> datetime:
        """Now, or a little later: a record cannot distinguish two changes in the same millisecond."""
        return max(self._now(), self._last_change[incident_id] + SMALLEST_STEP)

    def _unresolved(self, incident_id: str) -> Record:
        record = self.record(incident_id)
        if record.phase is Phase.RESOLVED:
            raise AlreadyDoneError("Incident was already resolved")
        return record

    def _put(self, record: Record, act: Act, at: datetime, by: str | None = None) -> Record:
        self._undo_log.note(at, record.id, self._records.get(record.id))
        self._records[record.id] = record
        self._happened(record, act, at, by)
        return record

    def _happened(self, record: Record, act: Act, at: datetime, by: str | None = None) -> None:
        phase = Phase.RESOLVED if act is Act.DELETED else record.phase
        name = record.attributes["name"] or ""
        self._last_change[record.id] = at
        self._history.append(Happening(at, record.id, record.generation, name, act, phase, by))
        self._changed.notify_all()


def _times_implied(status: str | None, now: datetime) -> dict[str, str]:
    """The time attribute that an incident needs if it is opened in a later phase."""
    match (status or "").lower():
        case "acknowledged" | "resolved" as phase:
            return {f"{phase}_at": spelled_time(now)}
        case _:
            return {}
