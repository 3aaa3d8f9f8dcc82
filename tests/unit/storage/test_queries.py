"""What the database tells people."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.delivery import DestinationState, Disposition, Scope, TryLater
from daemon.model.errors import DatabaseBusyError
from daemon.model.incident import Phase
from daemon.model.snapshot import RefusedSecret, Snapshot
from daemon.storage import listings, operate, queries
from tests.support.outbox import (
    DEAD,
    DELIVERED,
    NEW,
    PENDING,
    RESOLVED,
    SUPERSEDED,
    after,
    change,
    head,
    postpone,
    put,
    settle,
    tell,
)
from tests.support.refused import lost
from tests.support.store import Store
from tests.support.values import NOW, ago


def ids(listed: list[dict[str, Any]]) -> list[object]:
    return [row["id"] for row in listed]


# -- snapshot ---------------------------------------------------------------------------------------------------------


def test_the_figures_of_an_empty_database_are_those_of_none(engine: Engine) -> None:
    assert queries.snapshot(engine) == Snapshot()


def refused(store: Store) -> None:
    tell(store, "1", NEW, at=ago(hours=1))
    answer = TryLater("404: no such team", Scope.SECRET)
    target = DestinationState(secret_refused_since=ago(minutes=3), why="404: no such team")
    settle(store, head(store, "1"), answer, Disposition(PENDING, after(minutes=1)), target=target)


def settled(store: Store) -> None:
    for state in (DELIVERED, SUPERSEDED, DEAD):
        put(store, state, state, RESOLVED)


def waiting(store: Store) -> None:
    tell(store, "1", RESOLVED, at=ago(hours=2))
    postpone(store, "1", until=after(hours=1))
    tell(store, "2", RESOLVED, at=ago(hours=1))
    put(store, "3", DEAD, RESOLVED, at=ago(hours=3))


def refused_twice(store: Store) -> None:
    for minutes in (0, 1):
        store.fail_round("401", after(minutes=minutes), token_refused=True)


def well_again(store: Store) -> None:
    refused_twice(store)
    store.complete_round(NOW)


def clock_set(store: Store) -> None:
    store.fail_round("503", NOW)
    store.forget_spans(ago(days=30))


FIGURES: dict[str, tuple[Callable[[Store], object], Snapshot]] = {
    "a complete round": (lambda store: store.complete_round(NOW), Snapshot(last_complete_round_at=NOW)),
    "a failed round": (
        lambda store: store.fail_round("503", NOW),
        Snapshot(last_round_error="503", failing_since=NOW),
    ),
    "a token refused twice": (refused_twice, Snapshot(last_round_error="401", failing_since=NOW, refused_rounds=2)),
    "a complete round after failures": (well_again, Snapshot(last_complete_round_at=NOW)),
    "a clock that was set": (clock_set, Snapshot(last_round_error="503", failing_since=ago(days=30))),
    "a suspected token": (lambda store: store.suspect_token(NOW), Snapshot(token_suspect_since=NOW)),
    "open incidents": (
        lambda store: store.record([change(phase, phase=phase, alerted=False) for phase in Phase], NOW),
        Snapshot(open_incidents=3),
    ),
    "a refused secret": (
        refused,
        Snapshot(
            refused=(RefusedSecret("default", ago(minutes=3), "404: no such team"),),
            open_incidents=1,
            pending_deliveries=1,
            oldest_pending_at=ago(hours=1),
            oldest_due_at=after(minutes=1),
        ),
    ),
    "settled deliveries": (settled, Snapshot(dead_deliveries=1, dead_alerts=1, dead_incident="dead")),
    "waiting deliveries": (
        waiting,
        Snapshot(
            pending_deliveries=2,
            dead_deliveries=1,
            dead_alerts=1,
            dead_incident="3",
            oldest_pending_at=ago(hours=2),
            oldest_due_at=ago(hours=1),
        ),
    ),
}


@pytest.mark.parametrize("case", FIGURES)
def test_the_figures_say_how_things_stand(store: Store, engine: Engine, case: str) -> None:
    happens, expected = FIGURES[case]
    happens(store)
    assert queries.snapshot(engine) == expected


QUESTIONS: dict[str, Callable[[Engine], object]] = {
    "snapshot": queries.snapshot,
    "incidents": listings.incidents,
    "deliveries": listings.deliveries,
    "dead_ids": operate.dead_ids,
    "revive": lambda engine: operate.revive(engine, [1], force=False),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_database_that_cannot_answer_is_said_to_be_so(engine: Engine, question: str) -> None:
    why = r'no such table|relation "\w+" does not exist'
    with lost(engine, "deliveries", "incidents"):
        with pytest.raises(DatabaseBusyError, match=rf"^the database cannot be (read|written) now: ({why})"):
            QUESTIONS[question](engine)
