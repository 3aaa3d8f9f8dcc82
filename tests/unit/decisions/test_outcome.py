"""What the log, and who counts, hears of an attempt."""

from dataclasses import replace

from daemon.decisions.outcome import what_came_of
from daemon.model.delivery import Delivered, DeliveryState, Disposition
from daemon.model.event import Event
from daemon.model.events import deliveries as events
from tests.support.fakes import ACCEPTED
from tests.support.outbox import NEW, after, head, tell
from tests.support.store import Store
from tests.support.values import NOW


def heard(store: Store, held_because: str | None) -> Event:
    delivery = replace(head(store, "7"), held_because=held_because)
    return what_came_of(delivery, ACCEPTED, Disposition(DeliveryState.DELIVERED, NOW), None, after(seconds=2.5))


def test_the_delay_of_an_alert_is_from_its_record_to_its_answer(store: Store) -> None:
    tell(store, "7", NEW)
    event = heard(store, None)
    assert isinstance(ACCEPTED.outcome, Delivered)
    assert event == events.Delivered("7", NEW, 1, ACCEPTED.outcome.event_id, 2.5)
    assert "delay" not in event.shown(), "the log says when it was recorded, and when it was told"


def test_an_alert_that_a_rule_held_has_no_delay(store: Store) -> None:
    tell(store, "7", NEW)
    event = heard(store, "silence 1")
    assert isinstance(event, events.Delivered)
    assert event.delay is None
