"""Checks whether the program itself works: judge, raise alarms, send heartbeats.

1. Each cause that keeps the program from its work raises one alarm at SIGNL4, which is closed when the cause is gone.
2. If the database cannot be written, the alarm about that is sent past the outbox.
3. A heartbeat is sent only while all is well. Its absence covers a dead host, a hung process and a blocked outbox.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from daemon.config.settings import Settings
from daemon.decisions import alarm
from daemon.decisions.health import but_for_odd_records, clock_sentence, line, problems
from daemon.decisions.payload import alarm_body
from daemon.in_flight import Receiver
from daemon.model.alarm import AnyCause, Cause, SourceCause
from daemon.model.errors import DatabaseBusyError
from daemon.model.event import Listener
from daemon.model.events import health as events
from daemon.model.events.process import ClockOff, ClockRight
from daemon.model.snapshot import Snapshot
from daemon.notes import Notes
from daemon.state_alarm import StateAlarm, alarm_event
from daemon.storage.incidents import Change, Incidents, Message
from daemon.storage.outbox import Outbox


class Watchers(Protocol):
    """The services that expect the heartbeat."""

    def send(self) -> list[str]:
        """Sends it to each. A sentence for each that did not accept it."""


class SelfCheck:
    """Run by the job `self-check`, in its thread: after each pass of the deliveries, and each round with something new.

    `state_failed`, `state_works`, `saw` and `is_due` are called by the rounds of any account, `line` by the main
    thread.
    """

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
        on_queued: Callable[[], None],
        host: str,
    ) -> None:
        """`snapshot` raises `DatabaseBusyError`; `clock` gives aware UTC times, `monotonic` seconds.

        `host`: the name of this machine, for the titles of alarms.
        """
        self._snapshot = snapshot
        self._incidents = incidents
        self._outbox = outbox
        self._watchers = watchers
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._log = log
        self._on_queued = on_queued
        self._notes = notes
        self._host = host
        self._state_alarm = StateAlarm(
            signl4, notes, settings.alarm.poll_after, clock=clock, monotonic=monotonic, log=log, host=host
        )

    def state_failed(self, why: str) -> None:
        """A round could not be recorded."""
        self._state_alarm.failed(why)

    def state_works(self) -> None:
        """The result of a round, good or bad, was recorded."""
        self._state_alarm.works()

    def saw(self, snapshot: Snapshot) -> None:
        """What a round read at its end."""
        self._notes.snapshot = snapshot

    def is_due(self, seen: Snapshot | None) -> bool:
        """Whether there is anything to do or to say after a round.

        `seen`: what it read at its end; `None`: it did not come that far.
        """
        notes, now = self._notes, self._clock()
        if seen is None or notes.found or notes.state_error is not None or notes.state_alarm_sent:
            return True
        to_close = seen.open_alarms or seen.dead_deliveries > seen.dead_alerts
        news = to_close or self._causes(seen, now) or self._wrong(seen, now) or self._skew_is_news(seen, now)
        return bool(news) or (bool(self._settings.heartbeat.urls) and self._heartbeat_is_due())

    def run(self) -> bool:
        """Raises and closes alarms. Whether all is well; records that were set aside do not count."""
        self._state_alarm.look()
        now = self._clock()
        try:
            snapshot = self._snapshot()
            found = self._causes(snapshot, now)
            if found or snapshot.open_alarms:
                self._record(found, snapshot.open_alarms, now)
            if snapshot.dead_deliveries > snapshot.dead_alerts:
                self._outbox.supersede_obsolete(now)
        except DatabaseBusyError as error:
            self.state_failed(str(error))
            self._note([str(error)])
            return False
        wrong = self._wrong(snapshot, now)
        odd_records_alone = not wrong or not self._wrong(but_for_odd_records(snapshot), now)
        if self._notes.state_error is not None:
            wrong.append(f"the state cannot be written: {self._notes.state_error[2]}")
        self._notes.snapshot = snapshot
        self._note(wrong)
        self._log_skew(snapshot, now)
        return odd_records_alone and self._notes.state_error is None

    def line(self) -> str:
        """One line about the last check."""
        return line(self._notes.snapshot, self._notes.found, self._clock())

    def send_heartbeats(self) -> None:
        """Sends the heartbeats, if they are due. Called only while all is well."""
        if not self._heartbeat_is_due():
            return
        now, missed = self._monotonic(), self._watchers.send()
        if missed != self._notes.missed:
            for sentence in missed:
                self._log(events.HeartbeatFailed(sentence))
            if not missed:
                self._log(events.HeartbeatsSucceed())
        self._notes.missed = missed
        self._notes.heartbeat_at = now if not missed else self._notes.heartbeat_at

    def _heartbeat_is_due(self) -> bool:
        interval, sent_at = self._settings.heartbeat.interval.total_seconds(), self._notes.heartbeat_at
        return sent_at is None or self._monotonic() - sent_at >= interval

    def _causes(self, snapshot: Snapshot, now: datetime) -> Mapping[AnyCause, str]:
        return alarm.causes(snapshot, self._settings.alarm.poll_after, now)

    def _wrong(self, snapshot: Snapshot, now: datetime) -> list[str]:
        poll, alarms, duty = self._settings.poll, self._settings.alarm, self._settings.duty
        return list(problems(snapshot, poll.interval, alarms.poll_after, now, warn_after=duty.warn_after))

    def _record(self, found: Mapping[AnyCause, str], is_open: Iterable[str], now: datetime) -> None:
        of_sources = filter(None, map(SourceCause.of, is_open))
        every: Iterable[AnyCause] = dict.fromkeys((*Cause, *found, *of_sources))
        known = self._incidents.known([cause.external_id for cause in every])
        team = self._settings.alarm.team
        found_changes = [
            alarm.change(known.get(cause.external_id), cause, found.get(cause), now, team) for cause in every
        ]
        changes = []
        for after, transition in filter(None, found_changes):
            body = alarm_body(transition.kind, after.name, after.external_id, self._host)
            changes.append(Change(after, tuple(Message(transition, body, one.team) for one in after.recipients)))
            self._log(alarm_event(after.id, transition.kind, after.name))
        if changes:
            self._incidents.record(changes, now)
            self._on_queued()

    def _log_skew(self, snapshot: Snapshot, now: datetime) -> None:
        if self._skew_is_news(snapshot, now):
            sentence = clock_sentence(snapshot, now)
            self._log(ClockRight() if sentence is None else ClockOff(sentence))
            self._notes.skew_logged = sentence is not None

    def _skew_is_news(self, snapshot: Snapshot, now: datetime) -> bool:
        return (clock_sentence(snapshot, now) is not None) is not self._notes.skew_logged

    def _note(self, found: list[str]) -> None:
        """Logs a change between healthy and not healthy; `status` names the problems at any time."""
        if found and not self._notes.found:
            self._log(events.NotHealthy("; ".join(found)))
        elif self._notes.found and not found:
            self._log(events.Healthy())
        self._notes.found = found
