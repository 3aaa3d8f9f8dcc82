"""What happens next of one incident, and when; and if nothing does, why. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from daemon.decisions.monitor_alerts import TOLD_CAUSE, TOLD_FOR
from daemon.decisions.poll_health import NO_DAEMON
from daemon.model.delivery import DeliveryState
from daemon.model.destination import BETTER_STACK
from daemon.model.history import Entry, Happening
from daemon.model.incident import IncidentState, Kind, Phase
from daemon.model.page_proof import PageVerdict
from daemon.model.snapshot import RunMode
from daemon.model.story import Next, Present, Record, RecordedDelivery

UNKNOWN = "an older version did not record why"
_ANSWERS = {Happening.ATTEMPT, Happening.PAGE}
"""What SIGNL4 said of a message, and what it made of it."""


def outlook(record: Record, present: Present) -> Iterator[Next]:
    """Never empty. Times that have passed mean: now."""
    pending = [row for row in record.deliveries if row.state is DeliveryState.PENDING]
    dead = [row for row in record.deliveries if row.state is DeliveryState.DEAD]
    is_open = record.state.phase is not Phase.RESOLVED
    if (pending or is_open) and present.process is None:
        yield Next(_asleep(present))
    for team in dict.fromkeys(row.team for row in pending):
        first, *others = (row for row in pending if row.team == team)
        yield _first(first, record, present)
        yield from (Next(f"{_name(row)} follows", delivery_id=row.id) for row in others)
    for row in dead:
        yield Next(_dead(row, record.deliveries), delivery_id=row.id)
    if is_open:
        yield from _unpaged(record)
    if not pending and not dead:
        yield Next(_settled(record), _closed_at(record))
    elif is_open:
        yield Next(_open(record), _closed_at(record))
    if is_open and not record.state.is_alarm:
        yield from _doubts(record.state, present)


def is_unanswered(delivery: RecordedDelivery, entries: Iterable[Entry]) -> bool:
    """Whether its latest attempt has no recorded answer. `entries`: those of its history."""
    answered = [entry.at for entry in entries if entry.what is Happening.ATTEMPT]
    if delivery.attempted_at is None or delivery.attempts <= len(answered):
        return False
    return all(at < delivery.attempted_at for at in answered)


def _asleep(present: Present) -> str:
    if present.run_mode is RunMode.ONCE:
        return "nothing happens until `once` is started again"
    return f"{NO_DAEMON}: nothing happens until then"


def _first(row: RecordedDelivery, record: Record, present: Present) -> Next:
    """What the oldest pending delivery of a team waits for."""
    team, now, due_at = present.teams.get(row.team), present.at, row.due_at
    if team is None:
        if row.team == BETTER_STACK:
            return Next(f"{_name(row)} waits, since writing back is switched off; it is given up", None, row.id)
        mend = f"add [signl4.teams.{row.team}], or give it up: drop {row.id}"
        return Next(f"{_name(row)} waits, since the configuration does not have this team; {mend}", None, row.id)
    if team.secret_refused_since is not None:
        what = "that" if row.team == BETTER_STACK else "the secret"
        text = f"{_name(row)} waits, since {service_of(row.team)} refuses {what} ({team.why})"
        return Next(f"{text}; it is tried again", max(due_at, team.probe_at or due_at), row.id)
    if row.attempts == 0 and row.held_because is not None and due_at > now:
        return Next(f"{_name(row)} is held: {row.held_because}; it is looked at again", due_at, row.id)
    if team.hold_until is not None and team.hold_until > now:
        because = f" ({team.why})" if team.why else ""
        return Next(
            f"{_name(row)} waits, as {service_of(row.team)} asked{because}; it is sent",
            max(due_at, team.hold_until),
            row.id,
        )
    return Next(_try(row, record, now), due_at, row.id)


def _try(row: RecordedDelivery, record: Record, now: datetime) -> str:
    error = f" ({row.last_error})" if row.last_error else ""
    if row.own_fault:
        return (
            f"{_name(row)} fails while others are accepted{error}; give it up with drop {row.id}, or it is tried again"
        )
    of_it = [entry for entry in record.history if entry.delivery_id == row.id]
    if row.due_at <= now and is_unanswered(row, of_it):
        return f"{_name(row)} is on its way, or its answer was lost; then it is sent again"
    if row.attempts:
        return f"{_name(row)} waits for {service_of(row.team)}{error}; it is tried again"
    if row.held_because is not None:
        return f"{_name(row)} was held: {row.held_because}; unless a rule still holds it, it is sent"
    return f"{_name(row)} is sent"


def _dead(row: RecordedDelivery, rows: Iterable[RecordedDelivery]) -> str:
    error = f" ({row.last_error})" if row.last_error else ""
    if _is_too_late(row, rows):
        return f"{_name(row)} is dead{error}, and too late to be told: give it up with drop {row.id}"
    return f"{_name(row)} is dead{error}: mend the cause, then retry {row.id}, or give it up with drop {row.id}"


def _is_too_late(row: RecordedDelivery, rows: Iterable[RecordedDelivery]) -> bool:
    """Whether `retry` refuses it: it would open what is over, or close what is open again."""
    of_team = [other for other in rows if other.team == row.team]
    if row.kind is Kind.RESOLVED:
        return any(other.kind is Kind.NEW and other.generation > row.generation for other in of_team)
    return any(other.kind is Kind.RESOLVED and other.generation == row.generation for other in of_team)


def _unpaged(record: Record) -> Iterator[Next]:
    """What SIGNL4 took without paging anybody, as far as it was not sent again since."""
    not_paged = f"{PageVerdict.NOT_PAGED}: "
    mended = "" if record.state.is_alarm else "; once that is mended, send it again with: reconcile --repair"
    for row in _opened(record):
        answers = [entry for entry in record.history if entry.delivery_id == row.id and entry.what in _ANSWERS]
        is_last = row.state is DeliveryState.DELIVERED and bool(answers)
        if is_last and answers[-1].what is Happening.PAGE and answers[-1].why.startswith(not_paged):
            why = answers[-1].why.removeprefix(not_paged)
            yield Next(f"{_name(row)} has paged nobody: {why}{mended}", delivery_id=row.id)


def _settled(record: Record) -> str:
    """Nothing waits."""
    if record.state.phase is not Phase.RESOLVED:
        return _open(record) if record.state.is_alarm else f"nothing waits; {_open(record)}"
    if (why := _untold(record)) is not None:
        return f"nothing: it is over, and nobody was told of it: {why}"
    heard = {row.team for row in _opened(record) if row.state is DeliveryState.DELIVERED or row.attempts}
    left_open = [row for row in _of_generation(record, Kind.RESOLVED) if row.team in heard and _is_given_up(row)]
    if left_open:
        teams, why = " and ".join(row.team for row in left_open), left_open[0].reason
        return f"nothing: the alert of team {teams} may still be open, since its resolved was not sent ({why})"
    return "nothing: it is over, and SIGNL4 took all of it"


def _open(record: Record) -> str:
    """What becomes of an incident that is not over."""
    if record.state.is_alarm:
        silent = "" if record.state.alerted else f"nobody is told of it: {record.state.silent_because or UNKNOWN}; "
        return f"{silent}it is closed{'' if _closed_at(record) else ' as soon as its cause is over'}"
    if record.state.phase is Phase.UNCONFIRMED:
        return "not confirmed yet: nobody is told until it is"
    if (why := _untold(record)) is not None:
        return f"nobody is told of it unless it is opened again: {why}"
    return "it is open, and its end is told at the next round that sees it"


def _closed_at(record: Record) -> datetime | None:
    """When it is closed if nothing else ends it, as the alert of an event of a monitor."""
    state = record.state
    if state.phase is Phase.RESOLVED or not state.is_alarm or state.cause != TOLD_CAUSE:
        return None
    # What happened while nobody looked counts from when it was seen.
    seen_at = min((row.created_at for row in _opened(record)), default=state.started_at)
    return None if seen_at is None else seen_at + TOLD_FOR


def _untold(record: Record) -> str | None:
    """Why nobody is told of this generation; `None` if somebody was, or may be."""
    if not record.state.alerted:
        return record.state.silent_because or UNKNOWN
    opened = _opened(record)
    unsent = all(_is_given_up(row) and not row.attempts for row in opened)
    return opened[0].reason if opened and unsent else None


def _opened(record: Record) -> list[RecordedDelivery]:
    return _of_generation(record, Kind.NEW)


def _of_generation(record: Record, kind: Kind) -> list[RecordedDelivery]:
    """The deliveries of the present generation, one for each team."""
    return [row for row in record.deliveries if row.generation == record.state.generation and row.kind is kind]


def _doubts(state: IncidentState, present: Present) -> Iterator[Next]:
    """Why its end may be seen late."""
    if state.doubted_at is not None:
        yield Next("its record now says otherwise; later rounds decide")
    if state.gone_since is not None:
        yield Next("its record is missing; later rounds decide if it was deleted")
    if present.round_error is not None:
        yield Next(f"Better Stack cannot be read now ({present.round_error}); its end is seen once it can be")


def _is_given_up(row: RecordedDelivery) -> bool:
    return row.state is DeliveryState.SUPERSEDED


def _name(row: RecordedDelivery) -> str:
    return f"{row.kind} to {whom(row.team)}"


def whom(destination: str) -> str:
    """To whom a message goes, in a sentence."""
    return destination if destination == BETTER_STACK else f"team {destination}"


def service_of(destination: str) -> str:
    """Whose service takes it."""
    return destination if destination == BETTER_STACK else "SIGNL4"
