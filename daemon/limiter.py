"""The rate limiter of a SIGNL4 account, whose teams share one limit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from daemon.decisions import rate_limit
from daemon.decisions.rate_limit import SendHistory
from daemon.model.admission import Admission
from daemon.model.delivery import WINDOW, Answer, Scope, TryLater
from daemon.model.destination import DEFAULT
from daemon.model.readings import Headroom

GIVE_WAY = timedelta(milliseconds=200)
"""How long a team waits before it asks again, while others have alerts of open incidents and all room is theirs."""


class Limiter:
    """One per account; it survives a reload. Called by the thread of each team's deliveries."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._history: SendHistory | None = None
        self._in_flight: dict[str, int] = {}
        """By team, as it last said."""
        self._urgent: dict[str, tuple[int, datetime]] = {}
        """How many alerts of open incidents each team has that could be sent but for the limit, and when it said so."""
        self.limit: int | None = None
        """Events allowed in 15 s; `None` until SIGNL4 has reported the limit."""
        self.ahead: timedelta | None = None
        """How far SIGNL4's clock is ahead of ours, by its latest response that shows it."""

    def begin(self, limit: int | None, attempts: Callable[[], tuple[datetime, ...]], team: str = DEFAULT) -> None:
        """Restores the limit and the history of an earlier process. `attempts`: its sending times of the last day."""
        with self._lock:
            self._in_flight.setdefault(team, 0)
            if self._history is None:
                self.limit, self._history = limit, SendHistory(attempts())

    @property
    def is_shared(self) -> bool:
        """Whether several teams send to this account."""
        return len(self._in_flight) > 1

    def wants(self, urgent: int, in_flight: int, now: datetime, team: str = DEFAULT) -> None:
        """How many alerts of open incidents the team could send now, but for the limit, besides what is in flight."""
        with self._lock:
            self._in_flight[team] = in_flight
            self._urgent[team] = urgent, now

    def admit(self, willing: Admission, in_flight: int, now: datetime, team: str = DEFAULT) -> Admission:
        """Restricts an admission by the rate limit. `in_flight`: requests of this team."""
        with self._lock:
            return self._admit(willing, in_flight, now, team)

    def reserve(self, wanted: int, willing: Admission, in_flight: int, now: datetime, team: str = DEFAULT) -> int:
        """Of so many events that the team is about to send, how many it may. From here on they count for all teams."""
        if not self.is_shared:
            return wanted
        with self._lock:
            room = self._admit(willing, in_flight, now, team).max_in_flight - in_flight
            granted = max(min(wanted, room), 0)
            self._in_flight[team] = in_flight + granted
            return granted

    def sent(self, now: datetime) -> None:
        """Records that an event is sent."""
        with self._lock:
            self._history = rate_limit.counted(self._known, self.limit, now)

    def answered(
        self, answer: Answer, in_flight: int, now: datetime, *, sent_at: datetime, team: str = DEFAULT
    ) -> None:
        """Records what an answer says about the limit. `in_flight`: number of other events of this team in flight."""
        refused = isinstance(answer.outcome, TryLater) and answer.outcome.scope is Scope.DESTINATION
        with self._lock:
            self.ahead = self.ahead if answer.ahead is None else answer.ahead
            if answer.rate_limit is not None:
                self.limit = answer.rate_limit.events
            self._in_flight[team] = in_flight
            self._history = rate_limit.learned(
                self._known,
                answer.rate_limit,
                in_flight + self._elsewhere(team),
                now,
                self.limit,
                sent_at=sent_at,
                refused=refused,
            )

    def headroom(self, now: datetime) -> Headroom:
        """What the limit leaves. Called by any thread."""
        with self._lock:
            in_flight = sum(self._in_flight.values())
            return rate_limit.headroom(self._known, self.limit, in_flight, now)

    def _admit(self, willing: Admission, in_flight: int, now: datetime, team: str) -> Admission:
        self._in_flight[team] = in_flight
        elsewhere = self._elsewhere(team)
        whole = replace(willing, max_in_flight=willing.max_in_flight + elsewhere) if elsewhere else willing
        admission = rate_limit.limit_admission(whole, self._known, self.limit, in_flight + elsewhere, now)
        if not self.is_shared:
            return admission
        admission = replace(admission, max_in_flight=admission.max_in_flight - elsewhere)
        room = max(admission.max_in_flight - in_flight, 0)
        ours, theirs = self._urgent_of(team, now)
        # Alerts of open incidents go first, whatever their team.
        allowed = max(min(ours, room), room - theirs)
        if allowed == room:
            return admission
        if allowed > 0:
            return replace(admission, max_in_flight=in_flight + allowed)
        later = now + GIVE_WAY
        clean, refused = (max(at, later) for at in (admission.clean_from, admission.refused_from))
        return replace(admission, max_in_flight=in_flight, clean_from=clean, refused_from=refused)

    def _elsewhere(self, team: str) -> int:
        return sum(self._in_flight.values()) - self._in_flight.get(team, 0)

    def _urgent_of(self, team: str, now: datetime) -> tuple[int, int]:
        """The urgent alerts of this team, and of all others. What was said long ago, by a team that hangs, is over."""
        known = {name: count for name, (count, said) in self._urgent.items() if abs(now - said) < WINDOW}
        ours = known.pop(team, 0)
        return ours, sum(known.values())

    @property
    def _known(self) -> SendHistory:
        return self._history or SendHistory()
