"""The outbox, as the sender needs it: what may go now, and what came of each attempt.

1. An attempt is written down before it is made, its result after: the outbox always says what may have been sent.
2. Within one incident a delivery is due only once those before it are settled.
3. Every wait of a delivery is in its `due_at`; how long it waits is decided elsewhere.

Each verb is one short transaction and raises `DatabaseBusyError` when it could not be made; nothing is half done then.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, FromClause, Row, and_, case, func, or_, select, true, update

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
from daemon.storage.schema import DELIVERIES, DESTINATIONS, UNTROUBLED


class Outbox:
    """What `deliver` reads and writes. Called by its thread; `give_up_pointless` by that of the self-check."""

    def __init__(self, engine: Engine, destination: Destination) -> None:
        self._engine = engine
        self._destination = destination
        self._ours = DELIVERIES.c.destination == destination.name

    def due(self, admission: Admission, busy: Iterable[str], limit: int, now: datetime) -> list[Delivery]:
        """The deliveries that may go now: the first of each incident, save the `busy` ones, the most urgent first."""
        opens = ((False, admission.clean_from), (True, admission.refused_from))
        admitted = [refused for refused, at in opens if at <= now]
        end, previous = DELIVERIES.alias(), DELIVERIES.alias()
        previous_at = select(func.max(previous.c.delivered_at)).where(rows.alike(previous))
        query = (
            select(
                DELIVERIES,
                end.c.occurred_at.label("over_since"),
                previous_at.scalar_subquery().label("previous_at"),
                TAKEN.label("taken"),
                _failing(self._destination.name).label("failing"),
            )
            .outerjoin(end, rows.ends(end))
            .where(self._ours, PENDING, rows.first(), DELIVERIES.c.due_at <= now, rows.refused().in_(admitted))
            .where(DELIVERIES.c.incident_id.not_in(list(busy)))
            .where(true() if admission.own_faults else ~DELIVERIES.c.own_fault)
            .order_by(*_most_urgent_first(end, admission, now), DELIVERIES.c.occurred_at, DELIVERIES.c.id)
            .limit(limit)
        )
        with transaction(self._engine, writes=False) as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def waiting(self, busy: Iterable[str]) -> list[NextDue]:
        """When the next deliveries are due, leaving out the `busy` incidents."""
        alike = [
            rows.refused().label("refused"),
            (DELIVERIES.c.attempts > 0).label("attempted"),
            DELIVERIES.c.own_fault,
        ]
        query = (
            select(func.min(DELIVERIES.c.due_at).label("due_at"), *alike)
            .where(self._ours, PENDING, rows.first(), DELIVERIES.c.incident_id.not_in(list(busy)))
            .group_by(*alike)
        )
        with transaction(self._engine, writes=False) as connection:
            found = connection.execute(query).all()
        return [NextDue(row.due_at, bool(row.refused), bool(row.attempted), row.own_fault) for row in found]

    def claim(self, delivery: Delivery, now: datetime) -> bool:
        """Writes down that an attempt begins; `False` if the row is not what was read, or may not go any more.

        Only that is sent which is claimed, so an operator's `drop` or `retry` comes before it or after, never between.
        A crash right after it leaves an attempt that was never made, which at worst sends a `resolved` for nothing.
        """
        values = {"attempts": DELIVERIES.c.attempts + 1, "attempted_at": now}
        # An operator may have been at it, or at one before.
        as_read = [
            PENDING,
            rows.first(),
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
        target: DestinationState,
        event_limit: int | None,
        now: datetime,
    ) -> bool:
        """Writes down what came of an attempt. `minimal` is the payload of the next one, if that is asked for;
        `event_limit` what the account allows, if that is known.

        Once something is taken, SIGNL4 is there again: what failed since nothing else was taken is due at once. What
        was dropped while it was on its way is delivered all the same where SIGNL4 took it, and stays dropped otherwise:
        then this is `False`.
        """
        values: dict[str, Any] = {
            **_fared(delivery, answer, disposition, now),
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
                connection.execute(update(DELIVERIES).where(self._ours, *rows.waited_in_vain()).values(at_once))
                destination_rows.count_taken(connection, self._destination)
            destination_rows.write(connection, self._destination, target)
            if event_limit is not None:
                destination_rows.learn_limit(connection, self._destination.account, event_limit)
        return taken

    def hold(self, delivery: Delivery, until: datetime) -> None:
        """It is not due before then."""
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(DELIVERIES).where(PENDING, DELIVERIES.c.id == delivery.id).values(due_at=until))

    def supersede(self, delivery: Delivery, reason: str) -> None:
        """Nobody needs to hear of this generation of the incident any more."""
        of_incident = DELIVERIES.c.incident_id == delivery.incident_id
        generation = [self._ours, of_incident, DELIVERIES.c.generation == delivery.generation]
        with transaction(self._engine, writes=True) as connection:
            superseded = {"state": DeliveryState.SUPERSEDED, "reason": reason}
            connection.execute(update(DELIVERIES).where(PENDING, *generation).values(superseded))

    def give_up_pointless(self) -> None:
        """Nobody can want any more what is dead of an alarm that is over."""
        with transaction(self._engine, writes=True) as connection:
            superseded = {"state": DeliveryState.SUPERSEDED, "reason": rows.ALARM_OVER}
            connection.execute(update(DELIVERIES).where(rows.pointless()).values(superseded))

    def target(self) -> DestinationState:
        """What is known of the destination's willingness."""
        with transaction(self._engine, writes=False) as connection:
            return destination_rows.read(connection, self._destination)

    def event_limit(self) -> int | None:
        """The events that SIGNL4 allows the account in 15 s, once it has said so."""
        with transaction(self._engine, writes=False) as connection:
            return destination_rows.event_limit(connection, self._destination.account)

    def attempts_since(self, since: datetime) -> tuple[datetime, ...]:
        """When deliveries to the account were last attempted, oldest first, as far as it was after that."""
        of_account = select(DESTINATIONS.c.name).where(DESTINATIONS.c.account == self._destination.account)
        to_account = or_(self._ours, DELIVERIES.c.destination.in_(of_account))
        lately = [to_account, DELIVERIES.c.attempted_at > since]
        query = select(DELIVERIES.c.attempted_at).where(*lately).order_by("attempted_at")
        with transaction(self._engine, writes=False) as connection:
            return tuple(connection.execute(query).scalars())


