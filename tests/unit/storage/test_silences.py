"""The silences: which are in force, what ends one, and what becomes of what it held."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, update

from daemon.model.silence import Silence, Stage
from daemon.storage import queries, silences
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES
from tests.support.each import each
from tests.support.outbox import ACKNOWLEDGED, NEW, RESOLVED, after, postpone, rows, tell
from tests.support.store import Store
from tests.support.values import NOW, ago

DATABASES = {"name": "db-*"}


def silence(**changes: Any) -> Silence:
    """One of two hours, of which one is over."""
    whole = Silence(0, DATABASES, ago(hours=1), after(hours=1), "a new disk", "ada", ago(hours=1))
    return replace(whole, **changes)


def added(engine: Engine, **changes: Any) -> Silence:
    """The same, recorded."""
    new = silence(**changes)
    return replace(new, id=silences.add(engine, new))


def in_force(engine: Engine, now: datetime = NOW) -> list[Silence]:
    with transaction(engine, writes=False) as connection:
        return silences.in_force(connection, now)


def hold(engine: Engine, incident_id: str, because: str | None, until: datetime) -> None:
    """As the daemon holds the first message of an incident."""
    new = [DELIVERIES.c.incident_id == incident_id, DELIVERIES.c.kind == NEW]
    with transaction(engine, writes=True) as connection:
        connection.execute(update(DELIVERIES).where(*new).values(held_because=because, due_at=until))


def due_at(engine: Engine) -> dict[str, datetime]:
    return {incident_id: row.due_at for (incident_id, _, kind), row in rows(engine).items() if kind == NEW}


TIMES: list[tuple[str, dict[str, Any], Stage]] = [
    ("begun", {}, Stage.IN_FORCE),
    ("begins now", {"starts_at": NOW}, Stage.IN_FORCE),
    ("begins soon", {"starts_at": after(seconds=1)}, Stage.TO_COME),
    ("ends soon", {"ends_at": after(seconds=1)}, Stage.IN_FORCE),
    ("ends now", {"ends_at": NOW}, Stage.OVER),
    ("ended", {"ends_at": ago(seconds=1)}, Stage.OVER),
    ("expired", {"expired_at": ago(minutes=1)}, Stage.EXPIRED),
    ("expired before it began", {"starts_at": after(minutes=1), "expired_at": ago(minutes=1)}, Stage.EXPIRED),
    ("expired, and past its end", {"ends_at": ago(seconds=1), "expired_at": ago(minutes=1)}, Stage.EXPIRED),
]


@each(("changes", "stage"), [(changes, stage) for _, changes, stage in TIMES], [case for case, *_ in TIMES])
def test_the_daemon_and_the_list_agree_on_what_is_in_force(
    engine: Engine, changes: dict[str, Any], stage: Stage
) -> None:
    one = added(engine, **changes)
    assert one.stage(NOW) is stage
    assert (one in in_force(engine)) is (stage is Stage.IN_FORCE)
    shown = [found for found, _ in silences.every(engine, NOW, over=False)]
    assert (one in shown) is (stage in {Stage.IN_FORCE, Stage.TO_COME})
    assert one in [found for found, _ in silences.every(engine, NOW, over=True)]
    assert silences.count_in_force(engine, NOW) == len(in_force(engine))


@each("match", [{"name": ["db-*", "/^web/"], "metadata": {"Région": {"not": "eu"}}}, {"alarm": "x"}, {"call": True}])
def test_it_comes_back_as_it_was_written(engine: Engine, match: dict[str, Any]) -> None:
    one = added(engine, match=match)
    assert one in in_force(engine)
    assert one.alarm == match.get("alarm")


def test_an_id_is_never_given_again(store: Store, engine: Engine) -> None:
    """Messages name the silence that held them."""
    first = added(engine, ends_at=ago(minutes=1))
    store.prune(NOW)
    assert silences.every(engine, NOW, over=True) == []
    assert added(engine).id == first.id + 1


def test_pruned_is_what_was_over_before_then(store: Store, engine: Engine) -> None:
    added(engine, ends_at=ago(minutes=2))
    expired = added(engine, expired_at=ago(minutes=3))
    at_that_moment = added(engine, ends_at=ago(minutes=1))
    store.prune(ago(minutes=1))
    assert [one for one, _ in silences.every(engine, NOW, over=True)] == [expired, at_that_moment]


def test_each_is_listed_with_the_messages_it_holds(store: Store, engine: Engine) -> None:
    one, other = added(engine), added(engine)
    for incident_id, because in (("1", one.reason), ("2", one.reason), ("3", None), ("4", "open for 10 s, not 60 s")):
        tell(store, incident_id, NEW)
        hold(engine, incident_id, because, after(hours=1))
    tell(store, "5", NEW)
    hold(engine, "5", one.reason, NOW)
    postpone(store, "5")
    assert silences.every(engine, NOW, over=False) == [(one, 2), (other, 0)]
    assert queries.snapshot(engine).held_deliveries == 3


# -- expire -----------------------------------------------------------------------------------------------------------


def test_what_it_held_is_due_at_once(store: Store, engine: Engine) -> None:
    one = added(engine)
    waits = {"held": one.reason, "held by another rule": "open for 10 s, not 60 s", "not held": None}
    for incident_id, because in waits.items():
        tell(store, incident_id, NEW, at=ago(minutes=5))
        hold(engine, incident_id, because, after(hours=1))
    tell(store, "looked at again", NEW, at=ago(minutes=5))
    hold(engine, "looked at again", one.reason, ago(minutes=1))
    tell(store, "tried", NEW, at=ago(minutes=5))
    postpone(store, "tried", attempt_at=ago(minutes=5), until=after(hours=1))
    hold(engine, "tried", one.reason, after(hours=1))
    assert silences.expire(engine, one.id, NOW) == one
    assert due_at(engine) == {
        "held": NOW,
        "held by another rule": NOW,
        "not held": after(hours=1),
        "looked at again": ago(minutes=1),
        "tried": after(hours=1),
    }
    assert in_force(engine) == []


def test_one_to_come_never_begins(engine: Engine) -> None:
    one = added(engine, starts_at=after(minutes=1))
    silences.expire(engine, one.id, NOW)
    assert in_force(engine, after(minutes=2)) == []


@each("changes", [{"ends_at": ago(minutes=1)}, {"expired_at": ago(minutes=1)}], ["over", "expired"])
def test_what_is_over_stays_as_it_was(store: Store, engine: Engine, changes: dict[str, Any]) -> None:
    one = added(engine, **changes)
    tell(store, str(one.id), NEW)
    hold(engine, str(one.id), "open for 10 s, not 60 s", after(hours=1))
    assert silences.expire(engine, one.id, NOW) == one
    assert (one, 0) in silences.every(engine, NOW, over=True)
    assert due_at(engine)[str(one.id)] == after(hours=1)


@pytest.mark.parametrize("unknown", [0, -1, 2, 2**63, 10**30])
def test_one_that_there_is_not_is_none(engine: Engine, unknown: int) -> None:
    added(engine)
    assert silences.expire(engine, unknown, NOW) is None


# -- the figures ------------------------------------------------------------------------------------------------------


def test_what_is_held_is_not_late_nor_is_what_waits_behind_it(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, ACKNOWLEDGED, at=ago(hours=2))
    hold(engine, "1", added(engine).reason, after(hours=1))
    snapshot = queries.snapshot(engine)
    assert (snapshot.pending_deliveries, snapshot.held_deliveries) == (2, 1)
    assert (snapshot.oldest_pending_at, snapshot.oldest_due_at) == (None, after(hours=1))
    tell(store, "2", RESOLVED, at=ago(minutes=1))
    snapshot = queries.snapshot(engine)
    assert (snapshot.oldest_pending_at, snapshot.oldest_due_at) == (ago(minutes=1), ago(minutes=1))


def test_what_was_held_and_is_due_is_overdue_some_day(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, at=ago(hours=2))
    hold(engine, "1", added(engine).reason, ago(minutes=10))
    assert queries.snapshot(engine).oldest_due_at == ago(minutes=10)


def test_what_was_held_and_then_tried_is_old_as_any_other(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, at=ago(hours=2))
    hold(engine, "1", added(engine).reason, ago(minutes=10))
    postpone(store, "1")
    snapshot = queries.snapshot(engine)
    assert (snapshot.held_deliveries, snapshot.oldest_pending_at) == (0, ago(hours=2))
