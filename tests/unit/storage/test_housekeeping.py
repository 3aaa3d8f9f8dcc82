"""What is pruned: only what nobody will ever need to be told of."""

from datetime import datetime

import pytest
from sqlalchemy import Engine

from daemon.model.delivery import DeliveryState
from daemon.model.incident import IncidentState, Phase
from daemon.storage.engine import transaction
from daemon.storage.incidents import Change
from daemon.storage.schema import DELIVERIES
from tests.support.outbox import (
    DEAD,
    DELIVERED,
    NEW,
    PENDING,
    RESOLVED,
    SUPERSEDED,
    change,
    put,
    rows,
    tell,
)
from tests.support.store import Store
from tests.support.values import ago, recorded


def over(**changes: object) -> IncidentState:
    return recorded("1", **{"phase": Phase.RESOLVED, "resolved_at": ago(days=100), **changes})


PRUNING: list[tuple[str, IncidentState, datetime, DeliveryState | None, bool]] = [
    ("over for long", over(), ago(days=100), None, True),
    ("over for long, delivered", over(), ago(days=100), DELIVERED, True),
    ("over for long, superseded", over(), ago(days=100), SUPERSEDED, True),
    ("over for long, end pending", over(), ago(days=100), PENDING, False),
    ("over for long, end dead", over(), ago(days=100), DEAD, False),
    ("over at an unknown time, seen long ago", over(resolved_at=None), ago(days=100), None, True),
    ("over at an unknown time, seen lately", over(resolved_at=None), ago(days=89), None, False),
    ("over for long, changed lately", over(), ago(days=1), None, False),
    ("over lately", over(resolved_at=ago(days=89)), ago(days=100), None, False),
    ("over exactly so long", over(resolved_at=ago(days=90)), ago(days=100), None, False),
    *((f"{phase} for long", over(phase=phase), ago(days=100), None, False) for phase in Phase if phase != "resolved"),
]


@pytest.mark.parametrize(
    ("case", "state", "changed_at", "delivery", "pruned"), PRUNING, ids=[case for case, *_ in PRUNING]
)
def test_pruned_is_what_is_over_for_long_and_settled(
    store: Store,
    engine: Engine,
    *,
    case: str,
    state: IncidentState,
    changed_at: datetime,
    delivery: DeliveryState | None,
    pruned: bool,
) -> None:
    tell(store, "2", NEW, at=ago(days=100))
    if delivery is not None:
        put(store, "1", delivery, RESOLVED)
    store.record([Change(state)], changed_at)
    assert store.prune(ago(days=90)) == pruned
    assert ("1" in store.known(["1", "2"])) is not pruned
    assert (("1", 1, "resolved") in rows(engine)) is (delivery is not None and not pruned)
    assert ("2", 1, "new") in rows(engine)


def test_pruning_takes_a_bounded_bite_and_goes_on_the_next_time(store: Store, engine: Engine) -> None:
    old = [change(str(n), RESOLVED, resolved_at=ago(days=100)) for n in range(501)]
    store.record(old, ago(days=100))
    with transaction(engine, writes=True) as connection:
        connection.execute(DELIVERIES.update().values(state="superseded"))
    assert [store.prune(ago(days=90)) for _ in range(3)] == [500, 1, 0]
    assert rows(engine) == {}
