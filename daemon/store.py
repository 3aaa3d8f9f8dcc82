"""State and outbox: the few transactional verbs of the two flows. Nothing above knows SQL.

1. A transition is written in the same transaction as the state that caused it.
2. An attempt is written down before it is made, its result after: the outbox always says what may have been sent.
3. Every wait of a delivery, back-off or gap, is in its `due_at`.

Each verb is one short transaction and raises `DatabaseBusyError` when it could not be made; nothing is half done then.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, exists, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from daemon import outbox
from daemon.database import transaction
from daemon.delivery import Answer, Delivered, Delivery, DeliveryState, Opening, Step, Target, Waiting
from daemon.incident import Kind, Phase, Progress, Recorded, Transition
from daemon.outbox import PENDING, waited_in_vain
from daemon.tables import DELIVERIES, INCIDENTS, OPEN, PROGRESS, TARGETS, UNTROUBLED

_RECORDED = [INCIDENTS.c[field.name] for field in fields(Recorded)]


@dataclass(frozen=True, slots=True)
class Change:
    """One incident as it is to be recorded, with its transitions and their rendered payloads."""

    after: Recorded
    told: tuple[tuple[Transition, Mapping[str, Any]], ...] = ()


class Store:
    """The verbs of `poll`, then those of `deliver`."""

    def __init__(self, engine: Engine, gap: timedelta) -> None:
        """`gap`: the least time between two accepted deliveries of one incident."""
        self._engine = engine
        self._gap = gap

    # -- poll ---------------------------------------------------------------------------------------------------------

    def progress(self) -> Progress:
        """How far polling came."""
        columns = [PROGRESS.c[field.name] for field in fields(Progress)]
        with transaction(self._engine, writes=False) as connection:
            return Progress(*connection.execute(select(*columns)).one())

    def known(self, ids: Collection[str]) -> dict[str, Recorded]:
        """What is recorded of these incidents."""
        return self._recorded(INCIDENTS.c.id.in_(ids))

    def tracked(self) -> dict[str, Recorded]:
        """The incidents that are not known to be over."""
        return self._recorded(OPEN)

    def _recorded(self, which: ColumnElement[bool]) -> dict[str, Recorded]:
        with transaction(self._engine, writes=False) as connection:
            rows = connection.execute(select(*_RECORDED).where(which)).all()
        return {row.id: Recorded(**{**row._mapping, "phase": Phase(row.phase)}) for row in rows}

    def record(self, changes: Sequence[Change], now: datetime) -> None:
        """Writes states and outbox rows together. A crash before the commit leaves neither, after it both."""
        with transaction(self._engine, writes=True) as connection:
            for change in changes:
                _put_incident(connection, change.after, now)
                for transition, payload in change.told:
                    if transition.kind is Kind.RESOLVED:
                        _supersede_acknowledged(connection, change.after.id, transition.generation)
                    self._put_delivery(connection, change.after, transition, payload, now)

    def _put_delivery(
        self, connection: Connection, after: Recorded, transition: Transition, payload: Mapping[str, Any], now: datetime
    ) -> None:
        last = select(func.max(DELIVERIES.c.delivered_at)).where(DELIVERIES.c.incident_id == after.id)
        delivered_at = connection.execute(last).scalar()
        row = {
            "incident_id": after.id,
            "generation": transition.generation,
            "kind": transition.kind,
            "state": DeliveryState.PENDING,
            "reason": transition.reason,
            "external_id": after.external_id,
            "payload": payload,
            "attempts": 0,
            "occurred_at": transition.occurred_at,
            "created_at": now,
            "due_at": now if delivered_at is None else max(now, min(delivered_at, now) + self._gap),
        }
        # A transition that is in the outbox already has been told, whatever made us see it again.
        connection.execute(insert(DELIVERIES).values(row).on_conflict_do_nothing())

    def has_work(self) -> bool:
        """Whether an incident is open or a delivery waits."""
        waits = exists().where(PENDING)
        is_open = exists().where(OPEN)
        with transaction(self._engine, writes=False) as connection:
            return bool(connection.execute(select(or_(waits, is_open))).scalar())

    def complete_round(self, now: datetime) -> None:
        """Every request of the round succeeded and everything seen is committed."""
        self._update_progress(
            last_complete_round_at=now,
            last_round_error=None,
            token_suspect_since=None,
            failing_since=None,
            refused_rounds=0,
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

    def _update_progress(self, **values: Any) -> None:
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(PROGRESS).values(values))

    def forget_spans(self, now: datetime) -> None:
        """After a step of the clock nobody can say how long something lasted: what time would prove starts again."""
        since = [PROGRESS.c.failing_since, PROGRESS.c.token_suspect_since]
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(INCIDENTS).where(INCIDENTS.c.gone_since.is_not(None)).values(gone_since=None))
            failing = DELIVERIES.c.failing_since.is_not(None)
            connection.execute(update(DELIVERIES).where(PENDING, failing).values(failing_since=now))
            for column in since:
                connection.execute(update(PROGRESS).where(column.is_not(None)).values({column: now}))

    def prune(self, before: datetime) -> int:
        """Deletes incidents that were over before, with their deliveries, unless one of these is unsettled."""
        unsettled = DELIVERIES.c.state.in_([DeliveryState.PENDING, DeliveryState.DEAD])
        old = select(INCIDENTS.c.id).where(
            INCIDENTS.c.phase == Phase.RESOLVED,
            func.coalesce(INCIDENTS.c.resolved_at, INCIDENTS.c.changed_at) < before,
            INCIDENTS.c.changed_at < before,
            ~exists().where(DELIVERIES.c.incident_id == INCIDENTS.c.id, unsettled),
        )
        with transaction(self._engine, writes=True) as connection:
            ids = connection.execute(old.limit(500)).scalars().all()
            connection.execute(delete(DELIVERIES).where(DELIVERIES.c.incident_id.in_(ids)))
            connection.execute(delete(INCIDENTS).where(INCIDENTS.c.id.in_(ids)))
        return len(ids)

    # -- deliver ------------------------------------------------------------------------------------------------------

    def target(self) -> Target:
        """What is known of SIGNL4's willingness."""
        columns = [TARGETS.c[field.name] for field in fields(Target)]
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(select(*columns)).one()
        faults = {name: tuple(map(datetime.fromisoformat, getattr(row, name))) for name in _FAULTS}
        return Target(**{**row._mapping, **faults})

    def attempts_since(self, since: datetime) -> tuple[datetime, ...]:
        """When deliveries were last attempted, oldest first, as far as it was after that."""
        query = select(DELIVERIES.c.attempted_at).where(DELIVERIES.c.attempted_at > since).order_by("attempted_at")
        with transaction(self._engine, writes=False) as connection:
            return tuple(connection.execute(query).scalars())

    def due(self, opening: Opening, busy: Iterable[str], limit: int, now: datetime) -> list[Delivery]:
        """The deliveries that may go now: the first of each incident, save the `busy` ones, the most urgent first."""
        with transaction(self._engine, writes=False) as connection:
            return [outbox.delivery_of(row) for row in connection.execute(outbox.due(opening, busy, limit, now))]

    def waiting(self, busy: Iterable[str]) -> list[Waiting]:
        """When the next deliveries are due, leaving out the `busy` incidents."""
        with transaction(self._engine, writes=False) as connection:
            return [outbox.waiting_of(row) for row in connection.execute(outbox.waiting(busy))]

    def claim(self, delivery: Delivery, now: datetime) -> bool:
        """Writes down that an attempt begins; `False` if the delivery is no longer pending.

        A crash right after it leaves an attempt that was never made, which at worst sends a `resolved` for nothing.
        """
        values = {"attempts": DELIVERIES.c.attempts + 1, "attempted_at": now}
        query = update(DELIVERIES).where(PENDING, DELIVERIES.c.id == delivery.id).values(values)
        with transaction(self._engine, writes=True) as connection:
            return connection.execute(query).rowcount == 1

    def settle(
        self, delivery: Delivery, step: Step, answer: Answer, minimal: Mapping[str, Any], target: Target, now: datetime
    ) -> None:
        """Writes down what came of an attempt. `minimal` is the payload of the next one, if the step asks for it.

        Once something is taken, SIGNL4 is there again: what failed since nothing else was taken is due at once.
        """
        values: dict[str, Any] = {"state": step.state, "due_at": step.due_at, **_fared(delivery, answer, step, now)}
        if step.minimal or (delivery.own_fault and not delivery.refused and step.state is DeliveryState.DELIVERED):
            values |= {"refused_payload": DELIVERIES.c.payload, "payload": minimal}
        siblings = [PENDING, DELIVERIES.c.incident_id == delivery.incident_id, DELIVERIES.c.due_at < now + self._gap]
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(DELIVERIES).where(PENDING, DELIVERIES.c.id == delivery.id).values(values))
            if step.state is DeliveryState.DELIVERED:
                at_once = {"due_at": func.min(DELIVERIES.c.due_at, now), "failures": 0}
                connection.execute(update(DELIVERIES).where(*waited_in_vain()).values(at_once))
                connection.execute(update(DELIVERIES).where(*siblings).values(due_at=now + self._gap))
                connection.execute(update(TARGETS).values(taken=TARGETS.c.taken + 1))
            _put_target(connection, target)

    def supersede(self, delivery: Delivery, reason: str) -> None:
        """Nobody needs to hear of this generation of the incident any more."""
        generation = [DELIVERIES.c.incident_id == delivery.incident_id, DELIVERIES.c.generation == delivery.generation]
        with transaction(self._engine, writes=True) as connection:
            superseded = {"state": DeliveryState.SUPERSEDED, "reason": reason}
            connection.execute(update(DELIVERIES).where(PENDING, *generation).values(superseded))

    def cut_waits(self, longest: timedelta, now: datetime) -> None:
        """Makes due what would wait longer than any wait is meant to last: the clock was wrong once."""
        query = update(DELIVERIES).where(PENDING, DELIVERIES.c.due_at > now + longest).values(due_at=now)
        with transaction(self._engine, writes=True) as connection:
            connection.execute(query)

    def try_secret_again(self, now: datetime) -> None:
        """After a start the secret may have been mended: it is tried at once, if there is what to try it with."""
        waiting = exists().where(PENDING)
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(TARGETS).where(waiting).values(probe_at=now))
            refused = [PENDING, ~DELIVERIES.c.own_fault, _secret_refused()]
            connection.execute(update(DELIVERIES).where(*refused).values(due_at=now))
            connection.execute(update(TARGETS).where(~waiting).values(secret_refused_since=None, probe_at=None))


