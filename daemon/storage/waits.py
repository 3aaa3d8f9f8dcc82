"""What is not sent now: what is held, and what is given up, each with its reason in the history."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection

from daemon.model.admission import GivenUp, Held
from daemon.model.delivery import DeliveryState
from daemon.model.history import Entry, Happening
from daemon.storage import history_rows
from daemon.storage import outbox_statements as statements


def hold(connection: Connection, held: Sequence[Held], now: datetime) -> None:
    """Holds deliveries until their time has come. Only what a rule newly holds is news for the history."""
    for by_rule in (False, True):
        values = [_value(one) for one in held if (one.rule is not None) is by_rule]
        if values:
            connection.execute(statements.hold(by_rule=by_rule), values)
    history_rows.add(connection, list(_held(held, now)))


def give_up(connection: Connection, ours: str, given_up: Sequence[GivenUp], now: datetime) -> None:
    """Supersedes all that is pending of these generations. `ours`: the destination."""
    for delivery, why in given_up:
        generation = {"ours": ours, "incident": delivery.incident_id, "of_generation": delivery.generation}
        connection.execute(statements.supersede(), {**generation, "state": DeliveryState.SUPERSEDED, "reason": why})
        what = delivery.incident_id, delivery.generation, now, Happening.SUPERSEDED, why, delivery.id
        history_rows.add(connection, [Entry(*what)])


def _value(one: Held) -> dict[str, object]:
    value: dict[str, object] = {"this": one.delivery.id, "due_at": one.until}
    return value if one.rule is None else {**value, "held_because": one.rule}


def _held(held: Sequence[Held], now: datetime) -> Iterator[Entry]:
    for one in held:
        if one.is_news:
            this = one.delivery
            yield Entry(this.incident_id, this.generation, now, Happening.HELD, one.rule or "", this.id)
