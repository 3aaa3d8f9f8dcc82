"""Rows of the destinations and their accounts, on a given connection. `Outbox` owns the transaction."""

from collections.abc import Callable, Collection
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, insert, select, update

from daemon.model.delivery import DestinationState
from daemon.model.destination import Destination
from daemon.storage.schema import ACCOUNTS, DESTINATIONS
from daemon.storage.upsert import by_dialect

_FAULTS = ("other_faults", "payload_faults")
_THIS = DESTINATIONS.c.name == bindparam("this")
# Statements are built once, as those of the outbox.
_READ = select(*(DESTINATIONS.c[field.name] for field in fields(DestinationState))).where(_THIS)
_WHO = select(DESTINATIONS.c.account, DESTINATIONS.c.event_source).where(_THIS)
_WRITE = update(DESTINATIONS).where(_THIS)
_CONFIGURED = select(DESTINATIONS.c.name, DESTINATIONS.c.configured)
_CONFIGURE = update(DESTINATIONS).where(_THIS).values(configured=bindparam("is_configured"))
_NEW = insert(DESTINATIONS)
_COUNT = update(DESTINATIONS).where(_THIS).values(taken=DESTINATIONS.c.taken + bindparam("more"))
_LIMIT = select(ACCOUNTS.c.event_limit).where(ACCOUNTS.c.name == bindparam("this"))


@by_dialect
def _learn(insert: Callable[..., Any]) -> Insert:
    new = insert(ACCOUNTS)
    statement: Insert = new.on_conflict_do_update(
        index_elements=["name"], set_={"event_limit": new.excluded.event_limit}
    )
    return statement


def known(connection: Connection) -> dict[str, bool]:
    """All destinations there ever were: whether the configuration in force has them."""
    return {row.name: row.configured for row in connection.execute(_CONFIGURED)}


def configure(connection: Connection, names: Collection[str]) -> None:
    """Makes these the destinations of the configuration in force; writes only what differs."""
    found = known(connection)
    for name in sorted(set(names) - found.keys()):
        connection.execute(_NEW, {"name": name, "why": "", "other_faults": [], "payload_faults": []})
    for name, configured in found.items():
        if configured is not (name in names):
            connection.execute(_CONFIGURE, {"this": name, "is_configured": name in names})


def read(connection: Connection, destination: Destination) -> DestinationState:
    """The recorded state of a destination."""
    row = connection.execute(_READ, {"this": destination.name}).one()
    faults = {name: tuple(map(datetime.fromisoformat, getattr(row, name))) for name in _FAULTS}
    return DestinationState(**{**row._mapping, **faults})


def account_and_source(connection: Connection, destination: Destination) -> tuple[str | None, str | None]:
    """The account of its latest delivery, and what SIGNL4's REST API calls the sender, if that is known."""
    account, source = connection.execute(_WHO, {"this": destination.name}).one()
    return account, source


def write(connection: Connection, destination: Destination, state: DestinationState) -> None:
    """Records the state of a destination."""
    faults = {name: [fault.isoformat() for fault in getattr(state, name)] for name in _FAULTS}
    values = {**asdict(state), **faults, "account": destination.account}
    connection.execute(_WRITE, {**values, "this": destination.name})


def count_taken(connection: Connection, destination: Destination, more: int) -> None:
    """Counts so many more accepted deliveries."""
    connection.execute(_COUNT, {"this": destination.name, "more": more})


def event_limit(connection: Connection, account: str) -> int | None:
    """Events that SIGNL4 allows the account in 15 s; `None` until it has reported the limit."""
    return connection.execute(_LIMIT, {"this": account}).scalar()


def learn_limit(connection: Connection, account: str, limit: int) -> None:
    """Records the limit that SIGNL4 reported (events in 15 s)."""
    connection.execute(_learn(connection), {"name": account, "event_limit": limit})
