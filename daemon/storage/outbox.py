"""The outbox as the sender uses it: which deliveries are due, and the result of each attempt.

1. An attempt is recorded before it is made, its result after it: the outbox always shows what may have been sent.
2. Within one incident a delivery is due only after the earlier ones are settled.
3. `due_at` holds every wait of a delivery; `decisions` chooses how long it is.

Each method is one short transaction. It raises `DatabaseBusyError` if it fails, and then has changed nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row

from daemon.model.delivery import (
    Admission,
    Answer,
    Delivered,
    Delivery,
    DeliveryState,
    DestinationState,
    Disposition,
    Failing,
    NextDue,
)
from daemon.model.destination import Destination
from daemon.model.incident import Kind
from daemon.storage import delivery_rows as rows
from daemon.storage import destination_rows
from daemon.storage import outbox_statements as statements
from daemon.storage.engine import transaction
from daemon.storage.schema import NO_FAILURES


class Outbox:
    """What `deliver` reads and writes. Called by its thread, `supersede_obsolete` by that of the self-check."""

    def __init__(self, engine: Engine, destination: Destination) -> None:
        self._engine = engine
        self._destination = destination
        self._ours = {"ours": destination.name}

    def due(self, admission: Admission, busy: Iterable[str], limit: int, now: datetime) -> list[Delivery]:
        """The due deliveries, most urgent first: the oldest pending one of each incident that is not `busy`."""
        values = {
            **self._ours,
            "busy": list(busy),
            "now": now,
            "clean_from": admission.clean_from,
            "refused_from": admission.refused_from,
            "limit": limit,
        }
        query = statements.due(probe=admission.probe, own_faults=admission.own_faults)
        with transaction(self._engine, writes=False) as connection:
            return [_delivery(row) for row in connection.execute(query, values)]

    def waiting(self, busy: Iterable[str]) -> list[NextDue]:
        """When the next deliveries are due, without the `busy` incidents."""
        with transaction(self._engine, writes=False) as connection:
            found = connection.execute(statements.waiting(), {**self._ours, "busy": list(busy)}).all()
        return [NextDue(row.due_at, bool(row.refused), bool(row.attempted), row.own_fault) for row in found]

    def claim(self, delivery: Delivery, now: datetime) -> bool:
        """Records the start of an attempt; `False` if the row has changed since it was read, or may no longer be sent.

        Only a claimed delivery is sent, so an operator's `drop` or `retry` comes before or after it, never between.
        A crash right after the claim records an attempt that was not made; at worst it causes a needless `resolved`.
        """
        as_read = {"this": delivery.id, "attempts_before": delivery.attempts, "was_refused": delivery.refused}
        with transaction(self._engine, writes=True) as connection:
            return connection.execute(statements.claim(), {**as_read, "now": now}).rowcount == 1

    def settle(
        self,
        delivery: Delivery,
        disposition: Disposition,
        answer: Answer,
        minimal: Mapping[str, Any],
        state: DestinationState,
        event_limit: int | None,
        now: datetime,
    ) -> bool:
        """Records the result of an attempt. `minimal`: the payload of the next attempt, if the disposition asks for it;
        `event_limit`: what the account allows in 15 s, if known.

        A success shows that SIGNL4 is back: deliveries that failed because it was down become due now. A delivery
        dropped during its attempt is delivered if SIGNL4 accepted it; else it stays dropped, and this is `False`.
        """
        delivered = isinstance(answer.outcome, Delivered)
        replaced = disposition.minimal or (delivered and delivery.own_fault and not delivery.refused)
        values = _result(delivery, answer, disposition, now)
        if replaced:
            values["payload"] = minimal
        with transaction(self._engine, writes=True) as connection:
            query = statements.settle(delivered=delivered, replaced=replaced)
            taken = connection.execute(query, values).rowcount == 1
            if delivered:
                connection.execute(statements.end_outage(), {**self._ours, "now": now})
                destination_rows.count_taken(connection, self._destination)
            destination_rows.write(connection, self._destination, state)
            if event_limit is not None:
                destination_rows.learn_limit(connection, self._destination.account, event_limit)
        return taken

    def hold(self, delivery: Delivery, until: datetime) -> None:
        """Postpones the delivery until then."""
        with transaction(self._engine, writes=True) as connection:
            connection.execute(statements.hold(), {"this": delivery.id, "due_at": until})

    def supersede(self, delivery: Delivery, reason: str) -> None:
        """Supersedes all pending deliveries of this generation of the incident, for that reason."""
        generation = {"incident": delivery.incident_id, "of_generation": delivery.generation}
        superseded = {"state": DeliveryState.SUPERSEDED, "reason": reason}
        with transaction(self._engine, writes=True) as connection:
            connection.execute(statements.supersede(), {**self._ours, **generation, **superseded})

    def supersede_obsolete(self) -> None:
        """Supersedes the dead deliveries of own alarms that are over."""
        superseded = {"state": DeliveryState.SUPERSEDED, "reason": rows.ALARM_OVER}
        with transaction(self._engine, writes=True) as connection:
            connection.execute(statements.supersede_obsolete(), superseded)

    def destination_state(self) -> DestinationState:
        """The recorded state of the destination."""
        with transaction(self._engine, writes=False) as connection:
            return destination_rows.read(connection, self._destination)

    def event_limit(self) -> int | None:
        """Events that SIGNL4 allows the account in 15 s; `None` until it has reported the limit."""
        with transaction(self._engine, writes=False) as connection:
            return destination_rows.event_limit(connection, self._destination.account)

    def attempts_since(self, since: datetime) -> tuple[datetime, ...]:
        """The latest attempt of each delivery to the account, if it was after `since`; oldest first."""
        values = {**self._ours, "account": self._destination.account, "since": since}
        with transaction(self._engine, writes=False) as connection:
            return tuple(connection.execute(statements.attempts_since(), values).scalars())


def _delivery(row: Row[Any]) -> Delivery:
    failing = None
    if row.failing_since is not None:
        others_failing = row.failing - (not row.own_fault)
        failing = Failing(row.failing_since, row.failures, row.taken - row.failing_from, others_failing)
    return Delivery(
        id=row.id,
        incident_id=row.incident_id,
        generation=row.generation,
        kind=Kind(row.kind),
        external_id=row.external_id,
        payload=row.payload,
        attempts=row.attempts,
        refused=row.refused_payload is not None,
        over_since=row.over_since,
        previous_at=row.previous_at,
        taken_before=row.taken,
        failing=failing,
        own_fault=row.own_fault,
    )


def _result(delivery: Delivery, answer: Answer, disposition: Disposition, now: datetime) -> dict[str, Any]:
    """The result of an attempt, as values of `_settle`."""
    values = {"this": delivery.id, "state": disposition.state, "due_at": disposition.due_at}
    if isinstance(answer.outcome, Delivered):
        return {**values, "delivered_at": now, "event_id": answer.outcome.event_id, **NO_FAILURES}
    taken = {"taken_before": delivery.taken_before, "latest_from": delivery.taken_before}
    own_fault = {"own_fault": True} if disposition.own_fault else {}
    return {**values, **taken, **own_fault, "now": now, "last_error": answer.outcome.why}
