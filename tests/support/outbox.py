"""State and outbox by hand: what a test puts into a database through the store's own verbs, and reads out of it."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, event, select

from daemon.model.admission import Admission
from daemon.model.delivery import (
    Answer,
    Delivered,
    Delivery,
    DeliveryState,
    DestinationState,
    Disposition,
    Outcome,
    Rejected,
    Result,
    Scope,
    TryLater,
)
from daemon.model.incident import Kind, Phase, Transition
from daemon.storage.engine import open_engine, transaction
from daemon.storage.incidents import Change, Message
from daemon.storage.schema import DELIVERIES, METADATA
from tests.support.store import Store
from tests.support.values import NOW, recorded

NEW, ACKNOWLEDGED, RESOLVED = Kind.NEW, Kind.ACKNOWLEDGED, Kind.RESOLVED
PENDING, DELIVERED, SUPERSEDED, DEAD = DeliveryState

LONG_AGO = NOW - timedelta(days=1)
WIDE_OPEN = Admission(max_in_flight=4, clean_from=LONG_AGO, refused_from=LONG_AGO)
PROBE = Admission(max_in_flight=1, clean_from=LONG_AGO, refused_from=LONG_AGO, probe=True)
MINIMAL = {"Title": "Better Stack incident"}


def after(**span: float) -> datetime:
    """So long after `NOW`."""
    return NOW + timedelta(**span)


def change(incident_id: str, *kinds: Kind, generation: int = 1, occurred_at: datetime = NOW, **changes: Any) -> Change:
    """An incident to record, with transitions of these kinds; it is over if one of them is `resolved`."""
    phase = Phase.RESOLVED if RESOLVED in kinds else Phase.OPEN
    state = recorded(incident_id, **{"generation": generation, "phase": phase, **changes})
    told = tuple(
        Message(Transition(kind, generation, occurred_at, "a reason"), payload(incident_id, kind)) for kind in kinds
    )
    return Change(state, told)


def payload(incident_id: str, kind: Kind) -> dict[str, Any]:
    return {"Title": "Shop front page", "X-S4-ExternalID": incident_id, "X-S4-Status": str(kind)}


def tell(store: Store, incident_id: str, *kinds: Kind, at: datetime = NOW, **changes: Any) -> None:
    """Records one incident with transitions of these kinds."""
    store.record([change(incident_id, *kinds, **changes)], at)


def due(
    store: Store, admission: Admission = WIDE_OPEN, *, busy: Iterable[str] = (), limit: int = 100, now: datetime = NOW
) -> list[tuple[str, Kind]]:
    """Incident and kind of each delivery that may go, in the order in which they go."""
    return [(delivery.incident_id, delivery.kind) for delivery in store.due(admission, busy, limit, now)]


def head(store: Store, incident_id: str) -> Delivery:
    """The delivery of the incident that may go next, however long it would wait."""
    everything = store.due(WIDE_OPEN, (), 1000, datetime(9999, 1, 1, tzinfo=UTC))
    return next(delivery for delivery in everything if delivery.incident_id == incident_id)


def settle(
    store: Store,
    delivery: Delivery,
    outcome: Outcome,
    disposition: Disposition,
    *,
    at: datetime = NOW,
    minimal: Mapping[str, Any] = MINIMAL,
    target: DestinationState = DestinationState(),  # noqa: B008 - it is frozen
    event_limit: int | None = None,
) -> None:
    """Writes down an outcome, without having claimed the attempt."""
    replaced = disposition.minimal or (isinstance(outcome, Delivered) and delivery.own_fault and not delivery.refused)
    replacement = minimal if replaced else None
    store.settle(Result(delivery, Answer(outcome), disposition, at, replacement), target, event_limit)


def deliver(store: Store, incident_id: str, *, at: datetime = NOW, event_id: str | None = None) -> None:
    """The head of the incident is attempted and delivered."""
    delivery = head(store, incident_id)
    store.claim(delivery, at)
    settle(store, delivery, Delivered(event_id), Disposition(DELIVERED, at), at=at)


def refuse(store: Store, incident_id: str, *, at: datetime = NOW) -> None:
    """The head of the incident is attempted and its payload refused: pending with a minimal one, then dead."""
    delivery = head(store, incident_id)
    store.claim(delivery, at)
    disposition = Disposition(DEAD, at) if delivery.refused else Disposition(PENDING, at, minimal=True)
    settle(store, delivery, Rejected("400: a field is missing"), disposition, at=at)


def postpone(store: Store, incident_id: str, *, attempt_at: datetime = NOW, until: datetime = NOW) -> None:
    """The head of the incident is attempted in vain."""
    delivery = head(store, incident_id)
    store.claim(delivery, attempt_at)
    settle(store, delivery, TryLater("503", Scope.ROW), Disposition(PENDING, until), at=attempt_at)


def kill(store: Store, incident_id: str) -> None:
    """The head of the incident dies."""
    refuse(store, incident_id)
    refuse(store, incident_id)


def put(store: Store, incident_id: str, state: DeliveryState, *kinds: Kind, **changes: Any) -> None:
    """Records an incident and brings the first of its deliveries into that state."""
    tell(store, incident_id, *kinds, **changes)
    match state:
        case DeliveryState.DELIVERED:
            deliver(store, incident_id)
        case DeliveryState.SUPERSEDED:
            store.supersede(head(store, incident_id), "nobody needs it")
        case DeliveryState.DEAD:
            kill(store, incident_id)
        case DeliveryState.PENDING:
            pass


def rows(engine: Engine) -> dict[tuple[str, int, str], Row[Any]]:
    """The outbox by (incident, generation, kind)."""
    with engine.connect() as connection:
        found = connection.execute(select(DELIVERIES).order_by(DELIVERIES.c.id)).all()
    return {(row.incident_id, row.generation, row.kind): row for row in found}


def only(engine: Engine) -> Row[Any]:
    """The one row of the outbox."""
    (row,) = rows(engine).values()
    return row


def states(engine: Engine) -> dict[tuple[str, int, str], str]:
    """The state of each delivery."""
    return {key: row.state for key, row in rows(engine).items()}


def dump(database: Path) -> list[str]:
    """All that is committed, as SQL."""
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


def everything(engine: Engine) -> dict[str, list[Row[Any]]]:
    """All that is committed, the rows of each table in the order of their keys."""
    with transaction(engine, writes=False) as connection:
        return {
            table.name: list(connection.execute(select(table).order_by(*table.primary_key)))
            for table in METADATA.sorted_tables
        }


@contextmanager
def impatient(database: Path, *pragmas: str) -> Iterator[Engine]:
    """An engine that does not wait for a lock; `pragmas` are set on its connections after the program's own."""
    engine = open_engine(f"sqlite:///{database}")

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in ("busy_timeout = 0", *pragmas):
            connection.execute(f"PRAGMA {pragma}").close()

    yield engine
    engine.dispose()
