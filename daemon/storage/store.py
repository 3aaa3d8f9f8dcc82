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

from daemon.model.delivery import (
    Admission,
    Answer,
    Delivered,
    Delivery,
    DeliveryState,
    DestinationState,
    Disposition,
    NextDue,
)
from daemon.model.incident import IncidentState, Kind, Phase, Progress, Shown, Transition, Unreadable
from daemon.storage import aside, outbox
from daemon.storage.engine import checkpoint, transaction
from daemon.storage.outbox import PENDING, waited_in_vain
from daemon.storage.schema import DELIVERIES, DOUBTED, INCIDENTS, OPEN, PROGRESS, TARGETS

_RECORDED = [INCIDENTS.c[field.name].label(field.name) for field in fields(IncidentState)]


@dataclass(frozen=True, slots=True)
class Change:
    """One incident as it is to be recorded, with its transitions and their rendered payloads."""

    after: IncidentState
    transitions: tuple[tuple[Transition, Mapping[str, Any]], ...] = ()


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
                        connection.execute(outbox.supersede_acknowledged(change.after.id, transition.generation))
                    self._put_delivery(connection, change.after, transition, payload, now)

    def _put_delivery(
        self,
        connection: Connection,
        after: IncidentState,
        transition: Transition,
        payload: Mapping[str, Any],
        now: datetime,
    ) -> None:
        last = select(func.max(DELIVERIES.c.delivered_at)).where(DELIVERIES.c.incident_id == after.id)
        delivered_at = connection.execute(last).scalar()
        unheard = connection.execute(outbox.never_told(after.id, transition.generation)).scalar_one()
        row = {
            "incident_id": after.id,
            "generation": transition.generation,
            "kind": transition.kind,
            "state": DeliveryState.SUPERSEDED if unheard else DeliveryState.PENDING,
            "reason": "nobody was told of the beginning" if unheard else transition.reason,
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
        """Whether an incident is open or in doubt, or a delivery waits."""
        work = (exists().where(which) for which in (PENDING, OPEN, DOUBTED))
        with transaction(self._engine, writes=False) as connection:
            return bool(connection.execute(select(or_(*work))).scalar())

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

    def forget_spans(self, now: datetime) -> None:
        """After a clock step nobody can say how long something lasted: elapsed-time proofs start again."""
        since = [PROGRESS.c.failing_since, PROGRESS.c.token_suspect_since]
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(INCIDENTS).where(INCIDENTS.c.gone_since.is_not(None)).values(gone_since=None))
            failing = DELIVERIES.c.failing_since.is_not(None)
            connection.execute(update(DELIVERIES).where(PENDING, failing).values(failing_since=now))
            for column in since:
                connection.execute(update(PROGRESS).where(column.is_not(None)).values({column: now}))
            # What was recorded since then is never mistaken for something known from before.
            ahead = PROGRESS.c.token_changed_at > now
            connection.execute(update(PROGRESS).where(ahead).values(token_changed_at=now))
            aside.begin_anew(connection, now)

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

    def checkpoint(self) -> None:
        """Puts all that is committed into the file itself, so that a plain copy of it is one."""
        checkpoint(self._engine)

    # -- deliver ------------------------------------------------------------------------------------------------------

    def target(self) -> DestinationState:
        """What is known of SIGNL4's willingness."""
        with transaction(self._engine, writes=False) as connection:
            return outbox.target_of(connection.execute(outbox.target()).one())

    def attempts_since(self, since: datetime) -> tuple[datetime, ...]:
        """When deliveries were last attempted, oldest first, as far as it was after that."""
        query = select(DELIVERIES.c.attempted_at).where(DELIVERIES.c.attempted_at > since).order_by("attempted_at")
        with transaction(self._engine, writes=False) as connection:
            return tuple(connection.execute(query).scalars())

    def due(self, admission: Admission, busy: Iterable[str], limit: int, now: datetime) -> list[Delivery]:
        """The deliveries that may go now: the first of each incident, save the `busy` ones, the most urgent first."""
        with transaction(self._engine, writes=False) as connection:
            return [outbox.delivery_of(row) for row in connection.execute(outbox.due(admission, busy, limit, now))]

    def waiting(self, busy: Iterable[str]) -> list[NextDue]:
        """When the next deliveries are due, leaving out the `busy` incidents."""
        with transaction(self._engine, writes=False) as connection:
            return [outbox.waiting_of(row) for row in connection.execute(outbox.waiting(busy))]

    def claim(self, delivery: Delivery, now: datetime) -> bool:
        """Writes down that an attempt begins; `False` if the row is not what was read, or may not go any more.

        Only that is sent which is claimed, so an operator's `drop` or `retry` comes before it or after, never between.
        A crash right after it leaves an attempt that was never made, which at worst sends a `resolved` for nothing.
        """
        values = {"attempts": DELIVERIES.c.attempts + 1, "attempted_at": now}
        query = update(DELIVERIES).where(outbox.unchanged(delivery)).values(values)
        with transaction(self._engine, writes=True) as connection:
            return connection.execute(query).rowcount == 1

    def settle(
        self,
        delivery: Delivery,
        disposition: Disposition,
        answer: Answer,
        minimal: Mapping[str, Any],
        target: DestinationState,
        now: datetime,
    ) -> bool:
        """Writes down what came of an attempt. `minimal` is the payload of the next one, if that is asked for.

        Once something is taken, SIGNL4 is there again: what failed since nothing else was taken is due at once. What
        was dropped while it was on its way is delivered all the same where SIGNL4 took it, and stays dropped otherwise:
        then this is `False`.
        """
        values: dict[str, Any] = {
            "state": disposition.state,
            "due_at": disposition.due_at,
            **outbox.fared(delivery, answer, disposition, now),
        }
        open_to_it = PENDING
        if isinstance(answer.outcome, Delivered):
            open_to_it = DELIVERIES.c.state.in_([DeliveryState.PENDING, DeliveryState.SUPERSEDED])
        if disposition.minimal or (
            delivery.own_fault and not delivery.refused and disposition.state is DeliveryState.DELIVERED
        ):
            values |= {"refused_payload": DELIVERIES.c.payload, "payload": minimal}
        siblings = [PENDING, DELIVERIES.c.incident_id == delivery.incident_id, DELIVERIES.c.due_at < now + self._gap]
        with transaction(self._engine, writes=True) as connection:
            query = update(DELIVERIES).where(open_to_it, DELIVERIES.c.id == delivery.id).values(values)
            taken = connection.execute(query).rowcount == 1
            if disposition.state is DeliveryState.DELIVERED:
                at_once = {"due_at": func.min(DELIVERIES.c.due_at, now), "failures": 0}
                connection.execute(update(DELIVERIES).where(*waited_in_vain()).values(at_once))
                connection.execute(update(DELIVERIES).where(*siblings).values(due_at=now + self._gap))
                connection.execute(update(TARGETS).values(taken=TARGETS.c.taken + 1))
            connection.execute(update(TARGETS).values(outbox.target_values(target)))
        return taken

    def supersede(self, delivery: Delivery, reason: str) -> None:
        """Nobody needs to hear of this generation of the incident any more."""
        generation = [DELIVERIES.c.incident_id == delivery.incident_id, DELIVERIES.c.generation == delivery.generation]
        with transaction(self._engine, writes=True) as connection:
            superseded = {"state": DeliveryState.SUPERSEDED, "reason": reason}
            connection.execute(update(DELIVERIES).where(PENDING, *generation).values(superseded))

    def give_up_pointless(self) -> None:
        """Nobody can want any more what is dead of an alarm that is over."""
        with transaction(self._engine, writes=True) as connection:
            superseded = {"state": DeliveryState.SUPERSEDED, "reason": outbox.ALARM_OVER}
            connection.execute(update(DELIVERIES).where(outbox.pointless()).values(superseded))

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


def _put_incident(connection: Connection, after: IncidentState, now: datetime) -> None:
    values = {**asdict(after), "changed_at": now}
    row = insert(INCIDENTS).values(**values, first_seen_at=now)
    connection.execute(row.on_conflict_do_update(index_elements=[INCIDENTS.c.id], set_=values))


def _secret_refused() -> ColumnElement[bool]:
    return exists().where(TARGETS.c.secret_refused_since.is_not(None))
