"""The state of the simulated SIGNL4: the events that it took, what became of them, the alerts, and the people.

Every method is one atomic change and wakes all waiting threads. An event is stored when it is taken, and acts when it
is processed: `acknowledged` and `resolved` change the alerts with their external id, every `new` raises another alert.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from daemon.model.destination import DEFAULT
from daemon.model.errors import DaemonError
from daemon.model.incident import Kind
from daemon.model.signl4 import NOBODY, EventStatus
from daemon.sandbox.context import Context
from daemon.sandbox.history import Alert, AlertChange, AlertState, Event
from daemon.sandbox.outcomes import Outcome
from daemon.sandbox.people import FIRST, Duty, DutyMode, People, Person

LAST_TICK = 3155378975999999999
"""The end of the year 9999 in .NET ticks of 100 ns; ids of events and alerts count down from it."""
ALLOWED = {
    AlertState.ACKNOWLEDGED: {AlertState.OPEN},
    AlertState.CLOSED: {AlertState.OPEN, AlertState.ACKNOWLEDGED},
}
"""The states in which an alert can be acknowledged or closed."""


class NoSuchAlertError(DaemonError):
    """There is no such alert."""


class AgainstLifeCycleError(DaemonError):
    """The state of the alert does not allow the change."""


class Account:
    """All events and alerts of one SIGNL4 account."""

    def __init__(self, context: Context) -> None:
        """The context's condition variable guards the account and is notified of each change."""
        self._changed = context.changed
        self._now = context.now
        self._events: list[Event] = []
        self._waiting: deque[Event] = deque()
        self._outcomes: dict[str, Outcome] = {}
        self._alerts: dict[str, Alert] = {}
        self._changes: list[AlertChange] = []
        self.people = People()
        self.processing_delay: timedelta | None = timedelta(0)
        """From taking an event to processing it, by the sandbox's clock; `None`: until `process`. No thread waits for
        the time: whoever looks at the account afterwards finds the event processed."""
        self.instead_of_alert: Callable[[Event], EventStatus | None] = lambda _: None
        """How a `new` event ends that raises no alert; `None`: it raises one."""
        self.system_user: str | None = NOBODY
        """Who has acknowledged or closed what an event did. What the real REST API shows is not known."""

    @property
    def events(self) -> tuple[Event, ...]:
        """All accepted events, in order."""
        with self._changed:
            return tuple(self._events)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All raised alerts, in order."""
        with self._changed:
            self._catch_up()
            return tuple(self._alerts.values())

    @property
    def changes(self) -> tuple[AlertChange, ...]:
        """What people have done, in order."""
        with self._changed:
            return tuple(self._changes)

    def outcome(self, event: Event) -> Outcome:
        """What has become of the event."""
        with self._changed:
            self._catch_up()
            return self._outcomes.get(event.event_id, Outcome(EventStatus.PROCESSING, event.at))

    def take(self, payload: Mapping[str, Any], team: str) -> Event:
        """Stores an event, and processes it if there is no delay."""
        with self._changed:
            now = self._now()
            event = Event(now, _id_at(now), payload, team)
            self._events.append(event)
            self._waiting.append(event)
            self._catch_up()
            self._changed.notify_all()
            return event

    def process(self) -> None:
        """Processes all events that wait, whatever the delay."""
        with self._changed:
            while self._waiting:
                self._process(self._waiting.popleft(), self._now())
            self._changed.notify_all()

    def acknowledge(self, external_id: str, by: str = FIRST) -> None:
        """A person acknowledges the alerts with this external id. Raises as `close` does."""
        self._change_all(external_id, AlertState.ACKNOWLEDGED, by)

    def close(self, external_id: str, by: str = FIRST) -> None:
        """A person closes the alerts with this external id.

        Raises `NoSuchAlertError`, and `AgainstLifeCycleError` if none of them allows it.
        """
        self._change_all(external_id, AlertState.CLOSED, by)

    def change(self, alert_id: str, state: AlertState, person: Person) -> Alert:
        """A person acknowledges or closes one alert; returns it. Raises as `close` does."""
        with self._changed:
            alert = self.alert(alert_id)
            if alert.state not in ALLOWED[state]:
                raise AgainstLifeCycleError(f"The alert is {alert.state} already.")
            changed = self._move(alert, state, self._now(), person.user_id)
            self._changes.append(AlertChange(changed.last_modified, changed, person.name))
            self._changed.notify_all()
            return changed

    def annotate(self, alert_id: str, text: str) -> Alert:
        """Adds a text to an alert; returns the alert. Raises `NoSuchAlertError`."""
        with self._changed:
            alert = self.alert(alert_id)
            self._alerts[alert_id] = replace(alert, annotations=(*alert.annotations, text))
            self._changed.notify_all()
            return self._alerts[alert_id]

    def alert(self, alert_id: str) -> Alert:
        """The alert with this id. Raises `NoSuchAlertError`."""
        with self._changed:
            self._catch_up()
            if alert_id not in self._alerts:
                raise NoSuchAlertError(f"There is no alert {alert_id!r}.")
            return self._alerts[alert_id]

    def set_duty(self, name: str, mode: DutyMode, team: str = DEFAULT) -> None:
        """Puts a person on duty, or takes them off it; who is new joins the account."""
        with self._changed:
            self.people.set_duty(self.people.named(name), team, Duty(mode, self._now()))
            self._changed.notify_all()

    def _change_all(self, external_id: str, state: AlertState, by: str) -> None:
        with self._changed:
            alerts = [alert for alert in self.alerts if alert.external_id == external_id]
            if not alerts:
                raise NoSuchAlertError(f"There is no alert with the external id {external_id!r}.")
            allowed = [alert for alert in alerts if alert.state in ALLOWED[state]]
            for alert in allowed or alerts[-1:]:
                self.change(alert.alert_id, state, self.people.named(by))

    def _catch_up(self) -> None:
        """Processes the events whose time has come."""
        if self.processing_delay is None:
            return
        now = self._now()
        while self._waiting and (due := self._waiting[0].at + self.processing_delay) <= now:
            self._process(self._waiting.popleft(), due)

    def _process(self, event: Event, at: datetime) -> None:
        """An event with any other status than the three has no effect."""
        match event.kind:
            case Kind.NEW:
                outcome = self._raised(event, at)
            case Kind.ACKNOWLEDGED:
                outcome = Outcome(EventStatus.ACKNOWLEDGED, at, acknowledged=self._acted(event, at))
            case Kind.RESOLVED:
                outcome = Outcome(EventStatus.RESOLVED, at, closed=self._acted(event, at))
            case _:
                outcome = Outcome(EventStatus.DISCARDED, at)
        self._outcomes[event.event_id] = outcome

    def _raised(self, event: Event, at: datetime) -> Outcome:
        status = self.instead_of_alert(event)
        if status is not None:
            return Outcome(status, at)
        alert = Alert(_id_at(at), event.event_id, event.external_id, event.title, event.team, at)
        self._alerts[alert.alert_id] = alert
        return Outcome(EventStatus.RAISED, at, alert.alert_id)

    def _acted(self, event: Event, at: datetime) -> tuple[str, ...]:
        """The ids of the alerts that the event has changed."""
        state = AlertState.ACKNOWLEDGED if event.kind == Kind.ACKNOWLEDGED else AlertState.CLOSED
        meant = event.external_id, event.team
        found = [alert for alert in self._alerts.values() if (alert.external_id, alert.team) == meant]
        allowed = [alert for alert in found if event.external_id and alert.state in ALLOWED[state]]
        return tuple(self._move(alert, state, at, self.system_user).alert_id for alert in allowed)

    def _move(self, alert: Alert, state: AlertState, at: datetime, by: str | None) -> Alert:
        if state is AlertState.ACKNOWLEDGED:
            alert = replace(alert, acknowledged_at=at, acknowledged_by=(by,) if by else ())
        else:
            alert = replace(alert, closed_at=at, closed_by=by)
        self._alerts[alert.alert_id] = alert
        return alert


def _id_at(now: datetime) -> str:
    ticks = (now - datetime(1, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
    return f"{LAST_TICK - ticks:019d}_{uuid4()}"
