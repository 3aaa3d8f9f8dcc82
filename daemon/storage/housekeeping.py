"""Maintenance between two rounds: waits and elapsed-time proofs after a clock step, deletion of old records.

Each method is one short transaction. It raises `DatabaseBusyError` if it fails, and then has changed nothing.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Engine, and_, bindparam, delete, exists, func, or_, select, update

from daemon.model.incident import Kind, Phase
from daemon.model.monitor import MonitorKind
from daemon.storage import (
    destination_rows,
    monitor_figures,
    silences,
    source_rows,
    two_way,
    unreadable_rows,
    write_backs,
)
from daemon.storage.columns import constant
from daemon.storage.delivery_rows import DEAD, PENDING, release_held
from daemon.storage.engine import checkpoint, transaction
from daemon.storage.schema import DELIVERIES, DESTINATIONS, DOUBTED, HISTORY, INCIDENTS, OPEN
from daemon.storage.two_way_schema import ALERTS, PAGE_PROOFS

_ANY_WORK = select(or_(*(exists().where(which) for which in (PENDING, OPEN, DOUBTED))))
_OF_ONE = INCIDENTS.c.polled_from == bindparam("of_source")
_WAITS = and_(PENDING, DELIVERIES.c.incident_id == INCIDENTS.c.id)
_WORK_OF_ONE = select(or_(*(exists().where(which, _OF_ONE) for which in (_WAITS, OPEN, DOUBTED))))
BATCH = 500
"""Incidents that are deleted in one transaction."""


class Housekeeping:
    """Called between two rounds, by the thread that polls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def configure(self, names: Collection[str]) -> None:
        """Makes these the destinations of the configuration in force."""
        with transaction(self._engine, writes=False) as connection:
            known = destination_rows.known(connection)
        if known != dict.fromkeys(names, True):
            with transaction(self._engine, writes=True) as connection:
                destination_rows.configure(connection, names)

    def configure_sources(self, intervals: Mapping[str, timedelta | None]) -> None:
        """Makes these the accounts that are polled, each with its interval; `None`: `poll.interval`."""
        with transaction(self._engine, writes=False) as connection:
            known = source_rows.known(connection)
        if known != intervals:
            with transaction(self._engine, writes=True) as connection:
                source_rows.configure(connection, intervals)

    def untracked(self) -> list[str]:
        """The open incidents that no account of the configuration in force tracks."""
        with transaction(self._engine, writes=False) as connection:
            return [incident_id for one in source_rows.untracked(connection) for incident_id in one.ids]

    def follow_two_way(self, written_back: Collection[Kind], now: datetime, *, has_key: bool) -> None:
        """Gives up what is not written back any more, and without an API key forgets what SIGNL4 told."""
        with transaction(self._engine, writes=True) as connection:
            write_backs.give_up(connection, written_back, now)
            if not has_key:
                two_way.forget(connection)

    def follow_monitors(self, kinds: Collection[MonitorKind]) -> None:
        """Forgets how far the looks have come at what is not looked at any more."""
        with transaction(self._engine, writes=True) as connection:
            monitor_figures.follow(connection, kinds)

    def has_work(self, polled_from: str | None = None) -> bool:
        """Whether an incident is open or in doubt, or a delivery is pending; of one account, or of all."""
        with transaction(self._engine, writes=False) as connection:
            if polled_from is None:
                return bool(connection.execute(_ANY_WORK).scalar())
            return bool(connection.execute(_WORK_OF_ONE, {"of_source": polled_from}).scalar())

    def any_monitor_alerts(self) -> bool:
        """Whether an alert about a monitor is open, or may be by the next moment."""
        with transaction(self._engine, writes=False) as connection:
            return monitor_figures.any_alerts(connection)

    def cut_waits(self, longest: timedelta, now: datetime) -> None:
        """Makes a delivery due now if its wait exceeds `longest`: the clock was wrong when the wait was set."""
        query = update(DELIVERIES).where(PENDING, DELIVERIES.c.due_at > now + longest).values(due_at=now)
        with transaction(self._engine, writes=True) as connection:
            connection.execute(query)

    def release_held(self, now: datetime) -> None:
        """Makes due now what a rule held: the rules may be others."""
        with transaction(self._engine, writes=True) as connection:
            release_held(connection, now)

    def try_secrets_again(self, now: datetime) -> None:
        """A secret may have been corrected before this start: tries each refused one now, if a delivery is pending."""
        waiting = exists().where(PENDING, DELIVERIES.c.destination == DESTINATIONS.c.name)
        refused = DESTINATIONS.c.secret_refused_since.is_not(None)
        behind = exists().where(DESTINATIONS.c.name == DELIVERIES.c.destination, refused)
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(DESTINATIONS).where(waiting).values(probe_at=now))
            connection.execute(update(DELIVERIES).where(PENDING, ~DELIVERIES.c.own_fault, behind).values(due_at=now))
            willing = {"secret_refused_since": None, "probe_at": None}
            connection.execute(update(DESTINATIONS).where(~waiting).values(willing))

    def forget_spans(self, now: datetime) -> None:
        """Restarts elapsed-time proofs: a clock step makes earlier durations unknown."""
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(INCIDENTS).where(INCIDENTS.c.gone_since.is_not(None)).values(gone_since=None))
            failing = DELIVERIES.c.failing_since.is_not(None)
            connection.execute(update(DELIVERIES).where(PENDING, failing).values(failing_since=now))
            off_duty = DESTINATIONS.c.off_duty_since
            connection.execute(update(DESTINATIONS).where(off_duty.is_not(None)).values(off_duty_since=now))
            source_rows.restart(connection, now)
            two_way.restart(connection, now)
            monitor_figures.restart(connection, now)
            unreadable_rows.restart(connection, now)

    def prune(self, before: datetime) -> int:
        """Deletes incidents resolved before `before` and their deliveries, up to `BATCH`; returns how many.

        Keeps an incident with a pending or dead delivery. Silences that were over before then go, too,
        and what was changed about monitors.
        """
        unsettled = or_(PENDING, DEAD)
        old = select(INCIDENTS.c.id).where(
            INCIDENTS.c.phase == constant(Phase.RESOLVED),
            func.coalesce(INCIDENTS.c.resolved_at, INCIDENTS.c.changed_at) < before,
            INCIDENTS.c.changed_at < before,
            ~exists().where(DELIVERIES.c.incident_id == INCIDENTS.c.id, unsettled),
        )
        with transaction(self._engine, writes=True) as connection:
            ids = connection.execute(old.limit(BATCH)).scalars().all()
            for table in (HISTORY, PAGE_PROOFS, ALERTS, DELIVERIES):
                connection.execute(delete(table).where(table.c.incident_id.in_(ids)))
            connection.execute(delete(INCIDENTS).where(INCIDENTS.c.id.in_(ids)))
            silences.prune(connection, before)
            monitor_figures.prune(connection, before)
        return len(ids)

    def checkpoint(self) -> bool:
        """Checkpoints the WAL, so that a plain copy of the file is complete; returns whether that was possible."""
        return checkpoint(self._engine)
