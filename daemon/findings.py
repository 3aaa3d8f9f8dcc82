"""What a look found of one alert, in words: for the outbox, for `why`, and for Better Stack.

Names of people are in the log at the level `debug` alone.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from daemon.config.two_way import USER
from daemon.decisions.write_back import Nothing, Person, Verdict
from daemon.model.event import Listener
from daemon.model.events import two_way as events
from daemon.model.history import Entry, Happening
from daemon.model.incident import Kind
from daemon.model.signl4 import AlertPhase, SeenAlert
from daemon.model.two_way import Finding, KnownAlert, Watched, WriteBack

SOMEBODY = "somebody"
LONGEST_NAME = 100
KINDS = (Kind.ACKNOWLEDGED, Kind.RESOLVED)


class Findings:
    """Called by the thread of the job `two-way`."""

    def __init__(self, name: Callable[[str | None], str | None], by: str, log: Listener) -> None:
        """`name` gives that of a user, if it can be found out; `by` is `write_back.by`."""
        self._name = name
        self._by = by
        self._log = log

    def of(
        self, watched: Watched, alert: SeenAlert, verdict: Verdict, now: datetime, ahead: timedelta
    ) -> Finding | None:
        """What is recorded of the alert; `None` if that is recorded already. Raises `StoppedError`.

        `ahead`: SIGNL4's clock minus ours.
        """
        known, is_done = watched.alerts.get(alert.id), isinstance(verdict.acknowledged, Person)
        acts = {kind: who for kind, who in verdict.write_back.items() if isinstance(who, Person)}
        if known is not None and not acts and _same(known, alert, verdict):
            return None
        acknowledged_at, closed_at = (_at(moment, ahead, now) for moment in (alert.acknowledged_at, alert.closed_at))
        times = {Kind.ACKNOWLEDGED: acknowledged_at if alert.is_acknowledged else closed_at, Kind.RESOLVED: closed_at}
        return Finding(
            incident_id=watched.incident_id,
            generation=watched.generation,
            external_id=watched.external_id,
            alert=alert,
            team=verdict.team,
            acknowledged=is_done,
            acknowledged_by=self._known_name(verdict.acknowledged),
            closed_by=self._known_name(verdict.closed),
            write_backs=tuple(self._write_back(kind, acts[kind], alert, times[kind]) for kind in KINDS if kind in acts),
            history=tuple(self._history(watched, alert, verdict, acknowledged_at, closed_at)),
        )

    def _write_back(self, kind: Kind, who: Person, alert: SeenAlert, at: datetime) -> WriteBack:
        acknowledged = kind is Kind.ACKNOWLEDGED and alert.is_acknowledged
        reason = f"{self._called(who)} {'acknowledged' if acknowledged else 'closed'} the alert in SIGNL4"
        return WriteBack(kind, self._by.replace(USER, self._called(who)), reason, at)

    def _history(
        self, watched: Watched, alert: SeenAlert, verdict: Verdict, acknowledged_at: datetime, closed_at: datetime
    ) -> Iterator[Entry]:
        """What is news, for `why`."""
        known = watched.alerts.get(alert.id)
        this, of_team = (watched.incident_id, watched.generation), f" of team {verdict.team}" if verdict.team else ""
        who = verdict.acknowledged
        if isinstance(who, Person) and alert.is_acknowledged and not (known and known.acknowledged):
            self._log(events.PersonActed(watched.incident_id, "acknowledged", self._called(who)))
            text = f"{self._called(who)} acknowledged the alert{of_team} in SIGNL4"
            yield Entry(*this, acknowledged_at, Happening.ACKNOWLEDGED_IN_SIGNL4, text)
        if alert.phase is not AlertPhase.CLOSED or (known and known.phase is AlertPhase.CLOSED):
            return
        if isinstance(verdict.closed, Person):
            self._log(events.PersonActed(watched.incident_id, "closed", self._called(verdict.closed)))
            unwanted = verdict.write_back[Kind.RESOLVED] is Nothing.UNWANTED
            off = "; that resolves nothing in Better Stack, since write_back.resolve is off" if unwanted else ""
            text = f"{self._called(verdict.closed)} closed the alert{of_team} in SIGNL4{off}"
            yield Entry(*this, closed_at, Happening.CLOSED_IN_SIGNL4, text)
        elif verdict.closed is Nothing.BY_SIGNL4:
            text = f"the alert{of_team} was closed in SIGNL4, but by no person that it names: that is not written back"
            yield Entry(*this, closed_at, Happening.CLOSED_IN_SIGNL4, text)

    def _known_name(self, who: Person | Nothing) -> str | None:
        return self._name(who.id) if isinstance(who, Person) else None

    def _called(self, who: Person) -> str:
        return (self._name(who.id) or SOMEBODY)[:LONGEST_NAME]


def _same(known: KnownAlert, alert: SeenAlert, verdict: Verdict) -> bool:
    """Whether the alert was recorded like this."""
    is_done = isinstance(verdict.acknowledged, Person)
    return (known.phase, known.team) == (alert.phase, verdict.team) and (known.acknowledged or not is_done)


def _at(moment: datetime | None, ahead: timedelta, now: datetime) -> datetime:
    """A time of SIGNL4's by our clock; now, if there is none or it is yet to come."""
    return now if moment is None else min(moment - ahead, now)
