"""Watches over the program's own duty: judge, tell, and let the watchers know.

1. What keeps the program from its duty is told to SIGNL4 as an alarm, once, and closed when it is gone.
2. Where not even that can be written down, one alarm goes out all the same, past the outbox.
3. A heartbeat is sent only if all is well, so that its absence tells of a dead host, a hung process and a blocked
   outbox alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from daemon.config.settings import Settings
from daemon.decisions import alarm
from daemon.decisions.alarm import Cause
from daemon.decisions.health import but_for_odd_records, clock_sentence, line, problems
from daemon.decisions.payload import alarm_body
from daemon.model.delivery import Answer, Delivered
from daemon.model.errors import DatabaseBusyError
from daemon.model.event import Event, Listener
from daemon.model.events import duty as events
from daemon.model.events.process import ClockOff, ClockRight
from daemon.model.incident import Kind
from daemon.model.snapshot import Snapshot
from daemon.storage.incidents import Change, Incidents
from daemon.storage.outbox import Outbox


class Receiver(Protocol):
    """SIGNL4, for what cannot go through the outbox."""

    def send(self, payload: Mapping[str, Any]) -> Answer:
        """Sends one event. Does not raise for what the world does."""


class Watchers(Protocol):
    """Those who expect a sign of life."""

    def beat(self) -> list[str]:
        """Calls each. A sentence for each that did not take it."""


@dataclass(slots=True)
class Notes:
    """What it found and said so far, which outlives a change of the settings."""

    snapshot: Snapshot = field(default_factory=Snapshot)
    found: list[str] = field(default_factory=list)
    """What keeps the program from being healthy, a sentence each."""
    state_error: tuple[float, datetime, str] | None = None
    """Since when, by the monotonic clock and by the day's, and why the state cannot be written."""
    state_told: bool = False
    skew_told: bool = False
    beat_at: float | None = None
    missed: list[str] = field(default_factory=list)


class SelfCheck:
    """Looks at the whole now and then, and whenever a round ended."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        incidents: Incidents,
        outbox: Outbox,
        signl4: Receiver,
        watchers: Watchers,
        settings: Settings,
        notes: Notes,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        log: Listener,
        on_told: Callable[[], None],
    ) -> None:
        """`snapshot` raises `DatabaseBusyError`; `clock` gives aware UTC times, `monotonic` seconds."""
        self._figures = snapshot
        self._incidents = incidents
        self._outbox = outbox
        self._signl4 = signl4
        self._watchers = watchers
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._log = log
        self._on_told = on_told
        self._notes = notes

    def state_failed(self, why: str) -> None:
        """A round could not be written down."""
        since = self._notes.state_error[:2] if self._notes.state_error else (self._monotonic(), self._clock())
        self._notes.state_error = (*since, why)

    def state_works(self) -> None:
        """What a round came to, good or bad, was written down."""
        self._notes.state_error = None

    def run(self) -> bool:
        """Raises and closes alarms. Whether all is well, save for single records that cannot be read."""
        self._tell_of_state()
        now = self._clock()
        try:
            snapshot = self._figures()
            self._record(alarm.causes(snapshot, self._settings.alarm.poll_after, now), now)
            if snapshot.dead_deliveries > snapshot.dead_alerts:
                self._outbox.give_up_pointless()
        except DatabaseBusyError as error:
            self.state_failed(str(error))
            self._note([str(error)])
            return False
        waits = self._settings.poll.interval, self._settings.alarm.poll_after
        found = list(problems(snapshot, *waits, now))
        odd_records_alone = not list(problems(but_for_odd_records(snapshot), *waits, now))
        if self._notes.state_error is not None:
            found.append(f"the state cannot be written: {self._notes.state_error[2]}")
        self._notes.snapshot = snapshot
        self._note(found)
        self._tell_of_skew(snapshot, now)
        return odd_records_alone and self._notes.state_error is None

    def line(self) -> str:
        """What was found by the last look, in a line."""
        return line(self._notes.snapshot, self._notes.found, self._clock())

    def beat(self) -> None:
        """Calls the watchers, if it is time again. Only for when all is well."""
        now, interval = self._monotonic(), self._settings.heartbeat.interval.total_seconds()
        if self._notes.beat_at is not None and now - self._notes.beat_at < interval:
            return
        missed = self._watchers.beat()
        if missed != self._notes.missed:
            for sentence in missed:
                self._log(events.HeartbeatFailed(sentence))
            if not missed:
                self._log(events.HeartbeatsSucceed())
        self._notes.missed = missed
        self._notes.beat_at = now if not missed else self._notes.beat_at

    def _record(self, found: Mapping[Cause, str], now: datetime) -> None:
        known = self._incidents.known([cause.external_id for cause in Cause])
        steps = [alarm.step(known.get(cause.external_id), cause, found.get(cause), now) for cause in Cause]
        changes = []
        for after, transition in filter(None, steps):
            body = alarm_body(transition.kind, after.name, after.external_id)
            changes.append(Change(after, ((transition, body),)))
            self._log(_alarm(after.id, transition.kind, after.name))
        if changes:
            self._incidents.record(changes, now)
            self._on_told()

    def _tell_of_state(self) -> None:
        """The one alarm that does not wait for the disk. It is repeated until SIGNL4 takes it, and once only then."""
        error = self._notes.state_error
        if error is not None and not self._notes.state_told:
            since, at, why = error
            if self._monotonic() - since >= self._settings.alarm.poll_after.total_seconds():
                self._notes.state_told = self._send(Kind.NEW, alarm.state_sentence(why, at))
        elif error is None and self._notes.state_told:
            self._notes.state_told = not self._send(Kind.RESOLVED, "")

    def _send(self, kind: Kind, sentence: str) -> bool:
        answer = self._signl4.send(alarm_body(kind, sentence, Cause.STATE.external_id))
        taken = isinstance(answer.outcome, Delivered)
        why = None if isinstance(answer.outcome, Delivered) else answer.outcome.why
        self._log(_alarm(Cause.STATE.external_id, kind, sentence, taken, why))
        return taken

    def _tell_of_skew(self, snapshot: Snapshot, now: datetime) -> None:
        sentence = clock_sentence(snapshot, now)
        if sentence is not None and not self._notes.skew_told:
            self._log(ClockOff(sentence))
        elif sentence is None and self._notes.skew_told:
            self._log(ClockRight())
        self._notes.skew_told = sentence is not None

    def _note(self, found: list[str]) -> None:
        """Says so when that changes; what exactly is wrong, `status` says at any time."""
        if found and not self._notes.found:
            self._log(events.NotHealthy("; ".join(found)))
        elif self._notes.found and not found:
            self._log(events.Healthy())
        self._notes.found = found


def _alarm(incident: str, kind: Kind, what: str, taken: bool | None = None, error: str | None = None) -> Event:
    happened = events.AlarmClosed if kind is Kind.RESOLVED else events.AlarmRaised
    return happened(incident, kind, what, taken, error)
