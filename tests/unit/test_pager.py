"""Whether an alert is there already: what is looked up, what counts as found, and that in doubt the alert goes out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daemon.decisions.payload import minimal
from daemon.model.delivery import Answer, Delivered, Delivery
from daemon.model.errors import KeyRefusedError, Signl4ApiError, StoppedError
from daemon.model.incident import Kind
from daemon.model.signl4 import AlertPhase, SeenAlert
from daemon.pager import Pager
from tests.support.fakes import ACCEPTED, FakeFinder
from tests.support.outbox import ACKNOWLEDGED, NEW, RESOLVED
from tests.support.values import ago

OURS, THEIRS = "source-of-default", "source-of-night"
FULL = {"Title": "Shop front page", "Cause": "Status 503"}
LEAST = minimal(NEW, "7", "bs-7")
HAS_IT = Answer(Delivered("event-1", found=True))


class Receiver:
    def __init__(self) -> None:
        self.sent: list[Mapping[str, Any]] = []

    def send(self, payload: Mapping[str, Any]) -> Answer:
        self.sent.append(payload)
        return ACCEPTED


def delivery(kind: Kind = NEW, **changes: Any) -> Delivery:
    """One that may have been taken ten seconds ago."""
    values: dict[str, Any] = {
        "id": 1,
        "incident_id": "7",
        "generation": 2,
        "kind": kind,
        "external_id": "bs-7",
        "payload": FULL,
        "attempts": 1,
        "refused": False,
        "over_since": None,
        "occurred_at": ago(minutes=1),
        "created_at": ago(seconds=20),
        "maybe_taken_at": ago(seconds=10),
    }
    return Delivery(**{**values, **changes})


def alert(**changes: Any) -> SeenAlert:
    values: dict[str, Any] = {
        "id": "alert-1",
        "external_id": "bs-7",
        "phase": AlertPhase.OPEN,
        "event_id": "event-1",
        "created_at": ago(seconds=9),
    }
    return SeenAlert(**{**values, **changes})


def answer_of(due: Delivery, *alerts: SeenAlert, alone: bool = True, ahead: timedelta | None = None) -> Answer:
    """What becomes of a delivery, where SIGNL4 has these alerts. If it is sent, it is accepted as another event."""
    return Pager(Receiver(), FakeFinder(*alerts, ahead=ahead), alone=alone).send(due)


FOUND = {
    "an open alert": (delivery(), alert()),
    "one that somebody has acknowledged": (delivery(), alert(phase=AlertPhase.ACKNOWLEDGED)),
    "one that somebody has closed": (delivery(), alert(phase=AlertPhase.CLOSED)),
    "one as old as the delivery": (delivery(), alert(created_at=ago(seconds=20))),
    "one that is a little older, as clocks differ": (delivery(), alert(created_at=ago(seconds=22))),
    "one younger than the end of the generation before": (
        delivery(previous_at=ago(seconds=15)),
        alert(created_at=ago(seconds=12)),
    ),
    "of this sender": (delivery(event_source=OURS), alert(event_source=OURS)),
    "of a sender that is not known": (delivery(event_source=OURS), alert()),
    "of a sender, where ours is not known": (delivery(), alert(event_source=OURS)),
}


@pytest.mark.parametrize(("due", "there"), FOUND.values(), ids=FOUND)
def test_what_is_there_is_not_sent_again(due: Delivery, there: SeenAlert) -> None:
    receiver = Receiver()
    assert Pager(receiver, FakeFinder(there)).send(due) == HAS_IT
    assert receiver.sent == []


NOT_FOUND = {
    "nothing": (),
    "one of the generation before": (alert(created_at=ago(hours=1)),),
    "one older than the delivery": (alert(created_at=ago(seconds=22.1)),),
    "one of another incident": (alert(external_id="bs-8"),),
    "one whose age is not known": (alert(created_at=None),),
}


@pytest.mark.parametrize("there", NOT_FOUND.values(), ids=NOT_FOUND)
def test_what_is_not_clearly_there_is_sent(there: tuple[SeenAlert, ...]) -> None:
    receiver = Receiver()
    assert Pager(receiver, FakeFinder(*there)).send(delivery()) == ACCEPTED
    assert receiver.sent == [FULL]


def test_one_that_the_generation_before_raised_after_this_was_recorded_is_not_ours() -> None:
    """Its own `new` may have waited for SIGNL4 until then, and was closed before ours was first sent."""
    assert answer_of(delivery(previous_at=ago(seconds=12)), alert(created_at=ago(seconds=15))) == ACCEPTED


def test_one_whose_event_is_that_of_the_generation_before_is_not_ours_however_young_it_is() -> None:
    assert answer_of(delivery(event_before="event-1"), alert()) == ACCEPTED
    assert answer_of(delivery(event_before="event-0"), alert()) == HAS_IT
    assert answer_of(delivery(), alert(event_id=None)).outcome == Delivered(None, found=True)


def test_of_several_alerts_one_that_is_ours_is_enough() -> None:
    others = alert(id="a", created_at=ago(hours=1), event_id="other"), alert(id="b", external_id="bs-8")
    assert answer_of(delivery(), *others, alert()) == HAS_IT


SENDERS = {
    "the same": (OURS, OURS, True),
    "another": (OURS, THEIRS, False),
    "not known of the alert": (OURS, None, False),
    "not known of us": (None, OURS, False),
    "not known of either": (None, None, False),
}


@pytest.mark.parametrize(("ours", "of_alert", "is_found"), SENDERS.values(), ids=SENDERS)
def test_where_several_teams_are_told_an_alert_counts_only_if_it_is_of_this_one(
    ours: str | None, of_alert: str | None, is_found: bool
) -> None:
    answer = answer_of(delivery(event_source=ours), alert(event_source=of_alert), alone=False)
    assert answer == (HAS_IT if is_found else ACCEPTED)


def test_an_alert_of_another_sender_is_never_ours() -> None:
    assert answer_of(delivery(event_source=OURS), alert(event_source=THEIRS)) == ACCEPTED


@pytest.mark.parametrize("minutes", [-7, 7])
def test_times_are_compared_by_one_clock(minutes: int) -> None:
    ahead = timedelta(minutes=minutes)
    ours, earlier = (alert(created_at=ago(seconds=seconds) + ahead) for seconds in (19, 23))
    assert answer_of(delivery(), ours, ahead=ahead) == HAS_IT
    assert answer_of(delivery(), earlier, ahead=ahead) == ACCEPTED


@pytest.mark.parametrize(
    "error", [Signl4ApiError("HTTP 503"), KeyRefusedError("HTTP 401"), TimeoutError(), ZeroDivisionError("ours")]
)
def test_who_cannot_ask_sends_at_once(error: Exception) -> None:
    """Twice is better than never, even after a fault of this program."""
    receiver, finder = Receiver(), FakeFinder(alert())
    finder.error = error
    assert Pager(receiver, finder).send(delivery()) == ACCEPTED
    assert (receiver.sent, finder.asked) == ([FULL], ["bs-7"])


UNASKED = {
    "certainly not taken": delivery(maybe_taken_at=None),
    "an acknowledgement": delivery(ACKNOWLEDGED),
    "an end": delivery(RESOLVED),
}


@pytest.mark.parametrize("due", UNASKED.values(), ids=UNASKED)
def test_nothing_else_is_looked_up(due: Delivery) -> None:
    finder = FakeFinder(alert())
    assert Pager(Receiver(), finder).send(due) == ACCEPTED
    assert finder.asked == []


def test_without_a_key_everything_is_sent() -> None:
    receiver = Receiver()
    pager = Pager(receiver)
    assert (pager.send(delivery()), pager.looks_up) == (ACCEPTED, False)
    assert receiver.sent == [FULL]


def test_a_stop_during_a_look_up_sends_nothing_more() -> None:
    receiver = Receiver()
    with pytest.raises(StoppedError):
        Pager(receiver, FakeFinder(), stopped=lambda: True).send(delivery())
    assert receiver.sent == []


def test_what_a_look_up_found_counts_although_the_program_stops() -> None:
    assert Pager(Receiver(), FakeFinder(alert()), stopped=lambda: True).send(delivery()) == HAS_IT


@pytest.mark.parametrize("changes", [{"own_fault": True}, {"payload": None}, {"payload": {}}])
def test_what_fails_by_itself_or_cannot_be_read_is_sent_in_its_minimal_form(changes: Mapping[str, Any]) -> None:
    receiver = Receiver()
    Pager(receiver).send(replace(delivery(), **changes))
    assert receiver.sent == [LEAST]
    assert Pager(receiver).minimal(delivery()) == LEAST
