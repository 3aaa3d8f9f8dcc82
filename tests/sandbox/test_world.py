"""The truth on the Better Stack side."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from daemon.model.incident import Phase
from daemon.sandbox.context import Context
from daemon.sandbox.history import Act, Showing
from daemon.sandbox.record import Record, spelled_time
from daemon.sandbox.world import AlreadyDoneError, NoSuchIncidentError, World

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    return World(Context(now=lambda: NOON))


def test_an_incident_opens_as_better_stack_writes_it(world: World) -> None:
    incident_id = world.open("Shop", cause="Status 503", metadata={"Owner": []})
    record = world.record(incident_id)
    assert incident_id.isdigit()
    assert record.attributes["name"] == "Shop"
    assert record.attributes["cause"] == "Status 503"
    assert record.attributes["started_at"] == "2026-11-23T12:00:00.000Z"
    assert record.attributes["metadata"] == {"Owner": []}
    assert record.attributes["status"] == "Started"
    assert record.attributes["acknowledged_at"] is None


def test_ids_differ_even_after_a_deletion(world: World) -> None:
    first = world.open("Shop")
    world.delete(first)
    assert world.open("Shop") != first


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("Started", Phase.OPEN),
        ("started", Phase.OPEN),
        ("Validating", Phase.OPEN),
        ("Something new", Phase.OPEN),
        (None, Phase.OPEN),
        ("Unconfirmed", Phase.UNCONFIRMED),
        ("ACKNOWLEDGED", Phase.ACKNOWLEDGED),
        ("Resolved", Phase.RESOLVED),
    ],
)
def test_the_status_decides_the_phase_in_any_spelling(world: World, status: str | None, phase: Phase) -> None:
    assert world.record(world.open("Shop", status=status)).phase is phase


@pytest.mark.parametrize(
    ("times", "phase"),
    [
        ({}, Phase.OPEN),
        ({"acknowledged_at": "2026-11-23T12:00:00.000Z"}, Phase.ACKNOWLEDGED),
        ({"acknowledged_at": "2026-11-23T12:00:00.000Z", "resolved_at": "2026-11-23T12:01:00.000Z"}, Phase.RESOLVED),
        ({"resolved_at": "2026-11-23T12:01:00.000Z", "reopened_at": "2026-11-23T12:02:00.000Z"}, Phase.OPEN),
        ({"resolved_at": "2026-11-23T12:03:00.000Z", "reopened_at": "2026-11-23T12:02:00.000Z"}, Phase.RESOLVED),
    ],
)
def test_without_a_status_the_times_decide(times: dict[str, str], phase: Phase) -> None:
    assert Record("1", "Operations", 1, times).phase is phase


def test_an_incident_can_be_there_in_a_later_phase_from_the_start(world: World) -> None:
    record = world.record(world.open("Shop", status="Resolved", started_at=datetime(2026, 11, 1, tzinfo=UTC)))
    assert record.attributes["started_at"] == "2026-11-01T00:00:00.000Z"
    assert record.attributes["resolved_at"] == "2026-11-23T12:00:00.000Z"


def test_everything_that_happens_is_in_the_history_with_its_generation(world: World) -> None:
    incident_id = world.open("Shop", status="Unconfirmed")
    world.confirm(incident_id)
    world.acknowledge(incident_id, "Jane")
    world.resolve(incident_id, "John")
    world.reopen(incident_id, "Jane", keep_times=True)
    world.set_status(incident_id, "Validating")
    world.resolve(incident_id)
    world.reopen(incident_id, keep_times=False)
    world.delete(incident_id)
    assert [(one.act, one.generation, one.phase, one.by) for one in world.history] == [
        (Act.OPENED, 1, Phase.UNCONFIRMED, None),
        (Act.CONFIRMED, 1, Phase.OPEN, None),
        (Act.ACKNOWLEDGED, 1, Phase.ACKNOWLEDGED, "Jane"),
        (Act.RESOLVED, 1, Phase.RESOLVED, "John"),
        (Act.REOPENED, 2, Phase.OPEN, "Jane"),
        (Act.RESTATED, 2, Phase.OPEN, None),
        (Act.RESOLVED, 2, Phase.RESOLVED, None),
        (Act.REOPENED_AFRESH, 3, Phase.OPEN, None),
        (Act.DELETED, 3, Phase.RESOLVED, None),
    ]


def test_no_two_changes_of_one_incident_carry_the_same_time(world: World) -> None:
    incident_id = world.open("Shop")
    world.resolve(incident_id)
    world.reopen(incident_id, keep_times=True)
    assert world.record(incident_id).phase is Phase.OPEN
    assert len({spelled_time(one.at) for one in world.history}) == 3


def test_a_reopened_record_keeps_its_times_in_the_documented_form(world: World) -> None:
    incident_id = world.open("Shop", metadata={"Owner": []})
    world.acknowledge(incident_id, "Jane")
    world.resolve(incident_id, "John")
    before = world.record(incident_id).attributes
    world.reopen(incident_id, "Jane", keep_times=True)
    after = world.record(incident_id).attributes
    assert {"status", "team_name", "critical_alert", "metadata"} & set(after) == set()
    assert after["resolved_at"] == before["resolved_at"]
    assert after["acknowledged_at"] == before["acknowledged_at"]
    assert after["reopened_at"] > after["resolved_at"]
    assert after["reopened_by"] == "Jane"


def test_a_record_reopened_afresh_looks_as_if_it_had_never_been_resolved(world: World) -> None:
    incident_id = world.open("Shop", metadata={"Owner": []})
    untouched = dict(world.record(incident_id).attributes)
    world.acknowledge(incident_id, "Jane")
    world.resolve(incident_id, "John")
    world.reopen(incident_id, "Jane", keep_times=False)
    assert world.record(incident_id).attributes == untouched
    assert world.record(incident_id).generation == 2


def test_the_two_forms_can_follow_each_other(world: World) -> None:
    incident_id = world.open("Shop")
    for keep_times in (True, False, True):
        world.resolve(incident_id)
        world.reopen(incident_id, "Jane", keep_times=keep_times)
        assert world.record(incident_id).phase is Phase.OPEN
        assert ("reopened_at" in world.record(incident_id).attributes) is keep_times


Verb = Callable[[World, str], None]


@pytest.mark.parametrize(
    ("before", "verb"),
    [
        (World.acknowledge, World.acknowledge),
        (World.resolve, World.acknowledge),
        (World.resolve, World.resolve),
        (World.acknowledge, World.confirm),
        (World.resolve, lambda world, incident_id: world.set_status(incident_id, "Validating")),
        (World.acknowledge, lambda world, incident_id: world.reopen(incident_id, keep_times=True)),
    ],
)
def test_what_is_past_cannot_be_done_again_and_leaves_no_mark(world: World, before: Verb, verb: Verb) -> None:
    incident_id = world.open("Shop")
    before(world, incident_id)
    record, history = world.record(incident_id), world.history
    with pytest.raises(AlreadyDoneError):
        verb(world, incident_id)
    assert (world.record(incident_id), world.history) == (record, history)


def test_a_deleted_incident_is_nowhere(world: World) -> None:
    incident_id, other = world.open("Shop"), world.open("API")
    world.delete(incident_id)
    assert [record.id for record in world.records] == [other]
    with pytest.raises(NoSuchIncidentError):
        world.record(incident_id)
    with pytest.raises(NoSuchIncidentError):
        world.delete(incident_id)


def test_records_come_newest_first(world: World) -> None:
    newer = world.open("newer", started_at=datetime(2026, 11, 22, tzinfo=UTC))
    older = world.open("older", started_at=datetime(2026, 11, 21, tzinfo=UTC))
    now = world.open("now")
    assert [record.id for record in world.records] == [now, newer, older]


def test_only_the_first_showing_of_a_phase_counts(world: World) -> None:
    first, later = (Showing(at, "1", 1, Phase.OPEN) for at in (NOON, NOON.replace(hour=13)))
    acknowledged = Showing(NOON.replace(hour=14), "1", 1, Phase.ACKNOWLEDGED)
    world.show([first])
    world.show([later, acknowledged])
    assert world.showings == (first, acknowledged)
