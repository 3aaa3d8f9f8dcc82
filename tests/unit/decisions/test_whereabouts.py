"""Where alerts and messages are, in a few words."""

from datetime import timedelta
from typing import Any

from daemon.decisions.untold import UNKNOWN
from daemon.decisions.whereabouts import of_incident, of_message
from daemon.model.delivery import DeliveryState
from daemon.model.destination import BETTER_STACK
from daemon.model.incident import Kind
from daemon.model.standing import Message, OpenIncident
from tests.support.each import each
from tests.support.standing import message, opened
from tests.support.values import NOW

PENDING, DELIVERED, SUPERSEDED, DEAD = DeliveryState
SOON = NOW + timedelta(seconds=12)
HELD = "silence 3 (new disks)"

MESSAGES = [
    (message(1, DELIVERED), "accepted 4 min 0 s ago"),
    (message(1, DELIVERED, last_error="503"), "accepted 4 min 0 s ago"),
    (message(1, SUPERSEDED, reason="dropped by hand"), "given up: dropped by hand"),
    (message(1, DEAD, last_error="400: no"), "dead: 400: no"),
    (message(1, DEAD), "dead"),
    (message(1), "due now"),
    (message(1, due_at=SOON), "due in 12 s"),
    (message(1, attempts=2, due_at=SOON, last_error="503"), "try 3 in 12 s: 503"),
    (message(1, attempts=1), "try 2 now"),
    (message(1, due_at=SOON, held_because=HELD), f"held: {HELD}"),
    (message(1, attempts=1, due_at=SOON, held_because=HELD), "try 2 in 12 s"),
]


@each(("one", "words"), MESSAGES)
def test_a_message_has_arrived_or_says_what_it_waits_for(one: Message, words: str) -> None:
    assert of_message(one, NOW) == words


ACK: dict[str, Any] = {"kind": Kind.ACKNOWLEDGED}
INCIDENTS = [
    (opened(1, silent_because="not confirmed yet"), "nobody is told: not confirmed yet"),
    (opened(1), f"nobody is told: {UNKNOWN}"),
    (opened(1, message(1, DELIVERED)), "new accepted 4 min 0 s ago"),
    (opened(1, message(1, DELIVERED), message(2, DELIVERED, **ACK)), "acknowledged accepted 4 min 0 s ago"),
    (opened(1, message(1), message(2, **ACK)), "new due now"),
    (opened(1, message(1, DEAD), message(2, DELIVERED, **ACK)), "new dead"),
    (
        opened(1, message(1, DELIVERED), message(2, team="database"), message(3, DELIVERED, **ACK)),
        "database: new due now; acknowledged accepted 4 min 0 s ago",
    ),
    (
        opened(1, message(1, DELIVERED), message(2, SUPERSEDED, reason="acknowledged in SIGNL4 first", **ACK)),
        "new accepted 4 min 0 s ago",
    ),
]


@each(("incident", "words"), INCIDENTS)
def test_of_an_incident_the_first_message_that_is_not_settled_counts_else_the_last(
    incident: OpenIncident, words: str
) -> None:
    text = of_incident(incident, NOW)
    assert sorted(text.split("; ")) == sorted(words.split("; "))


def test_where_its_alerts_are_stands_before_what_better_stack_was_told() -> None:
    """The end of a long line is cut."""
    back = message(2, DELIVERED, team=BETTER_STACK, **ACK)
    assert of_incident(opened(1, message(1, DELIVERED), back), NOW) == (
        "new accepted 4 min 0 s ago; Better Stack: acknowledged accepted 4 min 0 s ago"
    )
