"""`retry` and `drop` beside a running sender: whenever they come, nothing is told twice, out of order or too late."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

import pytest
import time_machine
from sqlalchemy import Connection, Engine, event, update

from daemon.model.admission import Held
from daemon.model.delivery import Answer, DeliveryState, DestinationState, Disposition, Scope, TryLater
from daemon.model.errors import DatabaseBusyError
from daemon.model.incident import Kind
from daemon.storage import operate
from daemon.storage.engine import transaction
from daemon.storage.operate import Dropping, Revival
from daemon.storage.schema import DELIVERIES
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, OUTAGE, REFUSED, WRONG_SECRET, Flows
from tests.support.kept_log import KeptLog
from tests.support.outbox import (
    ACKNOWLEDGED,
    DEAD,
    DELIVERED,
    NEW,
    PENDING,
    RESOLVED,
    SUPERSEDED,
    after,
    deliver,
    head,
    kill,
    postpone,
    put,
    refuse,
    rows,
    settle,
    states,
    tell,
)
from tests.support.refused import refused
from tests.support.store import Store
from tests.support.values import NOW, ago


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    return Flows(engine, clock, log, store, delivery={"concurrency": 1})


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


# -- retry ------------------------------------------------------------------------------------------------------------


def retried(engine: Engine, *ids: int, force: bool = False) -> list[Revival]:
    return operate.revive(engine, ids, force=force)


def test_what_waits_is_due_now_with_the_payload_it_has(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, at=ago(minutes=9))
    refuse(store, "1", at=ago(minutes=8))
    postpone(store, "1", attempt_at=ago(minutes=7), until=after(minutes=5))
    before = rows(engine)["1", 1, "new"]._asdict()
    assert retried(engine, 1) == [Revival(1, None, "due now")]
    assert rows(engine)["1", 1, "new"]._asdict() == {**before, "due_at": NOW}


def test_what_a_rule_holds_is_due_now_and_the_operator_is_told_of_the_rule(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, at=ago(minutes=9))
    store.put_off([Held(head(store, "1"), after(minutes=5), "silence 1 (disks)")], [], NOW)
    became = "due now, but is sent only once this holds it no longer: silence 1 (disks)"
    assert retried(engine, 1) == [Revival(1, None, became)]
    assert rows(engine)["1", 1, "new"].due_at == NOW


def test_what_is_due_already_is_not_put_off(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, at=ago(minutes=9))
    retried(engine, 1)
    assert rows(engine)["1", 1, "new"].due_at == ago(minutes=9)


def test_what_an_operator_retries_keeps_the_gap(flows: Flows) -> None:
    flows.see("7")
    flows.drain()
    flows.see("7", status="Resolved", resolved_at=NOW)
    retried(flows.engine, 2)
    flows.drain_for(minutes=1)
    assert flows.signl4.times == [0, 2]


def test_what_failed_on_its_own_starts_afresh(store: Store, engine: Engine) -> None:
    put(store, "1", DEAD, NEW)
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql("UPDATE deliveries SET own_fault = true, failing_since = created_at")
    retried(engine, 1)
    assert (rows(engine)["1", 1, "new"].own_fault, rows(engine)["1", 1, "new"].failing_since) == (False, None)


REOPENED = "delivery 1 tells `resolved` of incident 1, which was opened again, and that alert would be closed; --force"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("later", [None, *DeliveryState])
def test_an_end_is_refused_once_a_new_beginning_has_followed(
    store: Store, engine: Engine, later: DeliveryState | None, force: bool
) -> None:
    put(store, "1", DEAD, RESOLVED)
    if later is not None:
        put(store, "1", later, NEW, generation=2)
    [revival] = retried(engine, 1, force=force)
    refused = later is not None and not force
    assert (revival.refusal or "").startswith(REOPENED if refused else "")
    assert (revival.refusal is not None) is refused
    assert states(engine)["1", 1, "resolved"] == ("dead" if refused else "pending")


@pytest.mark.parametrize(("incident_id", "kind", "generation"), [("2", NEW, 2), ("1", NEW, 1)])
def test_the_beginning_of_another_incident_or_of_the_same_generation_does_not_hinder_an_end(
    store: Store, engine: Engine, incident_id: str, kind: Kind, generation: int
) -> None:
    put(store, "1", DEAD, RESOLVED)
    tell(store, incident_id, kind, generation=generation)
    assert retried(engine, 1) == [Revival(1, None)]


# -- drop -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [DEAD, PENDING])
@pytest.mark.parametrize("kind", Kind)
def test_what_is_dead_or_waits_is_superseded_by_hand(
    store: Store, engine: Engine, kind: Kind, state: DeliveryState
) -> None:
    put(store, "1", state, kind)
    before = rows(engine)["1", 1, kind]._asdict()
    assert operate.drop(engine, [1]) == [Dropping(1, None)]
    expected = {**before, "state": "superseded", "reason": "dropped by hand"}
    assert rows(engine)["1", 1, kind]._asdict() == expected


@pytest.mark.parametrize("state", [DELIVERED, SUPERSEDED])
def test_what_is_settled_is_not_dropped(store: Store, engine: Engine, state: DeliveryState) -> None:
    put(store, "1", state, NEW)
    before = rows(engine)
    assert operate.drop(engine, [1]) == [Dropping(1, f"delivery 1 is {state}, neither waiting nor dead")]
    assert rows(engine) == before


@pytest.mark.parametrize("unheard_of", [7, 0, -1, 2**63 - 1, 2**63, 10**30])
def test_there_is_no_such_delivery_to_drop(engine: Engine, unheard_of: int) -> None:
    sentence = f"there is no delivery {unheard_of}; `deliveries` lists them"
    assert operate.drop(engine, [unheard_of]) == [Dropping(unheard_of, sentence)]
    assert operate.droppable(engine, [unheard_of]) == []


def test_a_beginning_that_was_never_attempted_takes_the_rest_of_its_generation_with_it(
    store: Store, engine: Engine
) -> None:
    tell(store, "1", NEW, RESOLVED)
    tell(store, "1", NEW, generation=2)
    tell(store, "2", NEW)
    assert operate.drop(engine, [1, 2, 1]) == [Dropping(1, None, (2,)), Dropping(2, None), Dropping(1, None, (2,))]
    assert states(engine) == {
        ("1", 1, "new"): "superseded",
        ("1", 1, "resolved"): "superseded",
        ("1", 2, "new"): "pending",
        ("2", 1, "new"): "pending",
    }
    assert rows(engine)["1", 1, "resolved"].reason == "dropped by hand with its `new`"


@pytest.mark.parametrize("attempt", [postpone, kill])
def test_a_beginning_that_was_attempted_leaves_its_end_to_be_told(
    flows: Flows, store: Store, engine: Engine, attempt: Callable[[Store, str], None]
) -> None:
    tell(store, "1", NEW, RESOLVED)
    attempt(store, "1")
    assert operate.drop(engine, [1]) == [Dropping(1, None)]
    flows.drain_for(minutes=1)
    assert flows.signl4.told == [("1", "resolved")]
    assert states(engine) == {("1", 1, "new"): "superseded", ("1", 1, "resolved"): "delivered"}


@pytest.mark.parametrize("attempted", [False, True])
@pytest.mark.parametrize("how", [(ACKNOWLEDGED,), (RESOLVED,), (ACKNOWLEDGED, RESOLVED)])
def test_what_happens_after_the_drop_is_told_only_if_somebody_may_have_heard(
    flows: Flows, store: Store, engine: Engine, how: tuple[Kind, ...], attempted: bool
) -> None:
    tell(store, "1", NEW)
    if attempted:
        postpone(store, "1")
    operate.drop(engine, [1])
    for kind in how:
        tell(store, "1", kind)
    tell(store, "1", NEW, generation=2)
    flows.drain_for(minutes=1)
    expected = [str(kind) for kind in how if kind is RESOLVED or RESOLVED not in how] if attempted else []
    assert [kind for _, kind in flows.signl4.told] == [*expected, "new"]
    if not attempted:
        unheard = [
            row.reason for (_, generation, kind), row in rows(engine).items() if (generation, kind) != (2, "new")
        ]
        assert unheard == ["dropped by hand", *["nobody was told of the beginning"] * len(how)]


@pytest.mark.parametrize("others", [0, 1])
def test_with_the_last_of_what_waits_goes_the_doubt_about_the_secret(store: Store, engine: Engine, others: int) -> None:
    refused = DestinationState(secret_refused_since=ago(hours=1), probe_at=after(seconds=50), why="403")
    for n in range(1 + others):
        tell(store, str(n), NEW)
    settle(
        store, head(store, "0"), TryLater("403", Scope.SECRET), Disposition(PENDING, after(minutes=1)), target=refused
    )
    operate.drop(engine, [1])
    assert store.destination_state() == (refused if others else DestinationState(why="403"))


def test_dropping_takes_all_of_them_or_none(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    tell(store, "2", NEW)
    with refused(engine, "UPDATE", "deliveries", "old.id = 2"), pytest.raises(DatabaseBusyError):
        operate.drop(engine, [1, 2])
    assert set(states(engine).values()) == {"pending"}


# -- interleavings ----------------------------------------------------------------------------------------------------


class Moment(StrEnum):
    """When an operator's command is done, seen from one attempt of the sender."""

    BEFORE = auto()
    READ = auto()
    """The row was read, and is about to be claimed."""
    ON_ITS_WAY = auto()
    AFTER = auto()


