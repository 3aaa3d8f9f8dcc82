"""The rate limiter of a SIGNL4 account, whose teams share one limit."""

from collections.abc import Callable
from datetime import datetime

from daemon.decisions import rate_limit
from daemon.decisions.rate_limit import SendHistory
from daemon.model.delivery import Admission, Answer, Scope, TryLater


class Limiter:
    """One per account; it survives a reload. Called by the thread of `deliver`."""

    def __init__(self) -> None:
        self._history: SendHistory | None = None
        self.limit: int | None = None
        """Events allowed in 15 s; `None` until SIGNL4 has reported the limit."""

    def begin(self, limit: int | None, attempts: Callable[[], tuple[datetime, ...]]) -> None:
        """Restores the limit and the history of an earlier process. `attempts`: its sending times of the last day."""
        if self._history is None:
            self.limit, self._history = limit, SendHistory(attempts())

    def admit(self, willing: Admission, in_flight: int, now: datetime) -> Admission:
        """Restricts an admission by the rate limit."""
        return rate_limit.limit_admission(willing, self._known, self.limit, in_flight, now)

    def sent(self, now: datetime) -> None:
        """Records that an event is sent."""
        self._history = rate_limit.counted(self._known, self.limit, now)

    def answered(self, answer: Answer, in_flight: int, now: datetime, *, sent_at: datetime) -> None:
        """Records what an answer says about the limit. `in_flight`: number of other events in flight."""
        if answer.rate_limit is not None:
            self.limit = answer.rate_limit.events
        refused = isinstance(answer.outcome, TryLater) and answer.outcome.scope is Scope.DESTINATION
        self._history = rate_limit.learned(
            self._known, answer.rate_limit, in_flight, now, self.limit, sent_at=sent_at, refused=refused
        )

    @property
    def _known(self) -> SendHistory:
        return self._history or SendHistory()
