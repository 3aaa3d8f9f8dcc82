"""The one alarm that does not go through the outbox: that the state cannot be written."""

from collections.abc import Callable
from datetime import datetime, timedelta

from daemon.decisions import alarm
from daemon.decisions.payload import alarm_body
from daemon.in_flight import Receiver
from daemon.model.alarm import Cause
from daemon.model.delivery import Delivered
from daemon.model.event import Event, Listener
from daemon.model.events import health as events
from daemon.model.incident import Kind
from daemon.notes import Notes


class StateAlarm:
    """`failed` and `works` are called by who writes the state, `look` by who judges it."""

    def __init__(
        self,
        signl4: Receiver,
        notes: Notes,
        poll_after: timedelta,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        log: Listener,
        host: str,
    ) -> None:
        """The arguments are those of `SelfCheck`; `poll_after`: how long the state may fail without an alarm."""
        self._signl4 = signl4
        self._notes = notes
        self._poll_after = poll_after
        self._clock = clock
        self._monotonic = monotonic
        self._log = log
        self._host = host

    def failed(self, why: str) -> None:
        """The state could not be read or written."""
        since = self._notes.state_error[:2] if self._notes.state_error else (self._monotonic(), self._clock())
        self._notes.state_error = (*since, why)

    def works(self) -> None:
        """It was read or written."""
        self._notes.state_error = None

    def look(self) -> None:
        """Raises or closes the alarm if that is due. It is tried again until SIGNL4 accepts it."""
        error = self._notes.state_error
        if error is not None and not self._notes.state_alarm_sent:
            since, at, why = error
            if self._monotonic() - since >= self._poll_after.total_seconds():
                self._notes.state_alarm_sent = self._send(Kind.NEW, alarm.state_sentence(why, at))
        elif error is None and self._notes.state_alarm_sent:
            self._notes.state_alarm_sent = not self._send(Kind.RESOLVED, "")

    def _send(self, kind: Kind, sentence: str) -> bool:
        answer = self._signl4.send(alarm_body(kind, sentence, Cause.STATE.external_id, self._host))
        taken = isinstance(answer.outcome, Delivered)
        why = None if isinstance(answer.outcome, Delivered) else answer.outcome.why
        self._log(alarm_event(Cause.STATE.external_id, kind, sentence, taken, why))
        return taken


def alarm_event(incident: str, kind: Kind, what: str, taken: bool | None = None, error: str | None = None) -> Event:
    """That an alarm was raised or closed. `taken`, `error`: what SIGNL4 said, if it was asked already."""
    happened = events.AlarmClosed if kind is Kind.RESOLVED else events.AlarmRaised
    return happened(incident, kind, what, taken, error)
