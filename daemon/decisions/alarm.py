"""Which alarms the program raises about itself, when they are closed, and what they say. Pure.

An alarm is an incident of our own. It goes through the same outbox, so it is stored, ordered and retried like any
other. Each cause raises one alarm, however long it lasts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from daemon.decisions.health import unreadable_sentence
from daemon.decisions.reach import unpaged_sentence
from daemon.model.alarm import AnyCause, Cause, SourceCause
from daemon.model.destination import DEFAULT
from daemon.model.incident import IncidentState, Kind, Phase, Transition
from daemon.model.polling import Polling
from daemon.model.routing import Routing
from daemon.model.snapshot import Snapshot

REFUSALS = 2
"""After so many refusals of the token in a row, an alarm is raised without further waiting."""


MOST_ALONE = 5
"""If more accounts than this cannot be polled, one alarm says so: an outage of Better Stack is one thing."""
MOST_NAMED = 10
"""At most so many of these are named in it."""
AlarmChange = tuple[IncidentState, Transition]


def causes(snapshot: Snapshot, poll_after: timedelta, now: datetime) -> Mapping[AnyCause, str]:
    """Each cause there is now, with its sentence. `Cause.STATE` is not among them."""
    found: dict[AnyCause, str] = {}
    if snapshot.is_configured and _cannot_poll(snapshot, Cause.POLL, snapshot, poll_after, now):
        found[Cause.POLL] = _unpolled("", snapshot)
    if snapshot.named or snapshot.open_alarms:
        found |= _sources(snapshot, poll_after, now)
    if snapshot.dead_alerts:
        found[Cause.DEAD] = f"{_dead(snapshot)}: SIGNL4 refused the payload twice; look at: deliveries --state dead"
    if sentence := unreadable_sentence(snapshot, poll_after, now):
        found[Cause.UNREADABLE] = sentence
    if sentence := _delivery_sentence(snapshot, poll_after, now):
        found[Cause.DELIVERY] = sentence
    if sentence := unpaged_sentence(snapshot):
        found[Cause.UNPAGED] = sentence
    return found


def state_sentence(why: str, since: datetime) -> str:
    """The sentence of `Cause.STATE`."""
    return f"The state cannot be written: {why}; incidents since {_spelled(since)} are not told of"


def change(
    known: IncidentState | None, cause: AnyCause, sentence: str | None, now: datetime, team: str = DEFAULT
) -> AlarmChange | None:
    """What to record and to send for a cause; `None`: nothing changed. `sentence` is `None` where the cause is gone.

    `team`: who is told. An alarm is closed where it was raised.
    """
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
        routing=None if team == DEFAULT else Routing.to(team),
    )
    return raised, Transition(Kind.NEW, generation, now, "an alarm of our own")


def _delivery_sentence(snapshot: Snapshot, poll_after: timedelta, now: datetime) -> str | None:
    """Alarms that fail raise none: it would have to take the same way."""
    lasting = [own for own in snapshot.own_faults if not own.is_alarm and now - own.failing_since >= poll_after]
    if not lasting:
        return None
    first, others = lasting[0], f", and {len(lasting) - 1} more" if len(lasting) > 1 else ""
    return (
        f"SIGNL4 takes others, but not delivery {first.id} ({first.kind} of incident {first.incident_id}){others}: "
        f"{first.last_error}; look at: status"
    )


def _dead(snapshot: Snapshot) -> str:
    if snapshot.dead_alerts == 1:
        return f"A delivery of incident {snapshot.dead_incident} is dead"
    return f"{snapshot.dead_alerts} deliveries are dead, the latest of incident {snapshot.dead_incident}"


def _sources(snapshot: Snapshot, poll_after: timedelta, now: datetime) -> Mapping[AnyCause, str]:
    """Each account has an alarm of its own, unless many fail: then one that is closed when all are polled again."""
    failing = {
        cause: one
        for one in snapshot.named
        if _cannot_poll(one, cause := SourceCause(one.polled_from), snapshot, poll_after, now)
    }
    raised = {cause: one for cause, one in failing.items() if cause.external_id in snapshot.open_alarms}
    together = Cause.SOURCES.external_id in snapshot.open_alarms or len(failing) > MOST_ALONE
    single = {
        cause: _unpolled(f" for [{one.section}]", one) for cause, one in (raised if together else failing).items()
    }
    return single | ({Cause.SOURCES: _many([*failing.values()])} if together and failing else {})


def _many(failing: Sequence[Polling]) -> str:
    first = min(failing, key=lambda one: (one.last_complete_round_at is not None, one.last_complete_round_at))
    names = ", ".join(one.polled_from for one in failing[:MOST_NAMED])
    others = f" and {len(failing) - MOST_NAMED} more" if len(failing) > MOST_NAMED else ""
    return (
        f"Better Stack cannot be polled for {len(failing)} accounts ({names}{others}), for [{first.section}]: "
        f"{first.last_round_error}; incidents since {_spelled(first.last_complete_round_at)} are unknown"
    )


def _unpolled(whose: str, polling: Polling) -> str:
    return (
        f"Better Stack cannot be polled{whose}: {polling.last_round_error}; "
        f"incidents since {_spelled(polling.last_complete_round_at)} are unknown"
    )


def _cannot_poll(polling: Polling, cause: AnyCause, snapshot: Snapshot, poll_after: timedelta, now: datetime) -> bool:
    if polling.failing_since is None:
        return False
    # Once it is raised, only a complete round ends it, whatever the later failures are.
    raised = cause.external_id in snapshot.open_alarms
    hopeless = polling.refused_rounds >= REFUSALS or polling.token_suspect_since is not None
    return raised or hopeless or now - polling.failing_since >= poll_after


def _spelled(moment: datetime | None) -> str:
    return "the first start" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
