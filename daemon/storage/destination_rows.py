"""Rows of the destinations and their accounts, on a given connection. `Outbox` owns the transaction."""

from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from daemon.model.delivery import DestinationState
from daemon.model.destination import Destination
from daemon.storage.schema import ACCOUNTS, DESTINATIONS

_FAULTS = ("other_faults", "payload_faults")


def read(connection: Connection, destination: Destination) -> DestinationState:
    """The recorded state of a destination."""
    columns = [DESTINATIONS.c[field.name] for field in fields(DestinationState)]
    row = connection.execute(select(*columns).where(DESTINATIONS.c.name == destination.name)).one()
    faults = {name: tuple(map(datetime.fromisoformat, getattr(row, name))) for name in _FAULTS}
    return DestinationState(**{**row._mapping, **faults})


def write(connection: Connection, destination: Destination, state: DestinationState) -> None:
    """Records the state of a destination."""
    faults = {name: [fault.isoformat() for fault in getattr(state, name)] for name in _FAULTS}
    values = {**asdict(state), **faults, "account": destination.account}
    connection.execute(update(DESTINATIONS).where(DESTINATIONS.c.name == destination.name).values(values))


def count_taken(connection: Connection, destination: Destination) -> None:
    """Counts one more accepted delivery."""
    taken = {"taken": DESTINATIONS.c.taken + 1}
    connection.execute(update(DESTINATIONS).where(DESTINATIONS.c.name == destination.name).values(taken))


def event_limit(connection: Connection, account: str) -> int | None:
    """Events that SIGNL4 allows the account in 15 s; `None` until it has reported the limit."""
    return connection.execute(select(ACCOUNTS.c.event_limit).where(ACCOUNTS.c.name == account)).scalar()


def learn_limit(connection: Connection, account: str, limit: int) -> None:
    """Records the limit that SIGNL4 reported (events in 15 s)."""
    row = insert(ACCOUNTS).values(name=account, event_limit=limit)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"event_limit": limit}))
