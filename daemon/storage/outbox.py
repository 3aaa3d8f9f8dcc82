"""The outbox as the sender uses it: which deliveries are due, and the result of each attempt.

1. An attempt is recorded before it is made, its result after it: the outbox always shows what may have been sent.
2. Within one incident a delivery is due only after the earlier ones are settled.
3. `due_at` holds every wait of a delivery; `decisions` chooses how long it is.

Each method is one short transaction. It raises `DatabaseBusyError` if it fails, and then has changed nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, and_, case, func, or_, select, true, update

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
from daemon.storage.delivery_rows import PENDING, TAKEN
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES, DESTINATIONS, NO_FAILURES

_END, _PREVIOUS, _FAILING = (DELIVERIES.alias(name) for name in ("over", "previous", "failing"))
"""Made once, as those of `delivery_rows`."""


class Outbox:
    """What `deliver` reads and writes. Called by its thread, `supersede_obsolete` by that of the self-check."""

    def __init__(self, engine: Engine, destination: Destination) -> None:
        self._engine = engine
        self._destination = destination
        self._ours = DELIVERIES.c.destination == destination.name

    def due(self, admission: Admission, busy: Iterable[str], limit: int, now: datetime) -> list[Delivery]:
        """The due deliveries, most urgent first: the oldest pending one of each incident that is not `busy`."""
        opens = ((False, admission.clean_from), (True, admission.refused_from))
        admitted = [refused for refused, at in opens if at <= now]
        previous_at = select(func.max(_PREVIOUS.c.delivered_at)).where(rows.related(_PREVIOUS))
        query = (
            select(
                DELIVERIES,
                _END.c.occurred_at.label("over_since"),
                previous_at.scalar_subquery().label("previous_at"),
                TAKEN.label("taken"),
                _failing(self._destination.name).label("failing"),
            )
            .outerjoin(_END, rows.ends(_END))
            .where(self._ours, PENDING, rows.oldest_pending(), DELIVERIES.c.due_at <= now, rows.refused().in_(admitted))
            .where(DELIVERIES.c.incident_id.not_in(list(busy)))
            .where(true() if admission.own_faults else ~DELIVERIES.c.own_fault)
            .order_by(*_most_urgent_first(admission, now), DELIVERIES.c.occurred_at, DELIVERIES.c.id)
            .limit(limit)
        )
        with transaction(self._engine, writes=False) as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def waiting(self, busy: Iterable[str]) -> list[NextDue]:
        """When the next deliveries are due, without the `busy` incidents."""
        alike = [
            rows.refused().label("refused"),
            (DELIVERIES.c.attempts > 0).label("attempted"),
            DELIVERIES.c.own_fault,
        ]
        query = (
            select(func.min(DELIVERIES.c.due_at).label("due_at"), *alike)
            .where(self._ours, PENDING, rows.oldest_pending(), DELIVERIES.c.incident_id.not_in(list(busy)))
            .group_by(*alike)
        )
        with transaction(self._engine, writes=False) as connection:
            found = connection.execute(query).all()
        return [NextDue(row.due_at, bool(row.refused), bool(row.attempted), row.own_fault) for row in found]

    def claim(self, delivery: Delivery, now: datetime) -> bool:
        """Records the start of an attempt; `False` if the row has changed since it was read, or may no longer be sent.

        Only a claimed delivery is sent, so an operator's `drop` or `retry` comes before or after it, never between.
        A crash right after the claim records an attempt that was not made; at worst it causes a needless `resolved`.
        """
        values = {"attempts": DELIVERIES.c.attempts + 1, "attempted_at": now}
        # An operator may have changed this row or an earlier one.
        as_read = [
            PENDING,
            rows.oldest_pending(),
            DELIVERIES.c.id == delivery.id,
            DELIVERIES.c.attempts == delivery.attempts,
            DELIVERIES.c.refused_payload.is_not(None) == delivery.refused,
        ]
        query = update(DELIVERIES).where(*as_read).values(values)
        with transaction(self._engine, writes=True) as connection:
            return connection.execute(query).rowcount == 1

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
        values: dict[str, Any] = {
            **_result_values(delivery, answer, disposition, now),
        }
        open_to_it = PENDING
        if isinstance(answer.outcome, Delivered):
            open_to_it = DELIVERIES.c.state.in_([DeliveryState.PENDING, DeliveryState.SUPERSEDED])
        if disposition.minimal or (
            delivery.own_fault and not delivery.refused and disposition.state is DeliveryState.DELIVERED
        ):
            values |= {"refused_payload": DELIVERIES.c.payload, "payload": minimal}
        with transaction(self._engine, writes=True) as connection:
            query = update(DELIVERIES).where(open_to_it, DELIVERIES.c.id == delivery.id).values(values)
            taken = connection.execute(query).rowcount == 1
            if disposition.state is DeliveryState.DELIVERED:
                at_once = {"due_at": func.min(DELIVERIES.c.due_at, now), "failures": 0}
                connection.execute(update(DELIVERIES).where(self._ours, *rows.failed_in_outage()).values(at_once))
                destination_rows.count_taken(connection, self._destination)
            destination_rows.write(connection, self._destination, state)
            if event_limit is not None:
                destination_rows.learn_limit(connection, self._destination.account, event_limit)
        return taken

    def hold(self, delivery: Delivery, until: datetime) -> None:
        """Postpones the delivery until then."""
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(DELIVERIES).where(PENDING, DELIVERIES.c.id == delivery.id).values(due_at=until))

    def supersede(self, delivery: Delivery, reason: str) -> None:
        """Supersedes all pending deliveries of this generation of the incident, for that reason."""
        of_incident = DELIVERIES.c.incident_id == delivery.incident_id
        generation = [self._ours, of_incident, DELIVERIES.c.generation == delivery.generation]
        with transaction(self._engine, writes=True) as connection:
            superseded = {"state": DeliveryState.SUPERSEDED, "reason": reason}
            connection.execute(update(DELIVERIES).where(PENDING, *generation).values(superseded))

    def supersede_obsolete(self) -> None:
        """Supersedes the dead deliveries of own alarms that are over."""
        with transaction(self._engine, writes=True) as connection:
            superseded = {"state": DeliveryState.SUPERSEDED, "reason": rows.ALARM_OVER}
            connection.execute(update(DELIVERIES).where(rows.obsolete()).values(superseded))

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
        of_account = select(DESTINATIONS.c.name).where(DESTINATIONS.c.account == self._destination.account)
        to_account = or_(self._ours, DELIVERIES.c.destination.in_(of_account))
        lately = [to_account, DELIVERIES.c.attempted_at > since]
        query = select(DELIVERIES.c.attempted_at).where(*lately).order_by("attempted_at")
        with transaction(self._engine, writes=False) as connection:
            return tuple(connection.execute(query).scalars())


def _most_urgent_first(admission: Admission, now: datetime) -> list[ColumnElement[Any]]:
    if admission.probe:
        # A probe of the secret sends the delivery whose attempt is oldest: any success proves the secret right.
        # An attempt in the future was stamped by a wrong clock; it counts as never attempted, or would never be chosen.
        return [case((DELIVERIES.c.attempted_at <= now, DELIVERIES.c.attempted_at)).asc().nulls_first()]
    # Alerts of open incidents go first. Deliveries with a fault of their own go last, so they delay no other.
    return [DELIVERIES.c.own_fault, and_(DELIVERIES.c.kind == Kind.NEW, _END.c.id.is_(None)).desc()]


def _failing(destination: str) -> ColumnElement[int]:
    """Number of failing pending deliveries at the destination, without own faults. One uncorrelated count per query."""
    there = _FAILING.c.destination == destination
    fails = [
        there,
        _FAILING.c.state == DeliveryState.PENDING,
        _FAILING.c.failing_since.is_not(None),
        ~_FAILING.c.own_fault,
    ]
    return select(func.count()).select_from(_FAILING).where(*fails).scalar_subquery()


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


def _result_values(delivery: Delivery, answer: Answer, disposition: Disposition, now: datetime) -> dict[str, Any]:
    """The result of an attempt, as column values."""
    return {"state": disposition.state, "due_at": disposition.due_at, **_outcome(delivery, answer, disposition, now)}


def _outcome(delivery: Delivery, answer: Answer, disposition: Disposition, now: datetime) -> dict[str, Any]:
    if isinstance(answer.outcome, Delivered):
        return {"delivered_at": now, "event_id": answer.outcome.event_id, **NO_FAILURES}
    fared = {
        "last_error": answer.outcome.why,
        "failing_since": func.coalesce(DELIVERIES.c.failing_since, now),
        "failing_from": func.coalesce(DELIVERIES.c.failing_from, delivery.taken_before),
        "failures": DELIVERIES.c.failures + 1,
        "latest_from": delivery.taken_before,
        "latest_failures": case(
            (DELIVERIES.c.latest_from == delivery.taken_before, DELIVERIES.c.latest_failures), else_=0
        )
        + 1,
    }
    return {**fared, "own_fault": True} if disposition.own_fault else fared
