"""People act on both sides, in any order: no echo goes round, and nothing is written back that no person did."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from daemon.model.incident import Kind, Phase
from tests.support.engines import engine_on
from tests.support.two_way import BOTH
from tests.worlds.both_sides import WHO, Act, BothSides
from tests.worlds.test_world import NIGHTLY

EMPTY: dict[str, bytes] = {}
IDS = ("1", "2")
ORDER = [Kind.NEW, Kind.ACKNOWLEDGED, Kind.RESOLVED]


@pytest.fixture(scope="module", autouse=True)
def _remember_an_empty_database(empty_database: bytes) -> None:
    EMPTY["bytes"] = empty_database


class Interleavings(RuleBasedStateMachine):
    """Each step is one of either side, or one of the flows."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        database = Path(self._directory.name) / "state.db"
        database.write_bytes(EMPTY["bytes"])
        self.engine = engine_on(database)
        self.wanted: tuple[Kind, ...] = BOTH
        self.world = BothSides(self.engine)
        # The first start tells of nothing that is over, and of all that is open.
        self.world.flows.round(sweep=True)
        for incident_id in IDS:
            self.world.is_at_better_stack(incident_id, "Started", started_at=self.world.clock())

    @initialize(wanted=st.sampled_from([(Kind.ACKNOWLEDGED,), BOTH]))
    def want(self, wanted: tuple[Kind, ...]) -> None:
        """That a close resolves nothing is the default."""
        self.wanted = wanted
        self.world.looks.begin(*wanted)

    # -- people -------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.raised)
    @rule(data=st.data(), kind=st.sampled_from([Kind.ACKNOWLEDGED, Kind.ACKNOWLEDGED, Kind.RESOLVED]))
    def act_in_signl4(self, data: st.DataObject, kind: Kind) -> None:
        self.world.act(data.draw(st.integers(0, len(self.world.raised) - 1)), kind)

    @precondition(lambda self: self.world.raised)
    @rule(data=st.data())
    def signl4_closes(self, data: st.DataObject) -> None:
        self.world.close_by_itself(data.draw(st.integers(0, len(self.world.raised) - 1)))

    @rule(incident_id=st.sampled_from(IDS), status=st.sampled_from(["Acknowledged", "Resolved", "Started"]))
    def act_in_better_stack(self, incident_id: str, status: str) -> None:
        now, phase = self.world.clock(), self.world.phase(incident_id)
        reopened_at = self.world.flows.betterstack.incidents[incident_id].reopened_at
        match status, phase:
            case "Acknowledged", Phase.OPEN:
                self.world.is_at_better_stack(incident_id, status, acknowledged_at=now, reopened_at=reopened_at)
            case "Resolved", Phase.OPEN | Phase.ACKNOWLEDGED:
                self.world.is_at_better_stack(incident_id, status, resolved_at=now, reopened_at=reopened_at)
            case "Started", Phase.RESOLVED:
                self.world.is_at_better_stack(incident_id, status, reopened_at=now)

    # -- the flows ----------------------------------------------------------------------------------------------------

    @rule()
    def poll(self) -> None:
        self.world.flows.round(sweep=True)

    @rule(with_closed=st.booleans())
    def look(self, with_closed: bool) -> None:
        self.world.looks.signl4.with_closed = with_closed
        self.world.looks.look()

    @rule(to_better_stack=st.booleans(), lost=st.booleans(), shown_as=st.sampled_from(list(WHO)))
    def deliver(self, to_better_stack: bool, lost: bool, shown_as: str) -> None:
        self.world.shown_as = shown_as
        self.world.deliver(self.world.looks.betterstack if to_better_stack else self.world.store, lost=lost)

    @rule(to_better_stack=st.booleans())
    def die(self, to_better_stack: bool) -> None:
        """Between a request and its record."""
        self.world.deliver(self.world.looks.betterstack if to_better_stack else self.world.store, killed=True)
        self.restart()

    @rule()
    def restart(self) -> None:
        self.world.flows.configure()
        self.world.looks.begin(*self.wanted)

    # -- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_written_back_that_no_person_did(self) -> None:
        written = {_act(row) for row in self.world.looks.rows()}
        assert written <= self.world.acts
        assert {kind for *_, kind in written} <= {*self.wanted}
        assert set(self.world.written) <= self.world.acts

    @invariant()
    def better_stack_is_told_in_order(self) -> None:
        for incident_id in IDS:
            told = [(generation, kind) for one, generation, kind in self.world.written if one == incident_id]
            assert told == sorted(told, key=lambda one: (one[0], ORDER.index(one[1])))

    @invariant()
    def nobody_is_left_out_because_of_a_person_who_did_nothing(self) -> None:
        rows = self.world.flows.outbox("incident_id", "generation", "kind", "reason")
        first = {_act_of(*row[:3]) for row in rows if row[3] == "acknowledged in SIGNL4 first"}
        assert first <= self.world.acts

    def teardown(self) -> None:
        """In the end both sides agree, as far as a person of SIGNL4 has the last word."""
        try:
            self.world.looks.signl4.with_closed = True
            self.world.settle_down()
            for incident_id in IDS:
                phase, state = self.world.phase(incident_id), self.world.flows.recorded(incident_id)
                assert phase is state.phase
                if phase is Phase.OPEN:
                    assert (incident_id, state.generation, Kind.ACKNOWLEDGED) not in self.world.acts
                if phase is not Phase.RESOLVED and Kind.RESOLVED in self.wanted:
                    assert (incident_id, state.generation, Kind.RESOLVED) not in self.world.acts
        finally:
            self.engine.dispose()
            self._directory.cleanup()


def _act(row: object) -> Act:
    return _act_of(row.incident_id, row.generation, row.kind)  # type: ignore[attr-defined]


def _act_of(incident_id: str, generation: int, kind: str) -> Act:
    return incident_id, generation, Kind(kind)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(
    max_examples=1000 if NIGHTLY else 50,
    stateful_step_count=40,
    # What fails is shown as it was found: to make it shorter takes minutes.
    phases=[phase for phase in Stage if NIGHTLY or phase is not Stage.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
