"""What is recorded of one incident, by hand, and the present it is told in."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from daemon.model.delivery import DeliveryState, DestinationState
from daemon.model.destination import DEFAULT
from daemon.model.history import Entry, Happening
from daemon.model.incident import Kind
from daemon.model.snapshot import Holder, RunMode
from daemon.model.story import Present, Record, RecordedDelivery
from tests.support.values import NOW, ago, recorded

SEEN = ago(minutes=5)
"""When the incident is first seen, unless a test says otherwise; it began 5 s before."""


def row(number: int, kind: Kind, state: DeliveryState = DeliveryState.PENDING, **changes: Any) -> RecordedDelivery:
    """A delivery to the team `default`, that was queued as the incident was first seen."""
    delivered_at = ago(minutes=4) if state is DeliveryState.DELIVERED else None
    values: dict[str, Any] = {
        "generation": 1,
        "team": DEFAULT,
        "reason": {Kind.NEW: "first seen open"}.get(kind, str(kind)),
        "attempts": 0,
        "occurred_at": SEEN,
        "created_at": SEEN,
        "due_at": NOW,
        "delivered_at": delivered_at,
    }
    return RecordedDelivery(id=number, kind=kind, state=state, **{**values, **changes})


def entry(
    what: Happening, why: str, at: datetime = NOW, number: int | None = None, seconds: float | None = None
) -> Entry:
    """An entry of the first generation. `number`: the delivery that it is about."""
    return Entry("1", 1, at, what, why, number, seconds)


def record(*rows: RecordedDelivery, history: Iterable[Entry] = (), seen: datetime = SEEN, **changes: Any) -> Record:
    """An open incident that began 5 s before it was seen."""
    began = {"started_at": ago(minutes=5, seconds=5)}
    return Record(recorded("1", **{**began, **changes}), seen, rows, tuple(history))


def present(**changes: Any) -> Present:
    """A daemon that runs and works, with the team `default` alone."""
    values: dict[str, Any] = {
        "at": NOW,
        "teams": {DEFAULT: DestinationState()},
        "process": Holder(1),
        "run_mode": RunMode.RUN,
    }
    return Present(**{**values, **changes})
