"""When somebody must hear of the program itself, and in which words. Pure.

An alarm is an incident of our own: it goes through the same outbox, so that it is kept, ordered and repeated like any
other, and it is told once for each cause, however long the cause lasts.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from daemon.decisions.health import unreadable_sentence
from daemon.model.incident import IncidentState, Kind, Phase, Transition
from daemon.model.snapshot import Snapshot

PREFIX = "betterstack-signl4-alarm-"
REFUSALS = 2
"""So many rounds running that the token was refused, and waiting longer will not help."""


AlarmChange = tuple[IncidentState, Transition]


class Cause(StrEnum):
    """What keeps the program from its duty."""

    POLL = "poll"
    DEAD = "dead"
    DELIVERY = "delivery"
    STATE = "state"
    UNREADABLE = "unreadable"

    @property
    def external_id(self) -> str:
        """The id of its alarms, here and at SIGNL4."""
        return f"{PREFIX}{self}"


def causes(snapshot: Snapshot, poll_after: timedelta, now: datetime) -> Mapping[Cause, str]:
    """Each cause there is now, with its sentence. That the state cannot be written is not to be read from the state."""
    found: dict[Cause, str] = {}
    if _cannot_poll(snapshot, poll_after, now):
        found[Cause.POLL] = (
            f"Better Stack cannot be polled: {snapshot.last_round_error}; "
            f"incidents since {_spelled(snapshot.last_complete_round_at)} are unknown"
        )
    if snapshot.dead_alerts:
        count = f"{snapshot.dead_alerts} deliveries are" if snapshot.dead_alerts > 1 else "A delivery is"
        found[Cause.DEAD] = f"{count} dead: SIGNL4 refused the payload twice; look at: deliveries --state dead"
    if sentence := unreadable_sentence(snapshot, poll_after, now):
        found[Cause.UNREADABLE] = sentence
    if sentence := _delivery_sentence(snapshot, poll_after, now):
        found[Cause.DELIVERY] = sentence
    return found


def state_sentence(why: str, since: datetime) -> str:
    """The sentence of the cause that nothing can be written down about."""
    return f"The state cannot be written: {why}; incidents since {_spelled(since)} are not told of"


def step(known: IncidentState | None, cause: Cause, sentence: str | None, now: datetime) -> AlarmChange | None:
    """What to record and to tell of a cause; `None` if that was done. `sentence` is `None` where the cause is gone."""
    is_open = known is not None and known.phase is not Phase.RESOLVED
    if known is not None and is_open and sentence is None:
        over = replace(known, phase=Phase.RESOLVED, resolved_at=now)
        return over, Transition(Kind.RESOLVED, known.generation, now, "the cause is gone")
    if sentence is None or is_open:
        return None
    generation = 1 if known is None else known.generation + 1
    raised = IncidentState(
        id=cause.external_id,
        external_id=cause.external_id,
        generation=generation,
        phase=Phase.OPEN,
        alerted=True,
        status="",
        name=sentence,
        cause="",
        url="",
        started_at=now,
        acknowledged_at=None,
        resolved_at=None,
        reopened_at=None,
        is_alarm=True,
    )
    return raised, Transition(Kind.NEW, generation, now, "an alarm of our own")


def _delivery_sentence(snapshot: Snapshot, poll_after: timedelta, now: datetime) -> str | None:
    """Of alarms there is none: it would have to be told by the same way."""
    lasting = [own for own in snapshot.own_faults if not own.is_alarm and now - own.failing_since >= poll_after]
    if not lasting:
        return None
    first, others = lasting[0], f", and {len(lasting) - 1} more" if len(lasting) > 1 else ""
    return (
        f"SIGNL4 takes others, but not delivery {first.id} ({first.kind} of incident {first.incident_id}){others}: "
        f"{first.last_error}; look at: status"
    )


def _cannot_poll(snapshot: Snapshot, poll_after: timedelta, now: datetime) -> bool:
    if snapshot.failing_since is None:
        return False
    # Once it was told, only a complete round ends it, whatever the later failures are.
    told = Cause.POLL.external_id in snapshot.open_alarms
    hopeless = snapshot.refused_rounds >= REFUSALS or snapshot.token_suspect_since is not None
    return told or hopeless or now - snapshot.failing_since >= poll_after


def _spelled(moment: datetime | None) -> str:
    return "the first start" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
