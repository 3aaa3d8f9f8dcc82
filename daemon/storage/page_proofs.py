"""What SIGNL4 is asked of the messages that it took, and what it answered.

Each method is one short transaction. It raises `DatabaseBusyError` if it fails, and then has changed nothing.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, and_, bindparam, exists, insert, or_, select, update

from daemon.model.delivery import DeliveryState
from daemon.model.history import Entry, Happening
from daemon.model.incident import Kind
from daemon.model.page_proof import AwaitedProof, Finding
from daemon.model.signl4 import EventOutcome
from daemon.storage import history_rows
from daemon.storage.columns import Moment, constant
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES, DESTINATIONS
from daemon.storage.two_way_schema import PAGE_PROOFS

_TAKEN = and_(
    DELIVERIES.c.kind == constant(Kind.NEW),
    DELIVERIES.c.state == constant(DeliveryState.DELIVERED),
    DELIVERIES.c.event_id.is_not(None),
)
# No delivery is accepted before its attempt, and attempts have an index.
_LATELY = DELIVERIES.c.attempted_at > bindparam("since", type_=Moment)
_OURS = DELIVERIES.c.destination.in_(bindparam("teams", expanding=True))
_UNPROVEN = select(DELIVERIES.c.id, DELIVERIES.c.incident_id, DELIVERIES.c.generation, DELIVERIES.c.delivered_at).where(
    _TAKEN, _LATELY, _OURS, ~exists().where(PAGE_PROOFS.c.delivery_id == DELIVERIES.c.id)
)
_TAKE_UP = insert(PAGE_PROOFS)
# A longer wait than any was set by a clock that was wrong.
_IS_DUE = or_(
    PAGE_PROOFS.c.due_at <= bindparam("now", type_=Moment), PAGE_PROOFS.c.due_at > bindparam("latest", type_=Moment)
)
_DUE = (
    select(
        PAGE_PROOFS.c.delivery_id,
        PAGE_PROOFS.c.incident_id,
        PAGE_PROOFS.c.generation,
        DELIVERIES.c.destination.label("team"),
        DELIVERIES.c.external_id,
        DELIVERIES.c.event_id,
        DELIVERIES.c.created_at,
        DELIVERIES.c.delivered_at,
        PAGE_PROOFS.c.asked,
        DESTINATIONS.c.event_source,
    )
    .join(DELIVERIES, DELIVERIES.c.id == PAGE_PROOFS.c.delivery_id)
    .join(DESTINATIONS, DESTINATIONS.c.name == DELIVERIES.c.destination)
    .where(PAGE_PROOFS.c.verdict.is_(None), _IS_DUE, _TAKEN, _OURS)
    .order_by(PAGE_PROOFS.c.due_at, PAGE_PROOFS.c.delivery_id)
    .limit(bindparam("limit"))
)
# A message that is sent again meanwhile gets a proof of its own.
_RECORD = update(PAGE_PROOFS).where(
    PAGE_PROOFS.c.delivery_id == bindparam("this"),
    PAGE_PROOFS.c.asked == bindparam("asked_before"),
    PAGE_PROOFS.c.verdict.is_(None),
)


class PageProofs:
    """Called by the thread of the job `two-way`."""

    def __init__(self, engine: Engine, teams: Collection[str]) -> None:
        """`teams`: those of the account that SIGNL4 is asked about."""
        self._engine = engine
        self._teams = list(teams)

    def take_up(self, since: datetime, first: timedelta) -> None:
        """Begins to ask about what was accepted since then; `first`: how long after its acceptance."""
        values = {"since": since, "teams": self._teams}
        with transaction(self._engine, writes=False) as connection:
            any_new = connection.execute(_UNPROVEN.limit(1), values).one_or_none() is not None
        if not any_new:
            return
        with transaction(self._engine, writes=True) as connection:
            found = connection.execute(_UNPROVEN, values).all()
            proofs = [
                {
                    "delivery_id": row.id,
                    "incident_id": row.incident_id,
                    "generation": row.generation,
                    "asked": 0,
                    "due_at": row.delivered_at + first,
                    "why": "",
                }
                for row in found
            ]
            if proofs:
                connection.execute(_TAKE_UP, proofs)

    def due(self, now: datetime, longest: timedelta, limit: int) -> list[AwaitedProof]:
        """What SIGNL4 is to be asked about, the longest due first. `longest`: of the waits between two questions."""
        values = {"now": now, "latest": now + longest, "teams": self._teams, "limit": limit}
        with transaction(self._engine, writes=False) as connection:
            return [AwaitedProof(**row._mapping) for row in connection.execute(_DUE, values)]

    def postpone(self, proof: AwaitedProof, due_at: datetime) -> None:
        """Records that it was asked, and when it is asked again."""
        with transaction(self._engine, writes=True) as connection:
            connection.execute(_RECORD, _which(proof, due_at))

    def settle(self, proof: AwaitedProof, finding: Finding, outcome: EventOutcome | None, now: datetime) -> bool:
        """Records a verdict, and what the answer says of the team. Whether the message was still that one."""
        with transaction(self._engine, writes=True) as connection:
            values = {**_which(proof, now), "verdict": finding.verdict, "why": finding.why}
            is_settled = connection.execute(_RECORD, values).rowcount == 1
            if is_settled:
                what = proof.incident_id, proof.generation, now, Happening.PAGE, _told(finding), proof.delivery_id
                history_rows.add(connection, [Entry(*what)])
            if outcome is not None:
                _learn(connection, proof, outcome)
        return is_settled


def _which(proof: AwaitedProof, due_at: datetime) -> dict[str, object]:
    return {"this": proof.delivery_id, "asked_before": proof.asked, "asked": proof.asked + 1, "due_at": due_at}


def _told(finding: Finding) -> str:
    return f"{finding.verdict}: {finding.why}"


def _learn(connection: Connection, proof: AwaitedProof, outcome: EventOutcome) -> None:
    """What SIGNL4 calls the team. An answer that does not say it changes nothing."""
    said = {"team_id": outcome.team_id, "event_source": outcome.event_source}
    if named := {column: value for column, value in said.items() if value is not None}:
        connection.execute(update(DESTINATIONS).where(DESTINATIONS.c.name == proof.team).values(named))
