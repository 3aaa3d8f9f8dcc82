"""Better Stack and SIGNL4 at the seams of the two flows, and the flows between them, with a clock by hand."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from random import Random
from threading import Condition, Thread
from typing import Any

from sqlalchemy import Engine, select

from daemon.config.settings import Settings
from daemon.decisions.holds import Holds
from daemon.decisions.payload import EXTERNAL_ID, STATUS
from daemon.deliver import Deliver
from daemon.due_list import DueList
from daemon.in_flight import Receiver
from daemon.model.delivery import Answer, Delivered, Rejected, Scope, TryLater
from daemon.model.errors import BetterStackError
from daemon.model.event import Listener
from daemon.model.incident import Absence, Incident, IncidentState, Phase
from daemon.model.page import KnownPages, Page
from daemon.model.signl4 import SeenAlert
from daemon.pager import Finder, Pager
from daemon.poll import Poll
from daemon.storage.outbox import Outbox
from daemon.storage.schema import DELIVERIES, INCIDENTS
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.slowness import SLOWNESS
from tests.support.store import Store
from tests.support.values import incident, settings

LONG = 20.0 * SLOWNESS
"""Seconds after which something that a test waits for will not happen any more."""
ACCEPTED = Answer(Delivered("event"))
OUTAGE = Answer(TryLater("SIGNL4 answered HTTP 503", Scope.ROW))
REFUSED = Answer(Rejected("SIGNL4 answered HTTP 400"), faulty=True)
FORBIDDEN = Answer(TryLater("SIGNL4 answered HTTP 403", Scope.UNCLEAR), faulty=True)
WRONG_SECRET = Answer(TryLater("SIGNL4 answered HTTP 404", Scope.SECRET), faulty=True)


def too_many(hold: timedelta | None = None) -> Answer:
    """429, with or without a `Retry-After`."""
    return Answer(TryLater("SIGNL4 answered HTTP 429", Scope.DESTINATION), hold)


class FakeBetterStack:
    """Holds incidents and notes what it is asked, as `open 1`, `since 2026-11-22 1` or `lookup 7`."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self.hidden: set[str] = set()
        """Incidents that no list shows."""
        self.unreadable: set[str] = set()
        self.poisoned: set[str] = set()
        """Incidents whose record cannot be read: no list can show it, and a lookup fails."""
        self.per_page = 50
        self.asked: list[str] = []
        self.works: Callable[[str], BetterStackError | None] = lambda _: None
        """In place of `fails` while no request does."""
        self.fails: Callable[[str], BetterStackError | None] = self.works
        self.before: Callable[[str], None] = lambda _: None
        """Called with each request before it is answered: things happen while pages are read."""
        self.behind: Callable[[str], int] = lambda _: 0
        """How many changes the replica that answers a request has not heard of yet."""
        self.stale: list[str] = []
        """The requests that were answered by a replica that lagged."""
        self.known_pages: KnownPages = {}
        self.unread = 0
        """How many pages were not read, since they were known."""
        self._changes: list[tuple[str, Incident | None]] = []
        """The incident of each change, and how it stood before."""

    def has(self, incident_id: str, **attributes: Any) -> None:
        """From now on there is this incident, with these attributes."""
        self._changes.append((incident_id, self.incidents.get(incident_id)))
        self.incidents[incident_id] = incident(incident_id, **attributes)

    def had(self, incident_id: str) -> None:
        """From now on there is no record of it."""
        self._changes.append((incident_id, self.incidents[incident_id]))
        del self.incidents[incident_id]

    def refuses(self, *requests: str, retry_after: timedelta | None = None) -> None:
        """From now on requests that begin so fail, all others work."""

        def fails(request: str) -> BetterStackError | None:
            hit = any(request.startswith(refused) for refused in requests)
            return BetterStackError(f"{request} failed", retry_after=retry_after) if hit else None

        self.fails = fails if requests else self.works

    @property
    def unseen(self) -> set[str]:
        """The incidents that lists do not show, for whatever reason."""
        return self.hidden | self.poisoned

    def asked_for(self, what: str) -> list[str]:
        """The requests that begin so."""
        return [request for request in self.asked if request.startswith(what)]

    def open_pages(self) -> Iterator[Page]:
        return self._pages("open", lambda found: found.phase is not Phase.RESOLVED)

    def pages_since(self, day: date) -> Iterator[Page]:
        return self._pages(f"since {day}", lambda found: found.started_at is None or found.started_at.date() >= day)

    def lookup(self, incident_id: str) -> Incident | Absence:
        self._request(f"lookup {incident_id}")
        if incident_id in self.poisoned:
            raise BetterStackError(f"the record of {incident_id} cannot be read")
        if incident_id in self.unreadable:
            return Absence.UNREADABLE
        return self._replica(f"lookup {incident_id}").get(incident_id, Absence.NO_SUCH_RECORD)

    def _pages(self, what: str, wanted: Callable[[Incident], bool]) -> Iterator[Page]:
        number, more = 1, True
        while more:
            self._request(f"{what} {number}")
            newest_first = sorted(
                self._replica(f"{what} {number}").values(), key=lambda found: int(found.id), reverse=True
            )
            found = [one for one in newest_first if wanted(one) and one.id not in self.unseen]
            more = len(found) > number * self.per_page
            yield self._page(tuple(found[(number - 1) * self.per_page : number * self.per_page]), is_last=not more)
            number += 1

    def _page(self, incidents: tuple[Incident, ...], *, is_last: bool) -> Page:
        # Each that ever was is kept, so no two have the same address.
        digest = str([id(one) for one in incidents]).encode()
        if (known := self.known_pages.get(digest)) is not None:
            self.unread += 1
            return Page((), digest, known.is_last, known.ids)
        return Page(incidents, digest, is_last)

    def _request(self, request: str) -> None:
        self.asked.append(request)
        self.before(request)
        if error := self.fails(request):
            raise error

    def _replica(self, request: str) -> Mapping[str, Incident]:
        """The incidents as they stand, or stood some changes ago, where the answer to this request comes from."""
        behind = min(self.behind(request), len(self._changes))
        if not behind:
            return self.incidents
        self.stale.append(request)
        world = dict(self.incidents)
        for incident_id, before in reversed(self._changes[-behind:]):
            if before is None:
                world.pop(incident_id, None)
            else:
                world[incident_id] = before
        return world