@dataclass
class Hand:
    """The operator, on an engine of their own, as another process has it."""

    flows: Flows
    engine: Engine
    moment: Moment
    deeds: list[Callable[[Engine], Any]] = field(default_factory=list)

    def attempt(self, deed: Callable[[Engine], Any], answer: Answer | None) -> None:
        """One pass of the sender, with the deed at the moment. Without an answer the program is killed meanwhile."""
        self.deeds = [deed]
        self.flows.clock.pass_(seconds=5)
        answers = [answer]
        self.flows.signl4.answer = lambda _: self._answer(answers.pop()) if answers else ACCEPTED
        if self.moment is Moment.BEFORE:
            self._do()
        try:
            self.flows.drain()
        except DatabaseBusyError:
            assert answer is None
        if self.moment is Moment.AFTER:
            self._do()
        self.flows.signl4.answer = lambda _: ACCEPTED

    def before_a_transaction(self, connection: Connection) -> None:
        """On PostgreSQL the driver begins it, and not SQLAlchemy."""
        if connection.dialect.name == "postgresql" and connection.get_execution_options().get("writes"):
            self.before_a_statement(connection, None, "BEGIN IMMEDIATE")

    def before_a_statement(self, _connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if self.moment is Moment.READ and statement == "BEGIN IMMEDIATE":
            self._do()
        if self.flows.stopped:
            raise DatabaseBusyError("the program was killed")

    def _answer(self, answer: Answer | None) -> Answer:
        if self.moment is Moment.ON_ITS_WAY:
            self._do()
        self.flows.stopped = answer is None
        return answer or ACCEPTED

    def _do(self) -> None:
        if self.deeds:
            self.deeds.pop()(self.engine)

    def resume(self) -> None:
        """The next start, if it was killed; then all that waits is told."""
        self.flows.stopped = False
        self.flows.configure(delivery={"concurrency": 1})
        self.flows.drain_for(minutes=30)


@pytest.fixture
def hand(flows: Flows, other_engine: Engine, request: pytest.FixtureRequest) -> Iterator[Hand]:
    hand = Hand(flows, other_engine, request.param)
    event.listen(flows.engine, "begin", hand.before_a_transaction)
    event.listen(flows.engine, "before_cursor_execute", hand.before_a_statement)
    yield hand
    event.remove(flows.engine, "begin", hand.before_a_transaction)
    event.remove(flows.engine, "before_cursor_execute", hand.before_a_statement)


at_every_moment = pytest.mark.parametrize("hand", Moment, indirect=True)
ANSWERS = {"taken": ACCEPTED, "outage": OUTAGE, "refused": REFUSED, "wrong secret": WRONG_SECRET, "killed": None}


@at_every_moment
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_beginning_that_is_dropped(hand: Hand, engine: Engine, answer: str) -> None:
    """Never attempted, it takes its end with it; else its end is told. Nothing is sent twice."""
    hand.flows.see("1")
    hand.attempt(lambda other: operate.drop(other, [1]), ANSWERS[answer])
    hand.flows.stopped = False
    hand.flows.see("1", status="Resolved", resolved_at=hand.flows.clock())
    hand.resume()
    heard = hand.moment in {Moment.ON_ITS_WAY, Moment.AFTER}
    minimal = answer == "refused" and hand.moment is Moment.AFTER
    assert [kind for _, kind in hand.flows.signl4.told] == (["new"] * (1 + minimal) + ["resolved"] if heard else [])
    taken = minimal or (answer == "taken" and heard)
    assert states(engine) == {
        ("1", 1, "new"): "delivered" if taken else "superseded",
        ("1", 1, "resolved"): "delivered" if heard else "superseded",
    }
    on_its_way = hand.moment is Moment.ON_ITS_WAY and answer in {"outage", "refused", "wrong secret"}
    assert len(hand.flows.log.named("dropped on its way")) == on_its_way
    if on_its_way:
        assert hand.flows.log.named("payload refused, trying a minimal one") == []


def test_what_is_dropped_on_its_way_and_refused_for_good_is_not_dead(flows: Flows, engine: Engine) -> None:
    def refused(_: object) -> Answer:
        if len(flows.signl4.sent) == 2:
            operate.drop(engine, [1])
        return REFUSED

    flows.signl4.answer = refused
    flows.see("1")
    flows.drain()
    assert states(engine) == {("1", 1, "new"): "superseded"}
    assert (flows.deliver.deaths, flows.log.named("delivery dead")) == (0, [])


@at_every_moment
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_end_that_is_dropped(hand: Hand, engine: Engine, store: Store, answer: str) -> None:
    put(store, "1", DELIVERED, NEW, RESOLVED, at=ago(minutes=1))
    hand.attempt(lambda other: operate.drop(other, [2]), ANSWERS[answer])
    hand.resume()
    sent = hand.moment in {Moment.ON_ITS_WAY, Moment.AFTER}
    minimal = answer == "refused" and hand.moment is Moment.AFTER
    assert hand.flows.signl4.told == [("1", "resolved")] * (sent + minimal)
    taken = minimal or (answer == "taken" and sent)
    assert states(engine)["1", 1, "resolved"] == ("delivered" if taken else "superseded")


@at_every_moment
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_beginning_that_is_revived_by_force_while_its_end_goes_out(
    hand: Hand, engine: Engine, store: Store, answer: str
) -> None:
    """It goes first wherever the end was not claimed yet."""
    put(store, "1", DEAD, NEW, RESOLVED, at=ago(minutes=1))
    hand.attempt(lambda other: retried(other, 1, force=True), ANSWERS[answer])
    hand.resume()
    first, *rest = [kind for _, kind in hand.flows.signl4.told]
    assert first == ("new" if hand.moment in {Moment.BEFORE, Moment.READ} else "resolved")
    if first == "new":
        assert rest[-1] == "resolved"
    assert set(states(engine).values()) == {"delivered"}


@at_every_moment
def test_an_end_that_is_revived_by_force_while_the_next_beginning_goes_out(
    hand: Hand, engine: Engine, store: Store
) -> None:
    put(store, "1", DEAD, RESOLVED, at=ago(minutes=1))
    tell(store, "1", NEW, generation=2)
    hand.attempt(lambda other: retried(other, 1, force=True), ACCEPTED)
    hand.resume()
    early = hand.moment in {Moment.BEFORE, Moment.READ}
    assert [kind for _, kind in hand.flows.signl4.told] == (["resolved", "new"] if early else ["new", "resolved"])


@at_every_moment
@pytest.mark.parametrize("answer", ["outage", "refused", "killed"])
def test_what_waits_and_is_retried_is_told_once_more_and_no_more_often(
    hand: Hand, engine: Engine, store: Store, answer: str
) -> None:
    tell(store, "1", NEW, at=ago(minutes=1))
    hand.attempt(lambda other: retried(other, 1), ANSWERS[answer])
    hand.resume()
    assert states(engine) == {("1", 1, "new"): "delivered"}
    assert len(hand.flows.signl4.sent) == 2


BOTH: list[tuple[str, list[Callable[[Engine], Any]], str]] = [
    ("retry, then drop", [lambda engine: retried(engine, 1), lambda engine: operate.drop(engine, [1])], "superseded"),
    ("drop, then retry", [lambda engine: operate.drop(engine, [1]), lambda engine: retried(engine, 1)], "superseded"),
    ("retry twice", [lambda engine: retried(engine, 1)] * 2, "pending"),
    ("drop twice", [lambda engine: operate.drop(engine, [1])] * 2, "superseded"),
]


@pytest.mark.parametrize(("case", "deeds", "state"), BOTH, ids=[case for case, *_ in BOTH])
@pytest.mark.parametrize("before", [DEAD, PENDING])
def test_of_two_operators_the_one_who_gives_up_has_the_last_word(
    store: Store, engine: Engine, *, before: DeliveryState, case: str, deeds: list[Callable[[Engine], Any]], state: str
) -> None:
    put(store, "1", before, NEW)
    for deed in deeds:
        deed(engine)
    assert states(engine) == {("1", 1, "new"): state}, case


def spoil(store: Store) -> None:
    """Its payload is noted as refused, without an attempt."""
    with transaction(store._engine, writes=True) as connection:
        connection.execute(update(DELIVERIES).values(refused_payload={}))


STALE: list[tuple[str, Callable[[Store], object]]] = [
    ("another payload since", spoil),
    ("attempted since", lambda store: postpone(store, "1")),
    ("refused since", lambda store: refuse(store, "1")),
    ("dead since", lambda store: kill(store, "1")),
    ("delivered since", lambda store: deliver(store, "1")),
    ("superseded since", lambda store: store.supersede(head(store, "1"), "why")),
]


@pytest.mark.parametrize(("case", "happens"), STALE, ids=[case for case, _ in STALE])
def test_what_is_not_as_it_was_read_is_not_claimed(
    store: Store, engine: Engine, *, case: str, happens: Callable[[Store], object]
) -> None:
    tell(store, "1", NEW)
    read = head(store, "1")
    happens(store)
    before = rows(engine)
    assert store.claim(read, after(seconds=1)) is False, case
    assert rows(engine) == before


def test_what_is_not_the_first_of_its_incident_any_more_is_not_claimed(store: Store, engine: Engine) -> None:
    put(store, "1", DEAD, NEW, RESOLVED)
    read = head(store, "1")
    retried(engine, 1, force=True)
    assert store.claim(read, after(seconds=1)) is False
    assert store.claim(head(store, "1"), after(seconds=1)) is True
