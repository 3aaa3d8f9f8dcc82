"""Chooses the event that reports the result of an attempt."""

from datetime import datetime

from daemon.model.delivery import Answer, Delivered, Delivery, DeliveryState, Disposition, Rejected, TryLater
from daemon.model.event import Event
from daemon.model.events import deliveries as events


def what_came_of(
    delivery: Delivery, answer: Answer, disposition: Disposition, last_error: str | None, at: datetime
) -> Event:
    """The event for the result of an attempt. `last_error`: the last logged failure; the same again is repeated."""
    what = delivery.incident_id, delivery.kind, delivery.attempts + 1
    match answer.outcome:
        case Delivered(event_id, found):
            delay = None if delivery.held_because else (at - delivery.created_at).total_seconds()
            return events.HadAlready(*what, event_id) if found else events.Delivered(*what, event_id, delay)
        case Rejected(why) | TryLater(why) if disposition.state is DeliveryState.SUPERSEDED:
            return events.DroppedOnItsWay(*what, why)
        case Rejected(why) if disposition.state is DeliveryState.DEAD:
            return events.DeliveryDead(*what, why, mend=f"look at it, then: retry {delivery.id}")
        case Rejected(why):
            return events.PayloadRefused(*what, why)
        case TryLater(why) if disposition.own_fault:
            mend = f"or give it up: drop {delivery.id}"
            return events.FailsOnItsOwn(*what, why, mend, repeated=delivery.own_fault)
        case TryLater(why):
            return events.NotDelivered(*what, why, repeated=why == last_error)