class FakeSignl4:
    """Takes payloads and answers as told; can let requests hang until a test lets go of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bell = Condition()
        self._held: set[str] = set()
        self.sent: list[Mapping[str, Any]] = []
        self.times: list[float] = []
        """When each was sent, in seconds since the first."""
        self.answer: Callable[[Mapping[str, Any]], Answer] = lambda _: ACCEPTED
        self.began = clock()

    @property
    def told(self) -> list[tuple[str, str]]:
        """Incident and kind of each request, in order."""
        return [(sent[EXTERNAL_ID], sent[STATUS]) for sent in self.sent]

    def send(self, payload: Mapping[str, Any]) -> Answer:
        with self._bell:
            self.began = self.began if self.sent else self._clock()
            self.sent.append(payload)
            self.times.append((self._clock() - self.began).total_seconds())
            self._bell.notify_all()
            if not self._bell.wait_for(lambda: payload[EXTERNAL_ID] not in self._held, LONG):
                raise TimeoutError("nobody let go of the request")
        return self.answer(payload)

    def hold(self, *external_ids: str) -> None:
        """From now on requests about these incidents hang."""
        with self._bell:
            self._held |= set(external_ids)

    def let_go(self) -> None:
        """Whatever hangs is answered."""
        with self._bell:
            self._held.clear()
            self._bell.notify_all()

    def wait_for(self, predicate: Callable[[], bool]) -> None:
        """Waits until the predicate holds; it is asked again after each request."""
        with self._bell:
            assert self._bell.wait_for(predicate, LONG), f"only this was sent: {self.told}"


class FakeFinder:
    """SIGNL4's REST API, as far as look-ups of alerts use it."""

    def __init__(self, *alerts: SeenAlert, ahead: timedelta | None = None) -> None:
        self.alerts = list(alerts)
        """Of whatever external id: a filter may be ignored."""
        self.ahead = ahead
        self.asked: list[str] = []
        self.error: Exception | None = None
        """What every request ends with."""

    def alerts_of(self, external_id: str) -> tuple[SeenAlert, ...]:
        self.asked.append(external_id)
        if self.error is not None:
            raise self.error
        return tuple(self.alerts)


