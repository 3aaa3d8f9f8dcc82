"""The look that asks what became of each page: when, how often, and what follows from the answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from daemon.decisions.page_proof import GIVEN_UP_AFTER
from daemon.model.destination import DEFAULT, Destination
from daemon.model.errors import DatabaseBusyError, KeyRefusedError, Signl4ApiError, StoppedError
from daemon.model.page_proof import Unpaged
from daemon.model.signl4 import EventStatus
from daemon.page_proof import AT_A_LOOK, PageProof
from daemon.storage import history, queries
from daemon.storage.engine import transaction
from daemon.storage.page_proofs import PageProofs
from daemon.storage.schema import DELIVERIES, DESTINATIONS
from daemon.storage.two_way_schema import PAGE_PROOFS
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.outbox import DEAD, NEW, RESOLVED, change, deliver, put, tell
from tests.support.refused import refused
from tests.support.rest import FakeApi, seen_alert
from tests.support.store import Store


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def proof(api: FakeApi, engine: Engine, clock: Clock, log: KeptLog) -> PageProof:
    return PageProof(api, PageProofs(engine, [DEFAULT]), clock=clock, log=log)


def taken(store: Store, incident_id: str, clock: Clock, **changes: Any) -> None:
    """SIGNL4 takes the `new` of an incident now."""
    tell(store, incident_id, NEW, at=clock(), **changes)
    deliver(store, incident_id, at=clock(), event_id=f"event {incident_id}")


def verdicts(engine: Engine) -> dict[str, str | None]:
    with engine.connect() as connection:
        return {row.incident_id: row.verdict for row in connection.execute(select(PAGE_PROOFS))}


def story(engine: Engine, incident_id: str, clock: Clock) -> list[str]:
    record = history.read(engine, incident_id, clock()).record
    assert record is not None
    return [entry.why for entry in record.history if entry.what == "page"]


def looks(proof: PageProof, clock: Clock, *, seconds: float, times: int) -> None:
    for _ in range(times):
        clock.pass_(seconds=seconds)
        proof.look()


def test_it_is_asked_three_seconds_after_signl4_took_it(
    proof: PageProof, api: FakeApi, store: Store, clock: Clock
) -> None:
    taken(store, "1", clock)
    api.became("event 1")
    looks(proof, clock, seconds=2.9, times=1)
    assert api.asked == []
    looks(proof, clock, seconds=0.1, times=1)
    assert api.asked == ["outcome event 1"]


def test_what_is_paged_is_settled_and_asked_about_no_more(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock, log: KeptLog
) -> None:
    taken(store, "1", clock)
    api.became("event 1")
    looks(proof, clock, seconds=60, times=20)
    assert api.asked == ["outcome event 1"]
    assert verdicts(engine) == {"1": "paged"}
    assert log.named("paged") == [{"incident": "1", "team": "default"}]
    assert story(engine, "1", clock) == ["paged: an alert was raised"]
    assert queries.snapshot(engine).unpaged == ()


def test_what_paged_nobody_is_known_with_its_reason_until_the_incident_is_over(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock, log: KeptLog
) -> None:
    taken(store, "1", clock)
    api.became("event 1", EventStatus.NO_RULE)
    looks(proof, clock, seconds=60, times=20)
    why = "no distribution rule of SIGNL4 applies to it; add one that does"
    assert queries.snapshot(engine).unpaged == (Unpaged("1", "default", why),)
    assert log.named("nobody paged") == [{"incident": "1", "team": "default", "why": why}]
    assert story(engine, "1", clock) == [f"not paged: {why}"]
    tell(store, "1", RESOLVED, at=clock())
    assert queries.snapshot(engine).unpaged == ()


def test_a_reopened_incident_whose_next_page_reached_somebody_is_none_of_them(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    taken(store, "1", clock)
    api.became("event 1", EventStatus.FILTERED)
    looks(proof, clock, seconds=3, times=1)
    tell(store, "1", RESOLVED, at=clock())
    deliver(store, "1", at=clock())
    taken(store, "1", clock, generation=2)
    api.became("event 1", EventStatus.RAISED)
    assert queries.snapshot(engine).unpaged == ()
    looks(proof, clock, seconds=3, times=1)
    assert queries.snapshot(engine).unpaged == ()


def test_what_is_processed_is_asked_about_again_with_growing_waits_for_a_quarter_of_an_hour(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    taken(store, "1", clock)
    api.became("event 1", EventStatus.PROCESSING)
    looks(proof, clock, seconds=1, times=14 * 60)
    assert len(api.asked) == 11
    assert verdicts(engine) == {"1": None}
    looks(proof, clock, seconds=10, times=30)
    assert verdicts(engine) == {"1": "not paged"}
    before = len(api.asked)
    looks(proof, clock, seconds=60, times=60)
    assert len(api.asked) == before


def test_a_duplicate_is_settled_by_the_alerts_there_are(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    for incident_id in ("1", "2"):
        taken(store, incident_id, clock)
        api.became(f"event {incident_id}", EventStatus.DUPLICATE_SUPPRESSED)
    api.seen = [seen_alert("1")]
    looks(proof, clock, seconds=3, times=1)
    assert verdicts(engine) == {"1": "paged", "2": "not paged"}
    assert api.asked == ["outcome event 1", "alerts of 1", "outcome event 2", "alerts of 2"]


def test_what_signl4_calls_the_team_is_kept_and_forgotten_by_no_answer_without_it(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    answers: list[dict[str, Any]] = [{"team_id": "t", "event_source": "s"}, {"event_source": "s2"}, {}]
    for number, said in enumerate(answers):
        taken(store, str(number), clock)
        api.became(f"event {number}", **said)
    looks(proof, clock, seconds=3, times=1)
    with engine.connect() as connection:
        columns = DESTINATIONS.c.team_id, DESTINATIONS.c.event_source
        assert connection.execute(select(*columns)).one() == ("t", "s2")


# -- of which messages ------------------------------------------------------------------------------------------------


def test_only_what_signl4_took_as_an_event_is_asked_about(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    tell(store, "1", NEW)
    tell(store, "2", NEW)
    deliver(store, "2")
    put(store, "3", DEAD, NEW)
    tell(store, "4", RESOLVED)
    deliver(store, "4", event_id="event 4")
    other = Store(engine, Destination("night", "https://signl4.example.org"))
    other.configure([DEFAULT, "night"])
    taken(store, "5", clock)
    with transaction(engine, writes=True) as connection:
        connection.execute(update(DELIVERIES).where(DELIVERIES.c.incident_id == "5").values(destination="night"))
    looks(proof, clock, seconds=60, times=3)
    assert (api.asked, verdicts(engine)) == ([], {})


def test_what_was_taken_more_than_an_hour_ago_is_not(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    taken(store, "1", clock)
    clock.now += GIVEN_UP_AFTER
    taken(store, "2", clock)
    looks(proof, clock, seconds=3, times=1)
    assert api.asked == ["outcome event 2"]
    assert verdicts(engine).keys() == {"2"}


def test_a_look_asks_about_a_few_and_the_next_goes_on(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    for number in range(10):
        taken(store, str(number), clock)
        api.became(f"event {number}")
    looks(proof, clock, seconds=5, times=1)
    assert len(api.asked) == AT_A_LOOK
    looks(proof, clock, seconds=5, times=2)
    assert set(verdicts(engine).values()) == {"paged"}
    assert len(api.asked) == len(set(api.asked)) == 10


def test_a_clock_that_was_wrong_keeps_no_question_waiting(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    taken(store, "1", clock)
    proof.look()
    api.became("event 1")
    clock.pass_(hours=-1)
    proof.look()
    assert verdicts(engine) == {"1": "paged"}


# -- when SIGNL4 or the database fails --------------------------------------------------------------------------------


def broken(what: str) -> Callable[[str], Signl4ApiError | None]:
    return lambda request: Signl4ApiError("SIGNL4 answered HTTP 500") if what in request else None


def test_one_that_cannot_be_answered_holds_up_no_other(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    for number in range(3):
        taken(store, str(number), clock)
        api.became(f"event {number}")
    api.fails = broken("event 0")
    clock.pass_(seconds=3)
    with pytest.raises(Signl4ApiError):
        proof.look()
    proof.look()
    assert verdicts(engine) == {"0": None, "1": "paged", "2": "paged"}
    api.fails = lambda _: None
    looks(proof, clock, seconds=6, times=1)
    assert verdicts(engine)["0"] == "paged"


def test_an_answer_of_which_half_is_missing_settles_nothing(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    taken(store, "1", clock)
    api.became("event 1", EventStatus.DUPLICATE_SUPPRESSED)
    api.fails = broken("alerts of")
    clock.pass_(seconds=3)
    with pytest.raises(Signl4ApiError):
        proof.look()
    assert verdicts(engine) == {"1": None}


def test_after_an_hour_out_of_reach_it_is_not_known_and_nobody_is_woken_for_that(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock, log: KeptLog
) -> None:
    taken(store, "1", clock)
    api.fails = lambda _: KeyRefusedError("SIGNL4 refuses the API key")
    for _ in range(59):
        clock.pass_(minutes=1)
        try:
            proof.look()
        except KeyRefusedError:
            continue
    assert verdicts(engine) == {"1": None}
    asked = len(api.asked)
    looks(proof, clock, seconds=60, times=2)
    assert (verdicts(engine), len(api.asked)) == ({"1": "unknown"}, asked)
    assert queries.snapshot(engine).unpaged == ()
    assert [one["incident"] for one in log.named("page unknown")] == ["1"]


def test_a_stop_is_passed_on_and_costs_nothing(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    taken(store, "1", clock)

    def stops(_: str) -> None:
        raise StoppedError("the program is stopping")

    api.before = stops
    clock.pass_(seconds=3)
    with pytest.raises(StoppedError):
        proof.look()
    api.before = lambda _: None
    api.became("event 1")
    proof.look()
    assert verdicts(engine) == {"1": "paged"}


def test_what_cannot_be_recorded_is_asked_again(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock, log: KeptLog
) -> None:
    taken(store, "1", clock)
    api.became("event 1")
    clock.pass_(seconds=3)
    with refused(engine, "UPDATE", "page_proofs"), pytest.raises(DatabaseBusyError):
        proof.look()
    assert log.named("paged") == []
    proof.look()
    assert verdicts(engine) == {"1": "paged"}


def test_a_message_that_is_sent_again_meanwhile_gets_a_proof_of_its_own(
    proof: PageProof, api: FakeApi, store: Store, engine: Engine, clock: Clock, log: KeptLog
) -> None:
    taken(store, "1", clock)
    api.became("event 1", EventStatus.FILTERED)

    def sent_again(_: str) -> None:
        with transaction(engine, writes=True) as connection:
            connection.execute(PAGE_PROOFS.delete())

    api.before = sent_again
    looks(proof, clock, seconds=3, times=1)
    assert (verdicts(engine), log.events, story(engine, "1", clock)) == ({}, [], [])


def test_without_a_new_message_a_look_writes_nothing_and_asks_nobody(
    proof: PageProof, api: FakeApi, store: Store, database: Path, clock: Clock
) -> None:
    store.record([change("1", NEW)], clock())
    before = database.stat().st_mtime_ns, database.read_bytes()
    looks(proof, clock, seconds=60, times=5)
    assert (database.stat().st_mtime_ns, database.read_bytes()) == before
    assert api.asked == []
