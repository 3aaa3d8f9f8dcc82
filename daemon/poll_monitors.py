"""One look at what Better Stack watches: read, decide, record; first the alerts that follow, then what was seen.

1. A list that fails proves nothing and opens no alert, and one that lacks a monitor proves nothing about it: its own
   record is looked up, and only when that says twice that there is none, it is deleted.
2. The alerts that follow are committed before what was seen. After a crash between the two the next look sees the same
   again, so that no alert is lost; one that is open by then is not raised twice.
3. What is not looked at any more has no alert: those that are open are closed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol

from daemon.config.monitors import SWITCHES
from daemon.config.settings import Settings
from daemon.decisions import monitor_alerts
from daemon.decisions.monitor_alerts import OVER, TOLD_FOR
from daemon.decisions.monitors import Observed, gone, observe, patience
from daemon.decisions.reconcile import Decision
from daemon.model.errors import BetterStackError
from daemon.model.event import Listener
from daemon.model.events import monitors as events
from daemon.model.incident import Absence, Incident, IncidentState
from daemon.model.monitor import Monitor, MonitorChange, MonitorKind, MonitorList, MonitorState
from daemon.recording import Recording
from daemon.storage.incidents import Incidents
from daemon.storage.monitors import MonitorRecords

AT_ONCE = 100
"""Alerts in one transaction."""
MOST_LOOKUPS = 10
"""In one look. A list of another team's token lacks all of them."""


class Lists(Protocol):
    """Better Stack, as a look uses it. Each method raises `BetterStackError`."""

    def listed(self, kind: MonitorKind) -> MonitorList:
        """The whole list."""

    def lookup(self, kind: MonitorKind, monitor_id: str) -> Monitor | Absence:
        """One record."""


@dataclass(slots=True)
class _Seen:
    """What one look has read of one kind."""

    observed: list[Observed]
    read_at: datetime
    """When the list was read to its end."""
    failed: BetterStackError | None = None
    """Why not all of those were looked up that it lacks."""


class PollMonitors:
    """Called by the thread of the job `monitors`."""

    def __init__(
        self,
        lists: Lists,
        records: MonitorRecords,
        incidents: Incidents,
        recording: Recording,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        log: Listener,
    ) -> None:
        """`clock` gives aware UTC times. `recording` tells whom the routes name, and commits."""
        self._lists = lists
        self._records = records
        self._incidents = incidents
        self._recording = recording
        self._section = settings.monitors
        self._gone_after = settings.poll.gone_after
        self._clock = clock
        self._log = log
        self._looked_up = dict.fromkeys(MonitorKind, "")
        """The last of each kind that was looked up since lists lacked it: the next look goes on behind it."""

    def look(self) -> None:
        """Looks at all lists. Raises `BetterStackError`, `DatabaseBusyError`, `StoppedError`."""
        failures = [error for error in map(self._look_at, MonitorKind) if error is not None]
        if failures:
            raise failures[0]

    def _look_at(self, kind: MonitorKind) -> BetterStackError | None:
        """Returns what failed."""
        if kind not in self._section.kinds:
            self._tell(kind, {}, begins=True, over=f"{SWITCHES[kind]} is off: {kind}s are not looked at any more")
            return None
        known = self._records.known(kind)
        try:
            seen = self._read(kind, known)
        except BetterStackError as error:
            self._tell(kind, self._wanted(kind, known, ()), begins=False)
            return error
        states = known | {one.after.id: one.after for one in seen.observed}
        changes = [change for one in seen.observed for change in one.changes]
        self._tell(kind, self._wanted(kind, states, changes), begins=True)
        self._records.record(kind, [one for one in states.values() if one != known.get(one.id)], changes, seen.read_at)
        for change in changes:
            state = states[change.id]
            self._log(events.MonitorChanged(state.key, state.name, change.what, change.detail or None))
        return seen.failed

    # -- what is seen -------------------------------------------------------------------------------------------------

    def _read(self, kind: MonitorKind, known: Mapping[str, MonitorState]) -> _Seen:
        """Raises the error of the list; keeps that of a lookup, which keeps nothing else from being recorded."""
        listed_at = self._records.looks().read_at(kind)
        listed = self._lists.listed(kind)
        seen = _Seen([], read_at=self._clock())
        there = {one.id for one in listed.monitors}
        missing = sorted(one.id for one in known.values() if one.deleted_at is None and one.id not in there)
        for monitor_id in self._next(kind, missing):
            wait = patience(known[monitor_id], known.values(), there, self._gone_after)
            try:
                seen.observed.append(self._look_up(known[monitor_id], listed_at, wait))
            except BetterStackError as error:
                seen.failed = error
                break
        # After the lookups, so that what is listed for the first time was not known at the time of their answers.
        now = self._clock()
        seen.observed += [observe(known.get(one.id), one, now, listed_at) for one in listed.monitors]
        return seen

    def _next(self, kind: MonitorKind, missing: list[str]) -> list[str]:
        """Those that are looked up now: in turn, if there are too many for one look."""
        last = self._looked_up[kind]
        return [*(one for one in missing if one > last), *(one for one in missing if one <= last)][:MOST_LOOKUPS]

    def _look_up(self, before: MonitorState, listed_at: datetime | None, wait: timedelta) -> Observed:
        # Also if it fails: one that always does keeps no other from its turn.
        self._looked_up[before.kind] = before.id
        found = self._lists.lookup(before.kind, before.id)
        if isinstance(found, Monitor):
            return observe(before, found, self._clock(), listed_at)
        # One that cannot be read is there all the same.
        no_such = found is Absence.NO_SUCH_RECORD
        return gone(before, self._clock(), wait) if no_such else Observed(replace(before, gone_since=None))

    # -- what follows -------------------------------------------------------------------------------------------------

    def _wanted(
        self, kind: MonitorKind, states: Mapping[str, MonitorState], changes: Iterable[MonitorChange]
    ) -> Mapping[str, Incident]:
        """The alerts that are to be open, by their ids. `changes`: those that are not recorded yet."""
        now = self._clock()
        latest = self._records.latest(kind, now - TOLD_FOR)
        for change in changes:
            latest.setdefault(change.id, {})[change.what] = change
        deleted = [one.key for one in states.values() if one.deleted_at is not None]
        still_open = self._records.open_incidents(deleted) if deleted else {}
        found = (
            monitor_alerts.alerts(one, self._section, still_open.get(one.key, 0), latest.get(one.id, {}), now)
            for one in states.values()
        )
        return {alert.id: alert for alert in chain.from_iterable(found)}

    def _tell(self, kind: MonitorKind, wanted: Mapping[str, Incident], *, begins: bool, over: str = OVER) -> None:
        """`begins`: whether alerts may begin; those that are not wanted end in any case, since they are `over`."""
        now = self._clock()
        still_open = {id_: one for id_, one in self._records.open_alerts().items() if id_.startswith(f"{kind}-")}
        known = self._incidents.known(wanted.keys() - still_open.keys()) | still_open
        decided = list[tuple[IncidentState | None, Incident, Decision]]()
        for identity in sorted(wanted.keys() | still_open.keys()):
            before, seen = known.get(identity), wanted.get(identity)
            if seen is not None and not begins:
                continue
            if (decision := monitor_alerts.decide(before, seen, now, over)) is not None:
                decided.append((before, seen or decision.after.as_incident(), decision))
        # Rounds wait for no more than one of these transactions.
        for first in range(0, len(decided), AT_ONCE):
            self._recording.apply(decided[first : first + AT_ONCE], now)
