"""What is known of the incidents, and what must therefore be told. The verbs of a round; nothing above knows SQL.

A transition is written in the same transaction as the state that caused it.

Each verb is one short transaction and raises `DatabaseBusyError` when it could not be made; nothing is half done then.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, func, select, update
from sqlalchemy.dialects.sqlite import insert

from daemon.model.delivery import DeliveryState
from daemon.model.destination import DEFAULT
from daemon.model.incident import IncidentState, Kind, Phase, Progress, Shown, Transition, Unreadable
from daemon.storage import aside
from daemon.storage import delivery_rows as rows
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES, DOUBTED, INCIDENTS, OPEN, PROGRESS

_RECORDED = [INCIDENTS.c[field.name].label(field.name) for field in fields(IncidentState)]


@dataclass(frozen=True, slots=True)
class Change:
    """One incident as it is to be recorded, with its transitions and their rendered payloads."""

    after: IncidentState
    transitions: tuple[tuple[Transition, Mapping[str, Any]], ...] = ()


class Incidents:
    """What `poll` reads and writes. Called by its thread, and for the program's own alarms by the self-check's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def progress(self) -> Progress:
        """How far polling came."""
        columns = [PROGRESS.c[field.name] for field in fields(Progress)]
        with transaction(self._engine, writes=False) as connection:
            return Progress(*connection.execute(select(*columns)).one())

    def known(self, ids: Collection[str]) -> dict[str, IncidentState]:
        """What is recorded of these incidents."""
        return self._recorded(INCIDENTS.c.id.in_(ids))

    def tracked(self) -> dict[str, IncidentState]:
        """The incidents that are not known to be over."""
        return self._recorded(OPEN)

    def doubted(self) -> frozenset[str]:
        """The incidents whose own record contradicted what is recorded of them."""
        with transaction(self._engine, writes=False) as connection:
            return frozenset(connection.execute(select(INCIDENTS.c.id).where(DOUBTED)).scalars())

    def _recorded(self, which: ColumnElement[bool]) -> dict[str, IncidentState]:
        with transaction(self._engine, writes=False) as connection:
            rows = connection.execute(select(*_RECORDED).where(which)).all()
        return {row.id: IncidentState(**{**row._mapping, "phase": Phase(row.phase)}) for row in rows}

    def record(self, changes: Sequence[Change], now: datetime) -> None:
        """Writes states and outbox rows together. A crash before the commit leaves neither, after it both."""
        with transaction(self._engine, writes=True) as connection:
            for change in changes:
                _put_incident(connection, change.after, now)
                for transition, payload in change.transitions:
                    if transition.kind is Kind.RESOLVED:
                        connection.execute(rows.supersede_acknowledged(change.after.id, transition.generation))
                    _put_delivery(connection, change.after, transition, payload, now)

    def complete_round(self, now: datetime, ahead: timedelta | None = None, shown: Shown | None = None) -> None:
        """The lists were read whole and everything seen is committed.

        `ahead`: how far Better Stack's clock is ahead of ours, where it is known; `shown`: the least readable list.
        """
        self._update_progress(
            last_complete_round_at=now,
            last_round_error=None,
            token_suspect_since=None,
            failing_since=None,
            refused_rounds=0,
            ahead_seconds=None if ahead is None else ahead.total_seconds(),
            listed_records=shown.readable + len(shown.unreadable) if shown else 0,
            unreadable_records=len(shown.unreadable) if shown else 0,
        )

    def fail_round(self, why: str, now: datetime, *, token_refused: bool = False) -> None:
        """The round does not count."""
        self._update_progress(
            last_round_error=why,
            failing_since=func.coalesce(PROGRESS.c.failing_since, now),
            refused_rounds=PROGRESS.c.refused_rounds + 1 if token_refused else 0,
        )

    def suspect_token(self, since: datetime | None) -> None:
        """Since then it is open whether the token is the right one; `None`: it is not."""
        self._update_progress(token_suspect_since=since)

    def token_changed(self, now: datetime) -> None:
        """From now on another token is used than the one with which known records were read."""
        self._update_progress(token_changed_at=now)

    def know_token(self, fingerprint: str) -> None:
        """A known record was read with this token, or there was none that could have been."""
        self._update_progress(token_fingerprint=fingerprint, token_changed_at=None)

    def recorded_before(self, moment: datetime) -> set[str]:
        """The incidents that were recorded before."""
        query = select(INCIDENTS.c.id).where(INCIDENTS.c.first_seen_at < moment)
        with transaction(self._engine, writes=False) as connection:
            return set(connection.execute(query).scalars())

    def set_aside(self) -> dict[str, Unreadable]:
        """The incidents whose record cannot be read."""
        with transaction(self._engine, writes=False) as connection:
            return {one.id: one for one in aside.read(connection)}

    def put_aside(self, kept: Collection[Unreadable]) -> None:
        """From now on it is these whose record cannot be read."""
        with transaction(self._engine, writes=True) as connection:
            aside.replace(connection, kept)

    def _update_progress(self, **values: Any) -> None:
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(PROGRESS).values(values))


def _put_incident(connection: Connection, after: IncidentState, now: datetime) -> None:
    values = {**asdict(after), "changed_at": now}
    row = insert(INCIDENTS).values(**values, first_seen_at=now)
    connection.execute(row.on_conflict_do_update(index_elements=[INCIDENTS.c.id], set_=values))


def _put_delivery(
    connection: Connection,
    after: IncidentState,
    transition: Transition,
    payload: Mapping[str, Any],
    now: datetime,
) -> None:
    unheard = connection.execute(rows.never_told(after.id, transition.generation, DEFAULT)).scalar_one()
    row = {
        "incident_id": after.id,
        "destination": DEFAULT,
        "generation": transition.generation,
        "kind": transition.kind,
        "state": DeliveryState.SUPERSEDED if unheard else DeliveryState.PENDING,
        "reason": "nobody was told of the beginning" if unheard else transition.reason,
        "external_id": after.external_id,
        "payload": payload,
        "attempts": 0,
        "occurred_at": transition.occurred_at,
        "created_at": now,
        "due_at": now,
    }
    # A transition that is in the outbox already has been told, whatever made us see it again.
    connection.execute(insert(DELIVERIES).values(row).on_conflict_do_nothing())