def due_list(
    store: Outbox, values: Settings, clock: Callable[[], datetime], log: Listener, *, looks_up: bool = False
) -> DueList:
    """What of the outbox may be sent, with one clock for both sides."""
    return DueList(store, values.delivery, Holds(values), clock=clock, their_clock=clock, log=log, looks_up=looks_up)


class Flows:
    """Both flows between the two fakes, on one database, with settings of the test's own."""

    def __init__(self, engine: Engine, clock: Clock, log: KeptLog, store: Store, **sections: Any) -> None:
        self.engine, self.clock, self.log, self.store = engine, clock, log, store
        self.betterstack = FakeBetterStack()
        self.signl4 = FakeSignl4(clock)
        self.stopped = False
        self.trusted = True
        """Whether no other host may send now."""
        self.waits = 0
        """How often a flow waited for time to pass."""
        self.while_waiting: Callable[[], None] = lambda: None
        self.configure(**sections)

    def configure(self, receiver: Receiver | None = None, finder: Finder | None = None, **sections: Any) -> None:
        """Builds both flows anew on the same database, as a restart does."""
        self.settings: Settings = settings(**sections)
        self.told = 0
        self.poll = Poll(
            self.betterstack,
            self.store,
            self.settings,
            clock=self.clock,
            log=self.log,
            on_queued=self._on_queued,
            known_pages=self.betterstack.known_pages,
        )
        self.deliver = Deliver(
            Pager(receiver or self.signl4, finder),
            self.store,
            due_list(self.store, self.settings, self.clock, self.log, looks_up=finder is not None),
            self.settings.delivery,
            clock=self.clock,
            rng=Random(1),
            wait=self._wait,
            log=self.log,
            trusted=lambda: self.trusted,
        )

    def round(self, *, sweep: bool = False) -> None:
        """One round that must succeed."""
        self.poll.round(sweep=sweep)

    def see(self, *incident_ids: str, **attributes: Any) -> None:
        """A round, with a sweep, that finds the incidents like this."""
        for incident_id in incident_ids:
            self.betterstack.has(incident_id, **attributes)
        self.round(sweep=True)

    def drain(self) -> None:
        """Delivers what is due at this moment."""
        self.deliver.drain()

    def drain_for(self, **span: float) -> None:
        """Delivers as time passes; the clock jumps from one moment at which something is due to the next."""
        until = self.clock.now + timedelta(**span)
        for _ in range(10_000):
            self.deliver.drain()
            next_at = self.deliver.next_at()
            if next_at is None or next_at > until:
                self.clock.now = until
                return
            self.clock.now = max(next_at, self.clock.now)
        raise AssertionError("it loops hot")

    @contextmanager
    def draining(self) -> Iterator[None]:
        """A pass in a thread of its own. What hangs is let go at the end of the block, and the pass must end."""
        errors: list[BaseException] = []

        def drain() -> None:
            try:
                self.deliver.drain()
            except BaseException as error:  # noqa: BLE001 - raised again below
                errors.append(error)

        thread = Thread(target=drain, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.signl4.let_go()
            thread.join(LONG)
            assert not thread.is_alive(), "the pass does not end"
        if errors:
            raise errors[0]

    def outbox(self, *columns: str) -> list[tuple[Any, ...]]:
        """The outbox, oldest first: incident and kind, or these columns."""
        chosen = [DELIVERIES.c[name] for name in columns or ("incident_id", "kind")]
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(select(*chosen).order_by(DELIVERIES.c.id))]

    def recorded(self, incident_id: str) -> IncidentState:
        """What the database holds of the incident."""
        return self.store.known([incident_id])[incident_id]

    def phases(self) -> dict[str, str]:
        """The phase of each incident that the database holds."""
        with self.engine.connect() as connection:
            return {row.id: row.phase for row in connection.execute(select(INCIDENTS))}

    def _on_queued(self) -> None:
        self.told += 1

    def _wait(self, seconds: float) -> bool:
        if seconds and not self.stopped:
            self.waits += 1
            self.clock.pass_(seconds=seconds)
            self.while_waiting()
        return self.stopped
