"""What a live view reads."""

from datetime import timedelta

from sqlalchemy import Engine, event, text

from daemon.model.delivery import WINDOW, DeliveryState
from daemon.model.incident import Kind, Phase
from daemon.model.standing import Message, Standing
from daemon.storage.engine import transaction
from daemon.storage.standing import read
from tests.support.outbox import ACKNOWLEDGED, NEW, RESOLVED, after, deliver, kill, postpone, tell
from tests.support.store import Store
from tests.support.values import NOW, ago


def seen(engine: Engine, limit: int = 200) -> Standing:
    return read(engine, NOW, limit)


def ids(messages: tuple[Message, ...]) -> list[tuple[str, Kind, DeliveryState]]:
    return [(one.incident_id, one.kind, one.state) for one in messages]


def test_nothing_is_open_in_an_empty_database(engine: Engine) -> None:
    found = seen(engine)
    assert (found.incidents, found.outbox, found.silences, found.sent_lately, found.holds) == ((), (), 0, 0, {})


def test_what_is_open_is_there_the_latest_first_and_what_is_over_is_not(engine: Engine, store: Store) -> None:
    tell(store, "old", NEW, started_at=ago(days=2))
    tell(store, "over", NEW, RESOLVED)
    tell(store, "acknowledged", NEW, ACKNOWLEDGED, started_at=ago(hours=1), phase=Phase.ACKNOWLEDGED)
    tell(store, "reopened", NEW, generation=2, started_at=ago(days=3), reopened_at=ago(minutes=1))
    tell(store, "silent", alerted=False, silent_because="not confirmed yet", started_at=None)
    tell(store, "betterstack-signl4-alarm-poll", NEW, is_alarm=True)
    found = seen(engine)
    assert [one.id for one in found.incidents] == ["silent", "reopened", "acknowledged", "old"]
    silent, reopened, acknowledged, old = found.incidents
    assert (silent.since, silent.silent_because, silent.messages) == (NOW, "not confirmed yet", ())
    assert (reopened.since, old.since) == (ago(minutes=1), ago(days=2))
    assert (acknowledged.phase, old.silent_because) == (Phase.ACKNOWLEDGED, None)
    assert [one.kind for one in acknowledged.messages] == [NEW, ACKNOWLEDGED]
    assert found.snapshot.open_incidents == 4


def test_messages_of_earlier_generations_are_not_those_of_the_open_one(engine: Engine, store: Store) -> None:
    tell(store, "1", NEW, RESOLVED)
    tell(store, "1", NEW, generation=2)
    [incident] = seen(engine).incidents
    assert len(incident.messages) == 1


def test_the_outbox_has_what_is_dead_then_what_waits_the_next_one_first(engine: Engine, store: Store) -> None:
    for incident_id in ("late", "soon", "dead", "told"):
        tell(store, incident_id, NEW)
    tell(store, "betterstack-signl4-alarm-poll", NEW, is_alarm=True)
    deliver(store, "told")
    kill(store, "dead")
    postpone(store, "late", until=after(minutes=5))
    found = seen(engine).outbox
    alarm = "betterstack-signl4-alarm-poll"
    assert [one.incident_id for one in found] == ["dead", "soon", alarm, "late"]
    assert [one.is_alarm for one in found] == [False, False, True, False]
    assert (found[0].state, found[-1].last_error, found[-1].attempts) == (DeliveryState.DEAD, "503", 1)


def test_what_a_route_tells_of_is_no_alarm_of_the_program(engine: Engine, store: Store) -> None:
    """Silences hold it by its name, as they do an incident."""
    tell(store, "betterstack-signl4-alarm-poll", NEW, is_alarm=True)
    tell(store, "monitor-7-paused", NEW, is_alarm=True, monitor="monitor 7")
    tell(store, "betterstack-signl4-flap-1", NEW, is_alarm=True, source="monitor 7")
    assert [one.is_alarm for one in seen(engine).outbox] == [True, False, False]


def test_of_many_no_more_are_read_than_are_asked_for_and_all_are_counted(engine: Engine, store: Store) -> None:
    for number in range(6):
        tell(store, str(number), NEW)
    kill(store, "5")
    found = seen(engine, 3)
    assert (len(found.incidents), [one.incident_id for one in found.outbox]) == (3, ["5", "0", "1"])
    assert (found.snapshot.open_incidents, found.snapshot.pending_deliveries) == (6, 5)


def test_what_was_sent_within_the_window_of_the_limit_is_counted(engine: Engine, store: Store) -> None:
    for number, at in enumerate((NOW - WINDOW - timedelta(seconds=1), NOW - WINDOW, NOW)):
        tell(store, str(number), NEW)
        deliver(store, str(number), at=at)
    assert seen(engine).sent_lately == 2


def test_a_team_that_is_asked_to_wait_is_named_until_that_is_over(engine: Engine, store: Store) -> None:
    with transaction(engine, writes=True) as connection:
        connection.execute(text("UPDATE destinations SET hold_until = :at"), {"at": "2026-11-23 09:31:00.000000"})
    assert list(seen(engine).holds) == ["default"]
    assert read(engine, after(hours=1), 10).holds == {}


def test_no_statement_reads_what_is_over(file_engine: Engine) -> None:
    engine, store = file_engine, Store(file_engine)
    statements = list[str]()
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, said, *_: statements.append(said))
    tell(store, "1", NEW)
    statements.clear()
    seen(engine)
    with transaction(engine, writes=True) as connection:
        for said in [one for one in statements if one.startswith("SELECT")]:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", (0,) * said.count("?")).all()
            steps = [row[-1] for row in plan if row[-1].startswith("SCAN")]
            assert [step for step in steps if step in {"SCAN incidents", "SCAN deliveries", "SCAN history"}] == [], said
