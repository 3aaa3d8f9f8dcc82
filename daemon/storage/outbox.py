"""The outbox as the sender uses it: which deliveries are due, and the result of each attempt.

1. An attempt is recorded before it is made, its result after it: the outbox always shows what may have been sent.
2. Within one incident a delivery is due only after the earlier ones are settled.
3. `due_at` holds every wait of a delivery; `decisions` chooses how long it is.

Each method is one short transaction. It raises `DatabaseBusyError` if it fails, and then has changed nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection, Engine

from daemon.model.admission import Admission, GivenUp, Held, NextDue
from daemon.model.delivery import Delivery, DeliveryState, DestinationState, Result
from daemon.model.destination import Destination
from daemon.model.history import Happening
from daemon.model.silence import KnownSilences
from daemon.storage import delivery_rows as rows
from daemon.storage import destination_rows, history_rows, outbox_values, silences, waits
from daemon.storage import outbox_statements as statements
from daemon.storage.engine import transaction


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of a record of results and claims; deliveries by their ids."""

    claimed: frozenset[int] = frozenset()
    unwanted: frozenset[int] = frozenset()
    """Dropped during their attempt, which failed."""
    others_due: bool = False
    """Whether a result made other deliveries due."""


class Outbox:
    """What `deliver` reads and writes. Called by its thread, `supersede_obsolete` by that of the self-check."""

    def __init__(self, engine: Engine, destination: Destination) -> None:
        self._engine = engine
        self._destination = destination
        self._ours = {"ours": destination.name}
        self._state: DestinationState | None = None
        """As it was last read or recorded here, like the limit."""
        self._event_limit: int | None = None
        self._event_source: str | None = None
        """What SIGNL4's REST API calls the sender of these deliveries."""

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
            found = connection.execute(query, values)
            return [outbox_values.delivery(row, self._event_source) for row in found]

    def waiting(self, busy: Iterable[str]) -> list[NextDue]:
        """When the next deliveries are due, without the `busy` incidents."""
        with transaction(self._engine, writes=False) as connection:
            found = connection.execute(statements.waiting(), {**self._ours, "busy": list(busy)}).all()
        return [
            NextDue(row.due_at, bool(row.refused), bool(row.attempted), row.own_fault, bool(row.held)) for row in found
        ]

    def urgent(self, now: datetime) -> int:
        """How many alerts of open incidents are due."""
        with transaction(self._engine, writes=False) as connection:
            return int(connection.execute(statements.urgent(), {**self._ours, "now": now}).scalar_one())

    def settle_and_claim(
        self,
        results: Sequence[Result],
        claims: Sequence[Delivery],
        state: DestinationState,
        event_limit: int | None,
        now: datetime,
        *,
        some_fail: bool = True,
        unsent: Sequence[Delivery] = (),
    ) -> Recorded:
        """Records results, and the start of the next attempts (`claims`), in one transaction.

        `state`: the destination after these results; `event_limit`: what the account allows in 15 s, if known.
        `unsent`: what was claimed, as it was read before, and is not sent: that attempt does not count.

        A success shows that SIGNL4 is back: deliveries that failed because it was down become due now, if `some_fail`.
        A delivery dropped during its attempt is delivered if SIGNL4 accepted it; else it stays dropped.

        Only a claimed delivery is sent. None is claimed whose row has changed since it was read: an operator's `drop`
        or `retry` comes before or after an attempt, never between. A crash right after a claim records an attempt that
        was not made; at worst it causes a needless `resolved`.
        """
        with transaction(self._engine, writes=True) as connection:
            unwanted, others_due = self._settle(connection, results, now, some_fail=some_fail)
            history_rows.add_attempts(connection, results)
            if state != self._state:
                destination_rows.write(connection, self._destination, state)
            if event_limit is not None and event_limit != self._event_limit:
                destination_rows.learn_limit(connection, self._destination.account, event_limit)
            if unsent:
                values = [{"this": delivery.id, "attempts_before": delivery.attempts} for delivery in unsent]
                connection.execute(statements.give_back(), values)
            claimed = _claim(connection, claims, now) if claims else frozenset()
        self._state, self._event_limit = state, event_limit
        return Recorded(claimed, unwanted, others_due)

    def put_off(
        self, held: Sequence[Held], given_up: Sequence[GivenUp], now: datetime, known: KnownSilences | None = None
    ) -> bool:
        """Holds deliveries. Of those given up, supersedes all that is pending of the generation.

        `known`: the silences that this was decided by. If by now there are others, it changes nothing and returns
        false: one that was made to expire meanwhile would hold all the same.
        """
        with transaction(self._engine, writes=True) as connection:
            if known is not None and silences.ended_after(connection, known.since) != known.silences:
                return False
            waits.hold(connection, held, now)
            waits.give_up(connection, self._destination.name, given_up, now)
        return True

    def silences(self, since: datetime) -> KnownSilences:
        """Those that were not over by then."""
        with transaction(self._engine, writes=False) as connection:
            return KnownSilences(since, silences.ended_after(connection, since))

    def supersede_obsolete(self, now: datetime) -> None:
        """Supersedes the dead deliveries of own alarms that are over."""
        superseded = {"state": DeliveryState.SUPERSEDED, "reason": rows.ALARM_OVER}
        with transaction(self._engine, writes=True) as connection:
            found = connection.execute(statements.supersede_obsolete(), superseded).all()
            why = Happening.SUPERSEDED, rows.ALARM_OVER, now
            history_rows.add(connection, [history_rows.of(row, *why) for row in found])

    def look(self) -> tuple[DestinationState, int | None, bool]:
        """The state of the destination; events that SIGNL4 allows its account in 15 s, if known; whether any waits."""
        with transaction(self._engine, writes=False) as connection:
            state = destination_rows.read(connection, self._destination)
            account, self._event_source = destination_rows.account_and_source(connection, self._destination)
            self._state = state if account == self._destination.account else None
            self._event_limit = destination_rows.event_limit(connection, self._destination.account)
            waits = bool(connection.execute(statements.any_waits(), self._ours).scalar_one())
        return state, self._event_limit, waits

    def attempts_since(self, since: datetime) -> tuple[datetime, ...]:
        """The latest attempt of each delivery to the account, if it was after `since`; oldest first."""
        values = {**self._ours, "account": self._destination.account, "since": since}
        with transaction(self._engine, writes=False) as connection:
            return tuple(connection.execute(statements.attempts_since(), values).scalars())

    def _settle(
        self, connection: Connection, results: Iterable[Result], now: datetime, *, some_fail: bool
    ) -> tuple[frozenset[int], bool]:
        """The ids of those that were not wanted any more, and whether others became due."""
        unwanted, others_due = set[int](), False
        for delivered, group in groupby(results, key=attrgetter("delivered")):
            if delivered:
                taken = list(group)
                _settle_delivered(connection, taken)
                # What it had already, from an earlier attempt, does not show that it takes anything now.
                if accepted := sum(result.accepted for result in taken):
                    others_due |= some_fail and self._end_outage(connection, now)
                    destination_rows.count_taken(connection, self._destination, accepted)
            else:
                unwanted |= {result.delivery.id for result in group if not _settle_failed(connection, result)}
        return frozenset(unwanted), others_due

    def _end_outage(self, connection: Connection, now: datetime) -> bool:
        """Whether others became due by it."""
        return connection.execute(statements.end_outage(), {**self._ours, "now": now}).rowcount > 0


def _settle_delivered(connection: Connection, results: Iterable[Result]) -> None:
    for replaced, group in groupby(results, key=outbox_values.is_replaced):
        query = statements.settle(delivered=True, replaced=replaced)
        connection.execute(query, [outbox_values.result(one) for one in group])


def _settle_failed(connection: Connection, result: Result) -> bool:
    """Whether the delivery was still wanted."""
    query = statements.settle(delivered=False, replaced=outbox_values.is_replaced(result))
    return connection.execute(query, outbox_values.result(result)).rowcount == 1


def _claim(connection: Connection, claims: Sequence[Delivery], now: datetime) -> frozenset[int]:
    """The ids of those that could be claimed."""
    as_read = [
        {"this": delivery.id, "attempts_before": delivery.attempts, "was_refused": delivery.refused, "now": now}
        for delivery in claims
    ]
    ids = frozenset(delivery.id for delivery in claims)
    if connection.execute(statements.claim(), as_read).rowcount == len(claims):
        return ids
    claimed = connection.execute(statements.attempted(), {"these": list(ids), "now": now})
    before = {delivery.id: delivery.attempts for delivery in claims}
    return frozenset(row.id for row in claimed if row.attempts == before[row.id] + 1)
