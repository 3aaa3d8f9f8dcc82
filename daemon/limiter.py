"""What SIGNL4 allows an account, and what was sent to it: all its teams share one limit."""

from collections.abc import Callable
from datetime import datetime

from daemon.decisions import rate_limit
from daemon.decisions.rate_limit import SendHistory
from daemon.model.delivery import Admission, Answer, Scope, TryLater


class Limiter:
    """One for each account, which a reload leaves as it is. Called by the thread of `deliver`."""

    def __init__(self) -> None:
        self._history: SendHistory | None = None
        self.limit: int | None = None
        """The events in 15 s, once SIGNL4 has said so."""

    def begin(self, limit: int | None, attempts: Callable[[], tuple[datetime, ...]]) -> None:
        """What an earlier process learned and sent counts; `attempts` gives when it did so in the last day."""
        if self._history is None:
            self.limit, self._history = limit, SendHistory(attempts())

    def admit(self, willing: Admission, in_flight: int, now: datetime) -> Admission:
        """What is admitted, as far as the limit allows it."""
        return rate_limit.limit_admission(willing, self._known, self.limit, in_flight, now)

    def sent(self, now: datetime) -> None:
        """An event goes out."""
        self._history = rate_limit.counted(self._known, self.limit, now)

    def answered(self, answer: Answer, in_flight: int, now: datetime, *, sent_at: datetime) -> None:
        """What it says of the limit. `in_flight`: so many others are on their way."""
        if answer.rate_limit is not None:
            self.limit = answer.rate_limit.events
        refused = isinstance(answer.outcome, TryLater) and answer.outcome.scope is Scope.TARGET
        self._history = rate_limit.learned(
            self._known, answer.rate_limit, in_flight, now, self.limit, sent_at=sent_at, refused=refused
        )

    @property
    def _known(self) -> SendHistory:
        return self._history or SendHistory()
