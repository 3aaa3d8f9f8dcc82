"""Where the alerts of an incident are, and where a message of the outbox is, in a few words. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby

from daemon.decisions.ages import age
from daemon.decisions.untold import UNKNOWN
from daemon.model.delivery import DeliveryState
from daemon.model.destination import BETTER_STACK, DEFAULT
from daemon.model.standing import Message, OpenIncident

SETTLED = (DeliveryState.DELIVERED, DeliveryState.SUPERSEDED)


def of_incident(incident: OpenIncident, now: datetime) -> str:
    """What became of the latest message that each team got; of what is not settled, the first. Teams come first."""
    if not incident.messages:
        return f"nobody is told: {incident.silent_because or UNKNOWN}"
    return "; ".join(_of_teams(incident.messages, now))


def _of_teams(messages: Iterable[Message], now: datetime) -> Iterator[str]:
    by_team = sorted(messages, key=lambda one: (one.team == BETTER_STACK, one.team))
    for team, group in groupby(by_team, key=lambda one: one.team):
        sent = list(group)
        taken = [one for one in sent if one.state is DeliveryState.DELIVERED]
        message = next((one for one in sent if one.state not in SETTLED), (taken or sent)[-1])
        to = "" if team == DEFAULT else f"{team}: "
        yield f"{to}{message.kind} {of_message(message, now)}"


def of_message(message: Message, now: datetime) -> str:
    """What became of a message, or what it waits for."""
    error = f": {message.last_error}" if message.last_error else ""
    match message.state:
        case DeliveryState.DELIVERED:
            return f"accepted {age(message.delivered_at or now, now)} ago"
        case DeliveryState.SUPERSEDED:
            return f"given up: {message.reason}"
        case DeliveryState.DEAD:
            return f"dead{error}"
    when = f"in {age(now, message.due_at)}" if message.due_at > now else "now"
    if message.held_because and not message.attempts:
        return f"held: {message.held_because}"
    if not message.attempts:
        return f"due {when}"
    return f"try {message.attempts + 1} {when}{error}"
