"""The flow that writes back, on the database of the other two, and a fake SIGNL4 at its seam."""

from typing import Any

from sqlalchemy import Engine, select

from daemon.findings import Findings
from daemon.model.destination import BETTER_STACK, DEFAULT, Destination
from daemon.model.history import Happening
from daemon.model.incident import Kind
from daemon.people import People
from daemon.storage.alerts import Alerts
from daemon.storage.schema import DELIVERIES, HISTORY
from daemon.storage.two_way import TwoWayProgress
from daemon.write_back import WriteBacks
from tests.support.alerts import FakeAlerts
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.store import Store

THERE = Destination(BETTER_STACK, "https://betterstack.example.com")
BOTH = (Kind.ACKNOWLEDGED, Kind.RESOLVED)


class Looks:
    """Both kinds are written back, unless a test says otherwise."""

    def __init__(self, engine: Engine, clock: Clock, log: KeptLog, *teams: str) -> None:
        self.engine, self.clock, self.log = engine, clock, log
        self.signl4 = FakeAlerts(clock)
        self.progress = TwoWayProgress(engine)
        self.alerts = Alerts(engine, teams or (DEFAULT,))
        self.betterstack = Store(engine, THERE)
        self.queued = 0
        self.betterstack.configure([*(teams or (DEFAULT,)), BETTER_STACK])
        self.begin()

    def begin(self, *wanted: Kind, by: str = "$USER via SIGNL4") -> None:
        """Builds the flow anew, as a restart does."""
        people = People(self.signl4, lambda: self.clock().timestamp())
        self.flow = WriteBacks(
            self.signl4,
            self.alerts,
            self.progress,
            Findings(people.name, by, self.log),
            wanted=wanted or BOTH,
            clock=self.clock,
            log=self.log,
            on_queued=self._on_queued,
        )

    def look(self, *seen: Any) -> list[tuple[str, str]]:
        """A look that finds these alerts; what waits for Better Stack after it."""
        self.signl4.has(*seen)
        self.flow.look()
        return self.waiting()

    def waiting(self) -> list[tuple[str, str]]:
        """What waits for Better Stack."""
        return [(row.incident_id, row.kind) for row in self.rows() if row.state == "pending"]

    def rows(self) -> list[Any]:
        """All that was ever written back."""
        query = select(DELIVERIES).where(DELIVERIES.c.destination == BETTER_STACK).order_by(DELIVERIES.c.id)
        with self.engine.connect() as connection:
            return list(connection.execute(query))

    def history(self) -> list[tuple[str, str]]:
        """What is recorded of what people did."""
        told = (Happening.ACKNOWLEDGED_IN_SIGNL4, Happening.CLOSED_IN_SIGNL4, Happening.SUPERSEDED)
        query = select(HISTORY).where(HISTORY.c.what.in_(told)).order_by(HISTORY.c.id)
        with self.engine.connect() as connection:
            return [(row.what, row.why) for row in connection.execute(query)]

    def _on_queued(self) -> None:
        self.queued += 1
