"""What SIGNL4 accepted from us, for a comparison with its own records."""

from datetime import timedelta

from sqlalchemy import Engine

from daemon.model.destination import BETTER_STACK, DEFAULT
from daemon.storage.engine import transaction
from daemon.storage.report_told import teams, told
from tests.support.outbox import ACKNOWLEDGED, DELIVERED, NEW, PENDING, RESOLVED, after, deliver, put, tell
from tests.support.past import delivery, incident, write
from tests.support.store import Store
from tests.support.values import NOW, ago


def test_an_alert_has_its_event_id_its_title_and_the_times_of_what_followed(store: Store, engine: Engine) -> None:
    for seconds, kind in ((10, NEW), (20, ACKNOWLEDGED), (30, RESOLVED)):
        tell(store, "1", kind)
        deliver(store, "1", at=after(seconds=seconds), event_id=f"event {seconds}")
    [one] = told(engine, "default", NOW, after(seconds=10))
    assert (one.delivery_id, one.incident_id, one.title, one.event_id) == (1, "1", "Shop front page", "event 10")
    assert one.told_at == after(seconds=10)
    assert (one.acknowledged_at, one.resolved_at) == (after(seconds=20), after(seconds=30))


def test_what_was_not_accepted_or_at_another_time_or_by_another_team_is_not_of_it(store: Store, engine: Engine) -> None:
    put(store, "1", DELIVERED, NEW)
    put(store, "2", PENDING, NEW)
    assert [one.incident_id for one in told(engine, "default", ago(hours=1), NOW)] == ["1"]
    assert told(engine, "default", ago(hours=1), NOW - timedelta(seconds=1)) == []
    assert told(engine, "default", after(seconds=1), after(hours=1)) == []
    assert told(engine, "night", ago(hours=1), NOW) == []
    assert teams(engine) == {"default": 2}


def test_each_opening_is_an_alert_and_one_without_a_title_has_the_name(engine: Engine) -> None:
    rows = [
        delivery("1", "new", NOW, NOW, NOW + timedelta(seconds=generation), generation=generation, payload=payload)
        for generation, payload in ((1, '{"TITLE": "Other"}'), (2, "not JSON"))
    ]
    rows.append(delivery("1", "resolved", NOW, NOW, after(hours=1)))
    write(engine, incidents=[incident("1", first_seen_at=NOW, changed_at=NOW)], deliveries=rows)
    found = [(one.title, one.resolved_at) for one in told(engine, "default", NOW, after(hours=1))]
    assert found == [("Other", after(hours=1)), ("Shop front page", None)]


def test_better_stack_is_no_team(store: Store, engine: Engine) -> None:
    store.configure([DEFAULT, BETTER_STACK])
    put(store, "1", DELIVERED, NEW)
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql(
            "INSERT INTO deliveries (incident_id, destination, generation, kind, state, reason, external_id, payload, "
            "attempts, occurred_at, created_at, due_at) SELECT incident_id, 'Better Stack', generation, "
            "'acknowledged', 'pending', reason, external_id, payload, 0, occurred_at, created_at, due_at "
            "FROM deliveries"
        )
    assert teams(engine) == {DEFAULT: 1}