def _most_urgent_first(end: FromClause, admission: Admission, now: datetime) -> list[ColumnElement[Any]]:
    if admission.probe:
        # A probe of the secret takes what was tried longest ago, whatever it is: any that is taken shows it right.
        # A time to come is that of a clock that was wrong: what was tried then would never have its turn.
        return [case((DELIVERIES.c.attempted_at <= now, DELIVERIES.c.attempted_at)).asc().nulls_first()]
    # Alerts for incidents that are still open go first, and what fails on its own goes last: it holds nobody up.
    return [DELIVERIES.c.own_fault, and_(DELIVERIES.c.kind == Kind.NEW, end.c.id.is_(None)).desc()]


def _failing(destination: str) -> ColumnElement[int]:
    """How many deliveries there wait because they failed, save those that fail on their own: one count for all."""
    other = DELIVERIES.alias()
    there = other.c.destination == destination
    fails = [there, other.c.state == DeliveryState.PENDING, other.c.failing_since.is_not(None), ~other.c.own_fault]
    return select(func.count()).select_from(other).where(*fails).scalar_subquery()


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


def _fared(delivery: Delivery, answer: Answer, disposition: Disposition, now: datetime) -> dict[str, Any]:
    """How a delivery fared, in the columns that say so."""
    return {"state": disposition.state, "due_at": disposition.due_at, **_outcome(delivery, answer, disposition, now)}


def _outcome(delivery: Delivery, answer: Answer, disposition: Disposition, now: datetime) -> dict[str, Any]:
    if isinstance(answer.outcome, Delivered):
        return {"delivered_at": now, "event_id": answer.outcome.event_id, **UNTROUBLED}
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
