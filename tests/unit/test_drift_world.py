"""Whatever is lost between both sides and in whatever order: reconciliation mends or names it, and does no harm."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.drift import Reconciliation
from daemon.model.destination import DEFAULT
from daemon.model.drift import DriftKind
from daemon.model.event import Event
from daemon.model.incident import Kind
from daemon.model.signl4 import AlertPhase
from daemon.storage import queries
from daemon.storage.drift import DriftRecords
from tests.support.clock import Clock
from tests.support.engines import engine_on
from tests.support.outbox import NEW, RESOLVED, deliver, head, rows, tell
from tests.support.rest import FakeApi, seen_alert
from tests.support.store import Store

IDS = ("1", "2")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["open", "end", "open", "end", "forget", "close", "pass", "reconcile", "repair"]),
        st.sampled_from(["1", "1", "1", "2"]),
        st.sampled_from(["sent", "lost", "waits"]),
    ),
    min_size=12,
    max_size=30,
)
"""What happens, to which incident, and what becomes of the message that waits for it then."""


class World:
    """SIGNL4 with its alerts, Better Stack with two incidents, and the database between them."""

    def __init__(self, file: Path) -> None:
        self.engine = engine_on(file)
        self.store, self.clock, self.api = Store(self.engine), Clock(), FakeApi()
        records = DriftRecords(self.engine, [DEFAULT])
        self.reconciliation = Reconciliation(
            self.api, records, clock=self.clock, log=self._hear, on_queued=lambda: None
        )
        self.generations = dict.fromkeys(IDS, 0)
        self.opened = set[str]()
        self.sent: list[tuple[str, Kind, int]] = []
        self.repaired = dict.fromkeys(IDS, 0)
        self.events = 0

    def _hear(self, _: Event) -> None:
        """The log is not looked at."""

    def step(self, what: str, incident_id: str, fate: str) -> None:
        self._happen(what, incident_id)
        if fate != "waits":
            self.send(incident_id, lost=fate == "lost")

    def _happen(self, what: str, incident_id: str) -> None:
        match what:
            case "open" if incident_id not in self.opened:
                self.generations[incident_id] += 1
                self.opened.add(incident_id)
                self._record(incident_id, NEW)
            case "end" if incident_id in self.opened:
                self.opened.remove(incident_id)
                self._record(incident_id, RESOLVED)
            case "forget":
                self.api.seen = [alert for alert in self.api.seen if alert.external_id != incident_id]
            case "close":
                self._close(incident_id)
            case "pass":
                self.clock.pass_(minutes=7)
            case "reconcile" | "repair":
                self.reconcile(repair=what == "repair")

    def reconcile(self, *, repair: bool = False) -> None:
        for one in self.reconciliation.reconcile(at_once=repair, repair=repair):
            if repair and one.mended and one.drift.kind is DriftKind.MISSING:
                self.repaired[one.drift.incident_id] += 1

    def send(self, incident_id: str, *, lost: bool = False) -> None:
        """SIGNL4 takes the next message of the incident. What is lost has no effect there."""
        if not any(row.state == "pending" for (one, *_), row in rows(self.engine).items() if one == incident_id):
            return
        due = head(self.store, incident_id)
        kind, generation = due.kind, due.generation
        later = [one for one in self.sent if one[:2] == (incident_id, NEW) and one[2] > generation]
        assert kind is not RESOLVED or not later, "an end closes the alert of an incident that is open again"
        self.events += 1
        event_id = f"event {self.events}"
        deliver(self.store, incident_id, at=self.clock(), event_id=event_id)
        self.sent.append((incident_id, kind, generation))
        if not lost and kind is NEW:
            alert = seen_alert(incident_id, event_id=event_id, created_at=self.clock())
            self.api.seen.append(replace(alert, id=f"alert {self.events}"))
        elif not lost:
            self._close(incident_id)

    def end(self) -> None:
        """Nothing is lost any more: all is sent, and SIGNL4 is asked until it must agree."""
        for _ in range(4):
            self._send_all()
            self.clock.pass_(minutes=7)
            self.reconcile()
        self._send_all()

    def _send_all(self) -> None:
        while waiting := {key[0] for key, row in rows(self.engine).items() if row.state == "pending"}:
            for incident_id in waiting:
                self.send(incident_id)

    def open_alerts(self, incident_id: str) -> int:
        return sum(alert.external_id == incident_id and alert.phase is not AlertPhase.CLOSED for alert in self.api.seen)

    def _record(self, incident_id: str, kind: Kind) -> None:
        tell(self.store, incident_id, kind, at=self.clock(), generation=self.generations[incident_id])

    def _close(self, incident_id: str) -> None:
        self.api.seen = [
            replace(alert, phase=AlertPhase.CLOSED) if alert.external_id == incident_id else alert
            for alert in self.api.seen
        ]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, empty_database: bytes) -> Path:
    """A database in which nothing is recorded."""
    file = tmp_path_factory.mktemp("empty") / "state.db"
    file.write_bytes(empty_database)
    return file


@given(steps=STEPS)
def test_what_is_over_has_no_open_alert_and_what_is_open_has_one_or_is_named(
    empty: Path, steps: list[tuple[str, str, str]]
) -> None:
    with TemporaryDirectory() as directory:
        file = Path(directory, "state.db")
        file.write_bytes(empty.read_bytes())
        world = World(file)
        for step in steps:
            world.step(*step)
        world.end()
        missing = {one.incident_id for one in queries.snapshot(world.engine).drift if one.kind is DriftKind.MISSING}
        for incident_id in IDS:
            if incident_id not in world.opened:
                assert world.open_alerts(incident_id) == 0
                assert incident_id not in missing
            else:
                known = any(alert.external_id == incident_id for alert in world.api.seen)
                assert known or incident_id in missing
            told = sum(one[:2] == (incident_id, NEW) for one in world.sent)
            assert told <= world.generations[incident_id] + world.repaired[incident_id]
        world.engine.dispose()
