"""What is open and what waits, by hand."""

from datetime import datetime, timedelta
from typing import Any

from daemon.cli.live.figures import Figures
from daemon.cli.verdict import verdict
from daemon.config.place import Place
from daemon.model.delivery import DeliveryState
from daemon.model.incident import Kind, Phase
from daemon.model.snapshot import Presence, Snapshot
from daemon.model.standing import Message, OpenIncident, Standing
from tests.support.values import NOW, ago


def message(number: int, state: DeliveryState = DeliveryState.PENDING, **changes: Any) -> Message:
    """A `new` of an incident of the same number, to the team `default`."""
    values: dict[str, Any] = {
        "incident_id": str(number),
        "incident_name": "Shop front page",
        "is_alarm": False,
        "kind": Kind.NEW,
        "team": "default",
        "reason": "first seen open",
        "attempts": 0,
        "due_at": NOW,
        "delivered_at": ago(minutes=4) if state is DeliveryState.DELIVERED else None,
        "last_error": None,
        "held_because": None,
    }
    return Message(id=number, state=state, **{**values, **changes})


def opened(number: int, *messages: Message, **changes: Any) -> OpenIncident:
    """An incident that is open for five minutes."""
    values: dict[str, Any] = {"name": "Shop front page", "cause": "Status 503", "phase": Phase.OPEN}
    values |= {"since": ago(minutes=5), "silent_because": None, "messages": messages}
    return OpenIncident(id=str(number), **{**values, **changes})


def standing(incidents: tuple[OpenIncident, ...] = (), outbox: tuple[Message, ...] = (), **changes: Any) -> Standing:
    """With the counts that follow from the lists."""
    dead = sum(one.state is DeliveryState.DEAD for one in outbox)
    counts = {"open_incidents": len(incidents), "dead_deliveries": dead, "pending_deliveries": len(outbox) - dead}
    snapshot = Snapshot(last_complete_round_at=ago(seconds=10), **{**counts, **changes})
    return Standing(snapshot, 0, 0, {}, incidents, outbox)


def figures(found: Standing, rounds: tuple[datetime, ...] = ()) -> Figures:
    """As they are judged `NOW`."""
    return Figures(NOW, found, verdict(Place(), found.snapshot, found.silences, Presence(None), NOW), rounds)


SECOND = timedelta(seconds=1)
