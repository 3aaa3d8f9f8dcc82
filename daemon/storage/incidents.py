"""The recorded incidents and the outbox rows they cause, as a round reads and writes them. No caller needs SQL.

A transition is written in the same transaction as the state that caused it.

Each method is one short transaction. It raises `DatabaseBusyError` if it fails, and then has changed nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Executable, Select, func, update

from daemon.model.delivery import DeliveryState
from daemon.model.destination import DEFAULT
from daemon.model.history import Entry
from daemon.model.incident import IncidentState, Kind, Progress, RoundStart, Transition, Unreadable
from daemon.model.page import Shown
from daemon.model.polling import UNNAMED
from daemon.model.snapshot import Snapshot
from daemon.storage import delivery_rows as rows
from daemon.storage import history_rows, source_rows, unreadable_rows, write_backs
from daemon.storage import incident_statements as statements
from daemon.storage.columns import moment
from daemon.storage.engine import transaction
from daemon.storage.openings import Openings
from daemon.storage.parts import in_parts
from daemon.storage.queries import figures, snapshot
from daemon.storage.source_schema import PROGRESS


@dataclass(frozen=True, slots=True)
class Message:
    """A transition as one team is told of it, with the rendered payload."""

    transition: Transition
    payload: Mapping[str, Any]
    team: str = DEFAULT
    subject: str | None = None
    """Of a `new`: what rules are compared with, a `Subject` in JSON."""


@dataclass(frozen=True, slots=True)
class Change:
    """The new state of one incident, and what is told of it."""

    after: IncidentState
    messages: tuple[Message, ...] = ()
    history: tuple[Entry, ...] = ()
    """Why."""


class Incidents:
    """What `poll` reads and writes. Called by its thread, and for own alarms by the thread of the self-check."""

    def __init__(self, engine: Engine, polled_from: str = UNNAMED, others: Collection[str] = ()) -> None:
        """`polled_from`: the account that is polled; `others`: those that are polled beside it."""
        self._engine = engine
        self.polled_from = polled_from
        self.others = others
        self._source = {"of_source": polled_from}

    @property
    def openings(self) -> Openings:
        """How often what raises incidents has opened."""
        return Openings(self._engine, self.polled_from)

    def begin_round(self) -> RoundStart:
        """What a round begins with."""
        with transaction(self._engine, writes=False) as connection:
            *progress, any_open, any_doubted, any_flaps, any_odd = connection.execute(
                statements.BEGIN, self._source
            ).one()
            tracked = self._ids(connection, statements.TRACKED) if any_open else frozenset()
            vanished = self._ids(connection, statements.VANISHED) if any_open else frozenset()
            doubted = self._ids(connection, statements.DOUBTED_ONES) if any_doubted else frozenset()
            aside = unreadable_rows.read_of(connection, self.polled_from) if any_odd else ()
        return RoundStart(Progress(*progress), tracked, vanished, doubted, {one.id: one for one in aside}, any_flaps)

    def _ids(self, connection: Connection, query: Select[str]) -> frozenset[str]:
        # All at once: one at a time costs SQLAlchemy four calls of functions each.
        return frozenset(connection.execute(query, self._source).scalars().all())

    def known(self, ids: Collection[str]) -> dict[str, IncidentState]:
        """The recorded states of these incidents."""
        if not ids:
            return {}
        with transaction(self._engine, writes=False) as connection:
            rows = [row for part in in_parts(ids) for row in connection.execute(statements.KNOWN, {"ids": part}).all()]
        return {row.id: statements.state_of(row._mapping) for row in rows}

    def started(self, ids: Collection[str]) -> list[datetime]:
        """When these incidents started, as far as that is known."""
        with transaction(self._engine, writes=False) as connection:
            return [
                at for part in in_parts(ids) for at in connection.execute(statements.STARTED, {"ids": part}).scalars()
            ]

    def record(self, changes: Sequence[Change], now: datetime) -> Sequence[Change]:
        """Writes states and outbox rows in one transaction; a crash leaves both or neither.

        Returns what was written: all but incidents that another account came to track since they were read.
        """
        with transaction(self._engine, writes=True) as connection:
            if self.others:
                trackers = source_rows.trackers(connection, [change.after.id for change in changes])
                changes = [change for change in changes if trackers.get(change.after.id) not in self.others]
            self._write(connection, changes, now)
        return changes

    def _write(self, connection: Connection, changes: Sequence[Change], now: datetime) -> None:
        states = [{**statements.values_of(change.after), "changed_at": now, "first_seen_at": now} for change in changes]
        told = [(change.after, message) for change in changes for message in change.messages]
        ended = [_generation(after, said.transition) for after, said in told if said.transition.kind is Kind.RESOLVED]
        _execute(connection, statements.put_incident(connection), states)
        history_rows.add(connection, [entry for change in changes for entry in change.history])
        _execute(connection, rows.supersede_held(), [{**one, "now": now} for one in ended])
        _execute(connection, statements.put_delivery(connection), [_delivery(connection, *one, now) for one in told])
        _execute(connection, rows.supersede_acknowledged(), ended)
        write_backs.supersede_known(connection, [change.after for change in changes], now)

    def complete_round(self, now: datetime, ahead: timedelta | None = None, shown: Shown | None = None) -> Snapshot:
        """Records that the lists were read completely and everything seen is committed. Returns the figures after it.

        `ahead`: how far Better Stack's clock is ahead of ours, if known; `shown`: the least readable list.
        """
        values = {
            **source_rows.SETTLED,
            "last_complete_round_at": now,
            "ahead_seconds": None if ahead is None else ahead.total_seconds(),
            "listed_records": shown.readable + len(shown.unreadable) if shown else 0,
            "unreadable_records": len(shown.unreadable) if shown else 0,
        }
        with transaction(self._engine, writes=True) as connection:
            source_rows.update_one(connection, self.polled_from, values)
            if not connection.execute(statements.ANY_WAITS).scalar_one():
                return figures(connection, ailing_only=True)
        # While many wait the figures take a while, in which no result could be recorded.
        return snapshot(self._engine, ailing_only=True)

    def fail_round(self, why: str, now: datetime, *, token_refused: bool = False) -> None:
        """Records a failed round and its reason. `token_refused`: Better Stack rejected the token."""
        self._update_progress(
            last_round_error=why,
            failing_since=func.coalesce(PROGRESS.c.failing_since, moment(now)),
            refused_rounds=PROGRESS.c.refused_rounds + 1 if token_refused else 0,
        )

    def suspect_token(self, since: datetime | None) -> None:
        """Records since when the token may be the wrong one; `None`: there is no doubt."""
        self._update_progress(token_suspect_since=since)

    def token_changed(self, now: datetime) -> None:
        """Records that the token differs from the one that last read a known record."""
        self._update_progress(token_changed_at=now)

    def know_token(self, fingerprint: str) -> None:
        """Records that this token read a known record, or that there was no known record to read."""
        self._update_progress(token_fingerprint=fingerprint, token_changed_at=None)

    def recorded_before(self, moment: datetime) -> set[str]:
        """Ids of the incidents first recorded before `moment`."""
        with transaction(self._engine, writes=False) as connection:
            return set(connection.execute(statements.BEFORE, {"moment": moment, **self._source}).scalars())

    def put_aside(self, kept: Collection[Unreadable]) -> None:
        """Replaces the incidents whose record cannot be read."""
        with transaction(self._engine, writes=True) as connection:
            unreadable_rows.replace(connection, self.polled_from, kept)

    def _update_progress(self, **values: Any) -> None:
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(PROGRESS).where(source_rows.OF_ONE).values(values), self._source)


def _execute(connection: Connection, statement: Executable, values: Sequence[Mapping[str, Any]]) -> None:
    """Executes it for all these values at once; SQLAlchemy takes an empty list for one row of defaults."""
    if values:
        connection.execute(statement, values)


def _generation(after: IncidentState, transition: Transition) -> dict[str, Any]:
    return {"incident": after.id, "of_generation": transition.generation}


def _delivery(connection: Connection, after: IncidentState, message: Message, now: datetime) -> dict[str, Any]:
    """The row of the outbox for one message."""
    transition = message.transition
    unneeded = _why_unneeded(connection, after, message)
    return {
        "incident_id": after.id,
        "destination": message.team,
        "generation": transition.generation,
        "kind": transition.kind,
        "state": DeliveryState.PENDING if unneeded is None else DeliveryState.SUPERSEDED,
        "reason": unneeded or transition.reason,
        "external_id": after.external_id,
        "payload": message.payload,
        "subject": message.subject,
        "attempts": 0,
        "occurred_at": transition.occurred_at,
        "created_at": now,
        "due_at": now,
    }


def _why_unneeded(connection: Connection, after: IncidentState, message: Message) -> str | None:
    """Why the message is superseded as it is written; `None`: it is sent."""
    kind, values = message.transition.kind, {**_generation(after, message.transition), "ours": message.team}
    if kind is not Kind.NEW and connection.execute(rows.new_never_sent(), values).scalar_one():
        return "nobody was told of the beginning"
    if kind is Kind.ACKNOWLEDGED and connection.execute(write_backs.acknowledged_first(), values).scalar_one():
        return "acknowledged in SIGNL4 first"
    return None
