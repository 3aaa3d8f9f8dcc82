"""SIGNL4's REST API at the seam of the looks: holds alerts, outcomes and members, and notes what it is asked."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from daemon.model.errors import Signl4ApiError
from daemon.model.signl4 import AlertPhase, EventOutcome, EventStatus, Listed, Member, SeenAlert
from tests.support.values import NOW


def seen_alert(external_id: str = "1", phase: AlertPhase = AlertPhase.OPEN, **changes: Any) -> SeenAlert:
    """An alert that was raised now."""
    values = {"id": f"alert of {external_id}", "created_at": NOW, **changes}
    return SeenAlert(external_id=external_id, phase=phase, **values)


class FakeApi:
    """Answers as it is told to; `fails` may raise in its place."""

    def __init__(self) -> None:
        self.seen: list[SeenAlert] = []
        self.outcomes: dict[str, EventOutcome] = {}
        self.people: list[Member] = []
        self.asked: list[str] = []
        self.ahead: timedelta | None = None
        self.fails: Callable[[str], Signl4ApiError | None] = lambda _: None
        self.before: Callable[[str], None] = lambda _: None
        """Called with each request before it is answered."""

    def became(self, event_id: str, status: int = EventStatus.RAISED, **changes: Any) -> None:
        """From now on SIGNL4 says so of the event."""
        self.outcomes[event_id] = EventOutcome(status, **changes)

    def alerts(self, since: datetime | None) -> Listed:
        self._request("alerts" if since is None else f"alerts since {since}")
        open_ones = tuple(alert for alert in self.seen if alert.phase is not AlertPhase.CLOSED)
        return Listed(open_ones, NOW, with_closed=False)

    def alerts_of(self, external_id: str) -> tuple[SeenAlert, ...]:
        self._request(f"alerts of {external_id}")
        return tuple(alert for alert in self.seen if alert.external_id == external_id)

    def outcome(self, event_id: str) -> EventOutcome | None:
        self._request(f"outcome {event_id}")
        return self.outcomes.get(event_id)

    def members(self) -> tuple[Member, ...]:
        self._request("members")
        return tuple(self.people)

    def _request(self, what: str) -> None:
        self.asked.append(what)
        self.before(what)
        if (error := self.fails(what)) is not None:
            raise error
