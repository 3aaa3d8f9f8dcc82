"""The flow that looks at monitors, with the one that delivers, between fakes on one database."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from daemon.model.errors import BetterStackError
from daemon.poll_monitors import PollMonitors
from daemon.recording import Recording
from daemon.storage.incidents import Incidents
from daemon.storage.monitors import MonitorRecords, listing
from daemon.telling import Telling
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.monitors import FakeLists
from tests.support.store import Store

PAUSED = "monitor-77-paused"
BEGUN, ENDED = [(PAUSED, "new")], [(PAUSED, "resolved")]


class Watched:
    """What Better Stack watches, and what is told of that."""

    def __init__(self, engine: Engine, clock: Clock, log: KeptLog) -> None:
        self.engine, self.clock, self.log = engine, clock, log
        self.flows = Flows(engine, clock, log, Store(engine))
        self.lists = FakeLists()
        self.records = MonitorRecords(engine)
        self.queued = self._heard = 0
        self.begin()

    def begin(self, **values: Any) -> None:
        """Builds the flows anew, as a restart does, with `[monitors]` of the test's own and other sections."""
        sections: dict[str, Any] = {name: values.pop(name) for name in ("route", "signl4") if name in values}
        self.flows.configure(**sections, monitors={"enabled": True, **values})
        self.flow = self.begun()

    def begun(self) -> PollMonitors:
        """The flow anew, with the settings as they are."""
        incidents = Incidents(self.engine)
        telling = Telling(self.flows.settings, incidents, clock=self.clock, log=self.log)
        recording = Recording(
            incidents,
            telling,
            clock=self.clock,
            their_clock=self.clock,
            log=self.log,
            on_queued=self._on_queued,
            known_pages={},
        )
        return PollMonitors(
            self.lists,
            self.records,
            incidents,
            recording,
            self.flows.settings,
            clock=self.clock,
            log=self.log,
        )

    def look(self, **span: float) -> list[tuple[str, str]]:
        """A look that succeeds, so long after the one before it; what SIGNL4 is told after it."""
        self.clock.now += timedelta(**span or {"minutes": 5})
        self.flow.look()
        return self.told()

    def fail(self, **span: float) -> str:
        """A look that fails; why."""
        self.clock.now += timedelta(**span or {"minutes": 5})
        try:
            self.flow.look()
        except BetterStackError as error:
            return str(error)
        raise AssertionError("it succeeds")

    def told(self) -> list[tuple[str, str]]:
        """External id and kind of each message since it was last asked."""
        before = self._heard
        while True:
            known = len(self.flows.signl4.told)
            self.flows.drain()
            if len(self.flows.signl4.told) == known:
                self._heard = known
                return self.flows.signl4.told[before:]

    def changes(self) -> list[tuple[str, str]]:
        """What is recorded of what somebody did."""
        return [(change.id, str(change.what)) for one in listing(self.engine)[0] for change in one.changes]

    def deleted(self) -> set[str]:
        """The monitors that count as deleted."""
        return {one.state.id for one in listing(self.engine)[0] if one.state.deleted_at is not None}

    def incident(self, incident_id: str, **attributes: Any) -> None:
        """A round finds an incident of monitor 77 like this, and it is told."""
        self.flows.betterstack.has(incident_id, **{"started_at": self.clock(), **attributes})
        found = self.flows.betterstack.incidents[incident_id]
        self.flows.betterstack.incidents[incident_id] = replace(found, source="monitor", source_id="77")
        self.flows.round(sweep=True)
        self.told()

    def _on_queued(self) -> None:
        self.queued += 1


def pause(watched: Watched, **values: Any) -> None:
    """Somebody pauses monitor 77."""
    now = watched.clock()
    watched.lists.has("77", **{"status": "paused", "paused_at": now, "updated_at": now, **values})


def unpause(watched: Watched) -> None:
    """Somebody lets monitor 77 go on."""
    watched.lists.has("77", updated_at=watched.clock())