_FAULTS = ("other_faults", "payload_faults")


def _put_incident(connection: Connection, after: Recorded, now: datetime) -> None:
    values = {**asdict(after), "changed_at": now}
    row = insert(INCIDENTS).values(**values, first_seen_at=now)
    connection.execute(row.on_conflict_do_update(index_elements=[INCIDENTS.c.id], set_=values))


def _supersede_acknowledged(connection: Connection, incident_id: str, generation: int) -> None:
    """An acknowledgement that nobody tried to tell is pointless once the incident is over."""
    which = [
        PENDING,
        DELIVERIES.c.incident_id == incident_id,
        DELIVERIES.c.generation == generation,
        DELIVERIES.c.kind == Kind.ACKNOWLEDGED,
        DELIVERIES.c.attempts == 0,
    ]
    superseded = {"state": DeliveryState.SUPERSEDED, "reason": "the incident was resolved before this was sent"}
    connection.execute(update(DELIVERIES).where(*which).values(superseded))


def _put_target(connection: Connection, target: Target) -> None:
    values = asdict(target)
    for name in _FAULTS:
        values[name] = [fault.isoformat() for fault in values[name]]
    connection.execute(update(TARGETS).values(values))


def _fared(delivery: Delivery, answer: Answer, step: Step, now: datetime) -> dict[str, Any]:
    """How a delivery fared, in the columns that say so."""
    if isinstance(answer.outcome, Delivered):
        return {"delivered_at": now, "event_id": answer.outcome.event_id, **UNTROUBLED}
    fared = {
        "last_error": answer.outcome.why,
        "failing_since": func.coalesce(DELIVERIES.c.failing_since, now),
        "failing_from": func.coalesce(DELIVERIES.c.failing_from, delivery.taken_before),
        "failures": DELIVERIES.c.failures + 1,
    }
    return {**fared, "own_fault": True} if step.own_fault else fared


def _secret_refused() -> ColumnElement[bool]:
    return exists().where(TARGETS.c.secret_refused_since.is_not(None))
