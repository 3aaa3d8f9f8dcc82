"""The story of one incident in plain sentences, from all that is recorded of it. Pure.

What a row of the outbox says is not recorded a second time: its beginning, and where an older version kept no history
its end as well, are taken from the row.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from daemon.decisions.ages import age
from daemon.decisions.outlook import is_unanswered, outlook, service_of, whom
from daemon.model.delivery import DeliveryState
from daemon.model.destination import BETTER_STACK
from daemon.model.history import HAD_ALREADY, Entry, Happening
from daemon.model.incident import Kind, Phase
from daemon.model.monitor import MonitorEvent
from daemon.model.polling import section_of
from daemon.model.story import Happened, Present, Record, RecordedDelivery, Story

MOMENT = timedelta(seconds=1)
"""A delay that is shorter is not told."""
CHANGED_BEFORE = timedelta(hours=24)
"""What was changed about the monitor so long before an incident began may have caused it."""
_CHANGED = {
    MonitorEvent.CREATED: "was created",
    MonitorEvent.UPDATED: "was changed",
    MonitorEvent.PAUSED: "was paused",
    MonitorEvent.UNPAUSED: "was unpaused",
    MonitorEvent.DELETED: "was deleted",
}
_ENDS = {Happening.SUPERSEDED, Happening.DROPPED}
_BEFORE = {Happening.HELD: "held: ", Happening.RELEASED: "released: ", Happening.SUPERSEDED: "superseded: "}
"""What stands before the sentence of an entry."""


def explain(record: Record, present: Present) -> Story:
    """The story in order of time, and how it goes on."""
    # Sorting keeps the order of what happened in one moment, so causes come before what follows from them.
    happened = [*_changes(record, present.at), *_begun(record), *_transitions(record)]
    happened += [*_entries(record), *_without_entry(record)]
    return Story(tuple(sorted(happened, key=lambda one: one.at)), tuple(outlook(record, present)))


def _where(polled_from: str) -> str:
    return f", in the account of [{section_of(polled_from)}]" if polled_from else ""


def _changes(record: Record, now: datetime) -> Iterator[Happened]:
    """What somebody changed about its monitor, from a day before it began until it was over."""
    state = record.state
    began = state.started_at or record.first_seen_at
    over_at = state.resolved_at if state.phase is Phase.RESOLVED else None
    for change in record.changes:
        if began - CHANGED_BEFORE <= change.at <= (over_at or now):
            detail = f": {change.detail}" if change.detail else ""
            yield Happened(change.at, "monitor", f"its {change.kind} {_CHANGED[change.what]}{detail}", 1)


def _begun(record: Record) -> Iterator[Happened]:
    state = record.state
    if state.is_alarm:
        return
    if state.started_at is not None:
        yield Happened(state.started_at, "began", f"began at Better Stack{_where(state.polled_from)}", 1)
    late = _delay(state.started_at, record.first_seen_at)
    yield Happened(record.first_seen_at, "seen", f"first seen{late and f', {late} after it began'}", 1)


def _transitions(record: Record) -> Iterator[Happened]:
    """Each transition once, however many teams are told of it; and those that nobody is told of."""
    told = dict[tuple[int, Kind], list[RecordedDelivery]]()
    for delivery in record.deliveries:
        if delivery.team == BETTER_STACK:
            continue
        told.setdefault((delivery.generation, delivery.kind), []).append(delivery)
    for (generation, kind), rows in told.items():
        if record.state.is_alarm or generation > 1 or kind is not Kind.NEW or rows[0].created_at > record.first_seen_at:
            yield Happened(rows[0].created_at, kind, _transition(kind, rows), generation)
    state = record.state
    acknowledged_at, resolved_at = state.acknowledged_at, state.resolved_at
    if acknowledged_at is not None and (state.generation, Kind.ACKNOWLEDGED) not in told:
        yield Happened(acknowledged_at, Kind.ACKNOWLEDGED, "acknowledged at Better Stack", state.generation)
    over = state.phase is Phase.RESOLVED and (state.generation, Kind.RESOLVED) not in told
    if over and resolved_at is not None:
        what = "deleted at Better Stack" if state.deleted else "resolved at Better Stack"
        text = "its cause is over" if state.is_alarm else what
        yield Happened(resolved_at, Kind.RESOLVED, text, state.generation)


def _transition(kind: Kind, rows: Iterable[RecordedDelivery]) -> str:
    """Why it happened, which one of its deliveries says that was not superseded, and when that was seen."""
    first, *_ = rows
    reasons = (row.reason for row in rows if row.state is not DeliveryState.SUPERSEDED)
    reason = next(reasons, "opened" if kind is Kind.NEW else str(kind))
    late = _delay(first.occurred_at, first.created_at)
    if not late or reason == "confirmed":
        return reason
    return f"{reason}, seen {late} later"


def _entries(record: Record) -> Iterator[Happened]:
    deliveries = {delivery.id: delivery for delivery in record.deliveries}
    # Who is told is decided a moment before that is recorded, and told after what it is about.
    opened = {row.generation: row.created_at for row in record.deliveries if row.kind is Kind.NEW}
    opened.setdefault(1, record.first_seen_at)
    for entry in record.history:
        delivery = None if entry.delivery_id is None else deliveries.get(entry.delivery_id)
        if entry.what is Happening.ATTEMPT:
            text = _attempt(entry, delivery)
        else:
            text = f"{_BEFORE.get(entry.what, '')}{entry.why}"
        if delivery is None:
            at = max(entry.at, opened.get(entry.generation, entry.at)) if entry.what is Happening.ROUTED else entry.at
            yield Happened(at, entry.what, text, entry.generation, seconds=entry.seconds)
        else:
            yield _about(delivery, entry.at, entry.what, text, entry.seconds)


def _attempt(entry: Entry, delivery: RecordedDelivery | None) -> str:
    if delivery is not None and _accepts(entry, delivery):
        return entry.why if entry.why.startswith(HAD_ALREADY) else _accepted(delivery)
    # What is sent again was accepted before.
    if entry.why.partition(";")[0] == "accepted":
        return f"accepted by SIGNL4{entry.why.removeprefix('accepted')}"
    return f"not accepted: {entry.why}"


def _without_entry(record: Record) -> Iterator[Happened]:
    """What only the row of a delivery tells."""
    entries = dict[int | None, list[Entry]]()
    for entry in record.history:
        entries.setdefault(entry.delivery_id, []).append(entry)
    ends = _ends(record)
    for delivery in record.deliveries:
        of_it = entries.get(delivery.id, [])
        yield from _unrecorded_attempts(delivery, of_it)
        if delivery.state is DeliveryState.SUPERSEDED and not any(entry.what in _ENDS for entry in of_it):
            text = f"superseded: {delivery.reason}"
            # Without an entry a row is superseded only with others of its generation, or as it is written.
            at = max(delivery.created_at, ends.get((delivery.generation, delivery.team), delivery.created_at))
            yield _about(delivery, at, Happening.SUPERSEDED, text)


def _ends(record: Record) -> dict[tuple[int, str], datetime]:
    """When what waited of a generation was superseded for a team: by an entry of one of its deliveries, or its end."""
    ends = {(row.generation, row.team): row.created_at for row in record.deliveries if row.kind is Kind.RESOLVED}
    deliveries = {delivery.id: delivery for delivery in record.deliveries}
    for entry in record.history:
        if entry.what in _ENDS and entry.delivery_id in deliveries:
            ends[entry.generation, deliveries[entry.delivery_id].team] = entry.at
    return ends


def _unrecorded_attempts(delivery: RecordedDelivery, of_it: Iterable[Entry]) -> Iterator[Happened]:
    """Those whose answer nobody recorded: the program ended first, is waiting for it, or was an older version."""
    answered = [entry for entry in of_it if entry.what is Happening.ATTEMPT]
    unanswered = delivery.attempts - len(answered)
    error = f"; the last error: {delivery.last_error}" if delivery.last_error and not answered else ""
    accepted_at = delivery.delivered_at
    if accepted_at is not None and not any(_accepts(entry, delivery) for entry in answered):
        yield _about(delivery, accepted_at, "accepted", _accepted(delivery))
        unanswered -= 1
    elif unanswered > 0 and is_unanswered(delivery, answered) and delivery.attempted_at is not None:
        text = f"an attempt without a recorded answer{error or ': SIGNL4 may have accepted it'}"
        yield _about(delivery, delivery.attempted_at, "unanswered", text)
        unanswered -= 1
    if unanswered > 0:
        attempts = "1 attempt" if unanswered == 1 else f"{unanswered} attempts"
        text = f"{attempts} without a recorded answer, at times that are not known{error}"
        yield _about(delivery, delivery.created_at, "unanswered", text)


def _accepts(entry: Entry, delivery: RecordedDelivery) -> bool:
    return entry.what is Happening.ATTEMPT and entry.at == delivery.delivered_at


def _about(delivery: RecordedDelivery, at: datetime, what: str, text: str, seconds: float | None = None) -> Happened:
    whole = f"{delivery.kind} to {whom(delivery.team)}: {text}"
    return Happened(at, what, whole, delivery.generation, delivery.id, delivery.kind, delivery.team, seconds)


def _event(delivery: RecordedDelivery) -> str:
    return "" if delivery.event_id is None else f"; event {delivery.event_id}"


def _accepted(delivery: RecordedDelivery) -> str:
    return f"accepted by {service_of(delivery.team)}{_event(delivery)}"


def _delay(since: datetime | None, seen_at: datetime) -> str:
    """How long after the first the second was; empty if that is no time, or unknown."""
    return "" if since is None or seen_at - since < MOMENT else age(since, seen_at)
