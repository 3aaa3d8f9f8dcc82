"""The deliveries that may be sent next, read ahead: not every answer reads the whole outbox again.

What is read ahead may be out of date, and loses nothing by it: a delivery is sent only after a claim, which fails if
its row has changed; and the outbox is read again before a pass of the deliveries ends.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from daemon.config.settings import DeliverySection
from daemon.decisions.admit import Hold, Send, Supersede, admit
from daemon.decisions.holds import Holds, readable
from daemon.model.admission import Admission, GivenUp, Held
from daemon.model.delivery import Delivery, DeliveryState, Result
from daemon.model.event import Event, Listener
from daemon.model.events import deliveries as events
from daemon.storage.outbox import Outbox

AHEAD = 500
"""So many deliveries are read at once."""
MANY = 50
"""So many that are due make a storm."""
LONGEST = timedelta(seconds=1)
"""For so long they are used. An operator's `retry` in another process, or the end of a back-off, shows after it."""


class DueList:
    """Called by the thread of `deliver`; `outdate` by any thread."""

    def __init__(
        self,
        outbox: Outbox,
        settings: DeliverySection,
        holds: Holds,
        *,
        clock: Callable[[], datetime],
        their_clock: Callable[[], datetime],
        log: Listener,
        looks_up: bool = False,
    ) -> None:
        """`their_clock` gives the times of Better Stack's clock; the other arguments are those of `Deliver`.

        `looks_up`: whether the destination is asked for what it may have taken already.
        """
        self._outbox = outbox
        self._holds = holds
        self._settings = settings
        self._clock = clock
        self._their_clock = their_clock
        self._log = log
        self._looks_up = looks_up
        self.look_ups_until = datetime.min.replace(tzinfo=UTC)
        """When what an earlier process left unanswered has been looked up, as far as the gap delays that."""
        self._due = deque[Delivery]()
        self._read_for = (False, False)
        self._read_at = clock()
        self._outdated = True
        self._has_more = False
        """Whether more were due than were read."""
        self._taken = self._failing = 0
        """How many more deliveries were accepted, and how many more fail, than when they were read."""
        self._all_failing: int | None = None

    def outdate(self) -> None:
        """What was read is not used any more: something more urgent may be due."""
        self._outdated = True

    @property
    def is_storm(self) -> bool:
        """Whether many wait to be sent, and what is next stays next."""
        return (self._has_more or len(self._due) >= MANY) and self.is_calm

    @property
    def is_calm(self) -> bool:
        """Whether nothing has come and none has failed, so that what was read is still in the right order."""
        return not self._outdated and not self.some_fail

    @property
    def some_fail(self) -> bool:
        """Whether a pending delivery may have failed, other than by its own fault."""
        return self._all_failing is None or self._all_failing + self._failing > 0

    def take(self, admission: Admission, most: int) -> list[Delivery]:
        """Up to so many deliveries to send now, most urgent first. Reads nothing."""
        now, taken = self._clock(), list[Delivery]()
        if not self._is_current(admission, now):
            self._due.clear()
        while self._due and len(taken) < most and not (taken and taken[-1].own_fault):
            delivery = self._due.popleft()
            if admission.start(refused=delivery.refused or delivery.own_fault) <= now:
                taken.append(delivery.since_read(self._taken, self._failing))
        return taken

    def read(self, admission: Admission, busy: Iterable[str]) -> bool:
        """Reads anew; records what is not to be sent now. Whether there may be something to send, or to read again."""
        now = self._clock()
        self._outdated = False
        self._read_for = admission.probe, admission.own_faults
        due = self._outbox.due(admission, busy, AHEAD, now)
        self._due = deque(self._admitted(due, now))
        if due:
            self._all_failing, self._taken, self._failing = due[0].all_failing, 0, 0
        self._has_more = len(due) == AHEAD
        # Not when it began: what takes longer to read than it may be used would be read for ever.
        self._read_at = self._clock()
        return bool(due)

    def next_at(self, admission: Admission, busy: Iterable[str]) -> datetime | None:
        """When something may be sent next; `None` if nothing waits. Raises `DatabaseBusyError`."""
        waits = [wait for wait in self._outbox.waiting(busy) if admission.own_faults or not wait.own_fault]
        return min((max(wait.due_at, admission.start(refused=wait.refused)) for wait in waits), default=None)

    def noticed(self, result: Result) -> None:
        """Brings what was read up to date with a result."""
        delivery, disposition = result.delivery, result.disposition
        pending = disposition.state is DeliveryState.PENDING
        self._taken += result.accepted
        self._failing += (pending and not disposition.own_fault) - (
            delivery.failing is not None and not delivery.own_fault
        )
        if pending and disposition.due_at <= result.at:
            self.outdate()

    def _is_current(self, admission: Admission, now: datetime) -> bool:
        alike = self._read_for == (admission.probe, admission.own_faults)
        used_up = self._has_more and len(self._due) < MANY
        return alike and not used_up and not self._outdated and timedelta(0) <= now - self._read_at < LONGEST

    def _admitted(self, due: Sequence[Delivery], now: datetime) -> list[Delivery]:
        """Those that may be sent now. Of the others it records why; what it cannot record stays due."""
        settings, theirs = self._settings, self._their_clock()
        admitted, held, given_up, happened = list[Delivery](), list[Held](), list[GivenUp](), list[Event]()
        untold = [delivery for delivery in due if delivery.is_untold]
        # What is over by now may have been so within a silence that is over, too.
        since = min((delivery.occurred_at for delivery in untold if delivery.over_since is not None), default=now)
        known = self._outbox.silences(min(since, now)) if untold else None
        silences = readable(known.silences if known is not None else ())
        for delivery in due:
            rule = self._holds.hold(delivery, silences, now, theirs) if delivery.is_untold else None
            match admit(delivery, settings.gap, settings.stale_after, now, theirs, rule, looks_up=self._looks_up):
                case Send():
                    admitted.append(delivery)
                case Hold(until, why, by_rule):
                    held.append(Held(delivery, until, why if by_rule else None))
                    if delivery.maybe_taken and delivery.failing is None:
                        self.look_ups_until = max(self.look_ups_until, until)
                    said_as = events.HeldByRule if held[-1].is_news else events.DeliveryHeld
                    happened.append(said_as(delivery.incident_id, delivery.kind, until.isoformat(), why))
                case Supersede(why):
                    given_up.append((delivery, why))
                    happened.append(events.Superseded(delivery.incident_id, delivery.generation, why))
        if happened and self._outbox.put_off(held, given_up, now, known):
            for event in happened:
                self._log(event)
        return admitted
