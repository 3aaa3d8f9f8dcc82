"""Both flows, and the look over them, on one database and with a clock by hand."""

from contextlib import suppress
from typing import Any

from daemon.model.errors import BetterStackError, DatabaseBusyError
from daemon.model.snapshot import Snapshot
from daemon.notes import Notes
from daemon.self_check import SelfCheck
from daemon.storage import queries
from tests.support.fakes import Flows


class Watchers:
    """Counts the signs of life."""

    def __init__(self) -> None:
        self.beats = 0
        self.missed: list[str] = []

    def send(self) -> list[str]:
        self.beats += 1
        return self.missed


class Duty:
    """Both flows and the look over them, on one database, with a clock by hand."""

    def __init__(self, flows: Flows, **sections: Any) -> None:
        self.flows = flows
        self.watchers = Watchers()
        self.full = False
        """Whether the disk is."""
        flows.configure(**sections)
        self.self_check = SelfCheck(
            self._figures,
            flows.store,
            flows.store,
            flows.signl4,
            self.watchers,
            flows.settings,
            Notes(),
            clock=flows.clock,
            monotonic=lambda: flows.clock().timestamp(),
            log=flows.log,
            on_queued=lambda: None,
            host="watch.example.com",
        )

    def _figures(self) -> Snapshot:
        if self.full:
            raise DatabaseBusyError("the database cannot be written now: disk full")
        return queries.snapshot(self.flows.engine)

    def minutes(self, count: float, *, every: float = 0.5) -> None:
        """So many minutes pass with a round, a pass and a look each half of one."""
        for _ in range(int(count / every)):
            self.flows.clock.pass_(minutes=every)
            self.round()

    def round(self) -> None:
        if self.full:
            self.self_check.state_failed("the database cannot be written now: disk full")
        else:
            with suppress(BetterStackError):
                self.flows.round()
            self.self_check.state_works()
        if self.self_check.run():
            self.self_check.send_heartbeats()
        if not self.full:
            self.flows.drain_for(seconds=5)

    def alarm_titles(self) -> list[str]:
        """The titles of the alarms of the program itself."""
        sent = [sent for sent in self.flows.signl4.sent if "alarm" in sent["X-S4-ExternalID"]]
        return [one["Title"] for one in sent if "Title" in one]

    def alarms(self) -> list[tuple[str, str]]:
        """What SIGNL4 was told of the program itself: the cause and the kind."""
        return [(told.rpartition("-")[2], kind) for told, kind in self.flows.signl4.told if "alarm" in told]
