"""Alerts of SIGNL4 at the seam of the flow that writes back, and SIGNL4 as it shows them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from daemon.model.errors import Signl4ApiError
from daemon.model.incident import Kind, Phase
from daemon.model.signl4 import AlertPhase, Listed, Member, SeenAlert
from daemon.model.two_way import Sent, Watched
from tests.support.values import NOW

JANE, JOHN = "f0bd5063", "0a1b2c3d"
NAMES = {JANE: "Jane Doe", JOHN: "John Smith"}
OPEN, ACKNOWLEDGED, CLOSED = AlertPhase


def alert(external_id: str = "1", **changes: Any) -> SeenAlert:
    """An alert of now."""
    values: dict[str, Any] = {"id": f"alert of {external_id}", "phase": OPEN, "created_at": NOW, **changes}
    return SeenAlert(external_id=external_id, **values)


def acknowledged(external_id: str = "1", *by: str, **changes: Any) -> SeenAlert:
    """One that was acknowledged, now."""
    done = {"phase": ACKNOWLEDGED, "acknowledged_at": NOW, "acknowledged_by": by or (JANE,)}
    return alert(external_id, **{**done, **changes})


def closed(external_id: str = "1", by: str | None = JANE, **changes: Any) -> SeenAlert:
    """One that was closed, now."""
    return alert(external_id, **{"phase": CLOSED, "closed_at": NOW, "closed_by": by, **changes})


def sent(kind: Kind = Kind.NEW, team: str = "default", **changes: Any) -> Sent:
    """A message that was sent now."""
    return Sent(kind, team, **{"attempted": True, "not_before": NOW, **changes})


def watched(*messages: Sent, **changes: Any) -> Watched:
    """An open incident of which these messages were sent; without any, the `new` alone."""
    values: dict[str, Any] = {"incident_id": "1", "external_id": "1", "generation": 1, "phase": Phase.OPEN, **changes}
    return Watched(sent=messages or (sent(),), **values)


class FakeAlerts:
    """SIGNL4's REST API. Shows what it has, and notes what it is asked."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.alerts_by_id: dict[str, SeenAlert] = {}
        self.people = dict(NAMES)
        self.ahead: timedelta | None = timedelta(0)
        self.asked: list[str] = []
        self.with_closed = True
        self.most = 1000
        """At most so many alerts are in a list; the older ones are left out."""
        self.is_whole = False
        """Whether a list from which some are left out says that it is whole."""
        self.fails: Callable[[str], Signl4ApiError | None] = lambda _: None
        self.before: Callable[[str], None] = lambda _: None
        """Called with each request before it is answered."""

    def has(self, *alerts: SeenAlert) -> None:
        """From now on it has these."""
        self.alerts_by_id |= {one.id: one for one in alerts}

    def alerts(self, since: datetime | None) -> Listed:
        as_of = self._clock() + (self.ahead or timedelta(0))
        self._asked("alerts" if since is None else f"alerts since {since:%H:%M:%S}")
        found = self.alerts_by_id.values()
        shown = tuple(one for one in found if self.with_closed or one.phase is not CLOSED)
        newest = shown[max(len(shown) - self.most, 0) :]
        return Listed(newest, as_of, self.with_closed, self.is_whole or len(newest) == len(shown))

    def alerts_of(self, external_id: str) -> tuple[SeenAlert, ...]:
        self._asked(f"alerts of {external_id}")
        return tuple(one for one in self.alerts_by_id.values() if one.external_id == external_id)

    def members(self) -> tuple[Member, ...]:
        self._asked("members")
        return tuple(Member(user, name) for user, name in self.people.items())

    def _asked(self, what: str) -> None:
        self.asked.append(what)
        self.before(what)
        if error := self.fails(what):
            raise error
