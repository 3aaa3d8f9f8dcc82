"""Simulates SIGNL4's webhook: accepts events, raises and changes alerts, enforces rate limits.

An event is stored before it is answered. `acknowledged` and `resolved` change the alerts with their external id; every
`new` raises another alert.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from daemon.model.destination import DEFAULT
from daemon.model.incident import Kind
from daemon.sandbox.context import Context
from daemon.sandbox.exchange import Answer, Request, json_answer
from daemon.sandbox.history import Alert, AlertState, Event
from daemon.sandbox.loopback import LoopbackService
from daemon.sandbox.throttle import RateLimit, Throttle

SECRET = "96sbq49u"  # noqa: S105 - opens nothing but a sandbox
LAST_TICK = 3155378975999999999
"""The end of the year 9999 in .NET ticks of 100 ns; event ids count down from it."""
EVENT_LIMIT, EVENT_WINDOW = 150, timedelta(seconds=15)
FAULTY_LIMIT, FAULTY_WINDOW = 10, timedelta(minutes=1)
_MESSAGE = "Error raising event."


class Signl4(LoopbackService):
    """The webhook of one SIGNL4 account: a team, and more if `teams` names them."""

    keeps_bodies = True

    def __init__(
        self,
        context: Context,
        *,
        secret: str = SECRET,
        limit: int = EVENT_LIMIT,
        faulty_limit: int | None = FAULTY_LIMIT,
        port: int = 0,
    ) -> None:
        """`limit`: events in 15 s. `faulty_limit`: faulty requests in a minute; `None` for no limit."""
        super().__init__(context, port)
        self.secret = secret
        self.teams: dict[str, str] = {}
        """Further teams of the account, by their secret. Alerts are of a team, the limit is of the account."""
        self._events: list[Event] = []
        self._alerts: list[Alert] = []
        self._event_throttle = Throttle(limit, EVENT_WINDOW)
        self._faulty_throttle = Throttle(faulty_limit, FAULTY_WINDOW) if faulty_limit is not None else None

    @property
    def by_secret(self) -> dict[str, str]:
        """All teams of the account, by their secret."""
        return {self.secret: DEFAULT, **self.teams}

    @property
    def events(self) -> tuple[Event, ...]:
        """All accepted events, in order."""
        with self._changed:
            return tuple(self._events)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All raised alerts, in order."""
        with self._changed:
            return tuple(self._alerts)

    def answer(self, request: Request) -> Answer:
        """The answer of SIGNL4."""
        with self._changed:
            now = self._now()
            place, _, secret = request.path.removeprefix("/").removesuffix("/").partition("/")
            if request.method != "POST" or place != "webhook" or "/" in secret:
                return Answer(404)
            team = self.by_secret.get(secret)
            if team is None:
                details = f"An event source with ID {secret} was not found."
                return self._refusal(now, 404, {"requestId": str(uuid4()), "code": 3004, "details": details})
            try:
                payload = json.loads(request.body)
            except (ValueError, RecursionError) as error:
                return self._refusal(now, 400, _unreadable("Invalid JSON", str(error)))
            if not isinstance(payload, dict):
                return self._refusal(now, 400, _unreadable("Invalid JSON", "The body is not an object."))
            return self._event(now, payload, team)

    def _event(self, now: datetime, payload: Mapping[str, Any], team: str) -> Answer:
        allowance = self._event_throttle.spend(now)
        if not allowance.granted:
            return _throttled(allowance)
        event = Event(now, _event_id(now), payload, team)
        self._events.append(event)
        self._act(event)
        self._changed.notify_all()
        return json_answer(201, {"eventId": event.event_id}, allowance.headers)

    def _act(self, event: Event) -> None:
        """An event with any other status has no effect."""
        match event.kind:
            case Kind.NEW:
                self._alerts.append(Alert(event.event_id, event.external_id, event.title, team=event.team))
            case Kind.ACKNOWLEDGED:
                self._move(event, {AlertState.OPEN}, AlertState.ACKNOWLEDGED)
            case Kind.RESOLVED:
                self._move(event, {AlertState.OPEN, AlertState.ACKNOWLEDGED}, AlertState.CLOSED)

    def _move(self, event: Event, origins: set[AlertState], state: AlertState) -> None:
        meant = event.external_id, event.team
        for place, alert in enumerate(self._alerts):
            if event.external_id and (alert.external_id, alert.team) == meant and alert.state in origins:
                self._alerts[place] = replace(alert, state=state)

    def _refusal(self, now: datetime, status: int, document: Mapping[str, Any]) -> Answer:
        """The answer to a faulty request. Too many of them block only further faulty requests."""
        if self._faulty_throttle is not None:
            allowance = self._faulty_throttle.spend(now)
            if not allowance.granted:
                return _throttled(allowance)
        return json_answer(status, {**document, "message": _MESSAGE}, self._event_throttle.look(now).headers)


def _unreadable(message: str, details: str) -> dict[str, Any]:
    errors = [{"message": message, "details": details}]
    text = "The request body could not be parsed."
    return {"code": 1000, "details": text, "errors": errors, "requestId": str(uuid4())}


def _throttled(allowance: RateLimit) -> Answer:
    """The answer above the limit. SIGNL4 does not document its status and body; this is a plausible one."""
    details = "Too many requests."
    document = {"code": 1000, "message": _MESSAGE, "details": details, "errors": [], "requestId": str(uuid4())}
    return json_answer(429, document, allowance.headers)


def _event_id(now: datetime) -> str:
    ticks = (now - datetime(1, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
    return f"{LAST_TICK - ticks:019d}_{uuid4()}"
