"""Whether the program is healthy, and which problems it has. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daemon.decisions import monitor_health, poll_health, reach, two_way, unreadable
from daemon.decisions.ages import age
from daemon.decisions.poll_health import NO_DAEMON
from daemon.model.alarm import Cause
from daemon.model.destination import DEFAULT
from daemon.model.monitor import MonitorFigures
from daemon.model.polling import Polling
from daemon.model.snapshot import HeldLog, Holder, Presence, RunMode, Snapshot, StandbyProcess
from daemon.model.two_way import TwoWay

NAMED_BELOW = {cause.external_id for cause in (Cause.DEAD, Cause.DELIVERY, Cause.UNREADABLE, Cause.UNPAGED)}
"""The alarms whose problem has a sentence of its own below."""
MOST_NAMED = 5
"""At most so many deliveries that fail on their own are named."""
MOST_IDS = 20
"""At most so many ids in a sentence; once these are dropped, it names the next."""
TOLERATED_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Source:
    """What `status` shows of an account that is polled."""

    name: str
    """Empty for that of `[betterstack]`."""
    last_complete_round_at: datetime | None
    last_round_error: str | None
    failing_since: datetime | None
    token_suspect_since: datetime | None


@dataclass(frozen=True, slots=True)
class Health:
    """What `status` shows. The names and their order are those of its JSON."""

    healthy: bool
    problems: list[str]
    """A sentence each, with the mend."""
    process: Holder | None
    last_complete_round_at: datetime | None
    last_round_error: str | None
    open_incidents: int
    pending_deliveries: int
    held_deliveries: int
    """Those of them that a rule of the operator holds."""
    dead_deliveries: int
    queue_seconds: int
    """How long SIGNL4's limit makes the outbox last."""
    clock_ahead_seconds: int | None
    """How far this machine's clock is ahead of Better Stack's."""
    oldest_pending_seconds: int | None
    """Of those that nothing holds."""
    silences: int = 0
    """How many are in force."""
    two_way: TwoWay | None = None
    """The looks at SIGNL4, and what is written back; `None` if SIGNL4 was never looked at."""
    unpaged_alerts: int = 0
    """How many SIGNL4 took without paging anybody, of incidents that are not over."""
    drift: int = 0
    """In how many things SIGNL4's alerts do not agree with our incidents."""
    monitors: MonitorFigures | None = None
    """The looks at monitors and heartbeats; `None` if there never was one."""
    standbys: tuple[StandbyProcess, ...] | None = None
    """The processes that would take over; `None` where nobody can."""
    sources: tuple[Source, ...] | None = None
    """Each account that is polled; `None` where there is only that of `[betterstack]`."""


def report(
    snapshot: Snapshot,
    interval: timedelta,
    poll_after: timedelta,
    queue: timedelta,
    now: datetime,
    presence: Presence | None = None,
    *,
    warn_after: timedelta | None,
) -> Health:
    """What `status` shows. `queue`: how long SIGNL4's limit makes the outbox last."""
    found = list(problems(snapshot, interval, poll_after, now, presence, warn_after=warn_after))
    ahead = snapshot.service_ahead
    pending = [snapshot.oldest_pending_at, *(own.created_at for own in snapshot.own_faults)]
    oldest = min(filter(None, pending), default=None)
    return Health(
        healthy=not found,
        problems=found,
        process=None if presence is None else presence.holder,
        last_complete_round_at=poll_health.latest(snapshot),
        last_round_error=next((one.last_round_error for one in snapshot.polled if one.last_round_error), None),
        open_incidents=snapshot.open_incidents,
        pending_deliveries=snapshot.pending_deliveries,
        held_deliveries=snapshot.held_deliveries,
        dead_deliveries=snapshot.dead_deliveries,
        queue_seconds=round(queue.total_seconds()),
        clock_ahead_seconds=None if ahead is None else round(-ahead.total_seconds()),
        oldest_pending_seconds=None if oldest is None else max(round((now - oldest).total_seconds()), 0),
        two_way=snapshot.two_way,
        unpaged_alerts=len(snapshot.unpaged),
        drift=len(snapshot.drift),
        monitors=snapshot.monitors,
        standbys=None if presence is None else presence.standbys,
        sources=tuple(map(_source, snapshot.polled)) if snapshot.named else None,
    )


def _source(polling: Polling) -> Source:
    return Source(
        polling.polled_from,
        polling.last_complete_round_at,
        polling.last_round_error,
        polling.failing_since,
        polling.token_suspect_since,
    )


def problems(
    snapshot: Snapshot,
    interval: timedelta,
    poll_after: timedelta,
    now: datetime,
    presence: Presence | None = None,
    *,
    warn_after: timedelta | None,
) -> Iterator[str]:
    """Each problem as a sentence with its mend.

    `interval`: `poll.interval`. `poll_after`: `alarm.poll_after`, and the longest that a due delivery should wait.
    `presence`: which process works on the database, if another one asks; between two runs of `once` none does.
    `warn_after`: `duty.warn_after`.
    """
    yield from (sentence for alarm, sentence in snapshot.open_alarms.items() if alarm not in NAMED_BELOW)
    yield from poll_health.problems(snapshot, interval, now, presence)
    yield from poll_health.untracked(snapshot)
    yield from _unread(snapshot, poll_after, now)
    yield from _teams(snapshot)
    if snapshot.oldest_due_at is not None and now - snapshot.oldest_due_at > poll_after:
        yield f"a delivery is overdue for {age(snapshot.oldest_due_at, now)}; look at: deliveries --state pending"
    elif snapshot.oldest_pending_at is not None and now - snapshot.oldest_pending_at > poll_after:
        yield f"a delivery waits for {age(snapshot.oldest_pending_at, now)}; look at: deliveries --state pending"
    yield from _own_faults(snapshot, poll_after, now)
    yield from two_way.problems(snapshot.two_way, poll_after, now)
    yield from reach.problems(snapshot, warn_after, now)
    yield from monitor_health.problems(snapshot.monitors, poll_after, now)
    yield from _dead(snapshot)
    if presence is not None:
        yield from _seen_from_outside(snapshot, presence)


def _dead(snapshot: Snapshot) -> Iterator[str]:
    late = snapshot.too_late
    if snapshot.dead_deliveries > len(late):
        count = snapshot.dead_deliveries - len(late)
        yield f"{count} dead; look at: deliveries --state dead, and bring back with: retry --dead"
    if late:
        yield f"{len(late)} dead, and too late to be told; give up with: drop {' '.join(map(str, late[:MOST_IDS]))}"


def _teams(snapshot: Snapshot) -> Iterator[str]:
    for refused in snapshot.refused:
        whose = "" if refused.team == DEFAULT else f" of team {refused.team}"
        yield (
            f"SIGNL4 refuses the secret{whose} since {refused.since:%Y-%m-%d %H:%M} UTC ({refused.why}); nothing is "
            "dropped meanwhile"
        )
    for team, ids in snapshot.strays.items():
        yield (
            f"{len(ids)} deliveries wait for team {team}, which the configuration does not have; add "
            f"[signl4.teams.{team}], or give up with: drop {' '.join(map(str, ids[:MOST_IDS]))}"
        )


def _seen_from_outside(snapshot: Snapshot, presence: Presence) -> Iterator[str]:
    if presence.held_log is not None:
        yield _held(presence.held_log)
    if presence.holder is None and snapshot.run_mode is RunMode.RUN:
        yield NO_DAEMON


def _held(log: HeldLog) -> str:
    since = "" if log.since is None else f", which was last emptied at {log.since:%Y-%m-%d %H:%M} UTC,"
    name = f" ({log.name})" if log.name else ""
    who = f"process {log.pid}{name}" if log.pid > 0 else "a process that cannot be seen from here"
    return (
        f"the log of the database{since} has grown to {log.size // 10**6} MB: {who} keeps a transaction open; end that "
        "process, and the log is cut by itself"
    )


def _unread(snapshot: Snapshot, poll_after: timedelta, now: datetime) -> Iterator[str]:
    """Records of Better Stack that cannot be read."""
    if sentence := unreadable_sentence(snapshot, poll_after, now):
        yield sentence
    yield from poll_health.odd_records(snapshot)


def but_for_odd_records(snapshot: Snapshot) -> Snapshot:
    """The same without what stops no heartbeat, since polling and paging work: the records that were set aside, which
    have an alarm of their own; whom SIGNL4 reaches; and that it cannot be read, or Better Stack not be written to, or
    its lists of monitors not be read.
    """
    return replace(snapshot, unreadable=(), unpaged=(), off_duty=(), drift=(), two_way=None, monitors=None)


def unreadable_sentence(snapshot: Snapshot, poll_after: timedelta, now: datetime) -> str | None:
    """The sentence about records that have been unreadable for longer than `poll_after`, if there are any."""
    return unreadable.sentence(snapshot.unreadable, snapshot.open_alarms, Cause.UNREADABLE.external_id, poll_after, now)


def clock_sentence(snapshot: Snapshot, now: datetime) -> str | None:
    """That this machine's clock is wrong, compared with Better Stack's. No decision depends on it."""
    ahead = snapshot.service_ahead
    if ahead is None or abs(ahead) <= TOLERATED_SKEW:
        return None
    behind = "behind" if ahead > timedelta(0) else "ahead of"
    off = age(now - abs(ahead), now)
    return f"the clock of this machine is {off} {behind} Better Stack's; look at: timedatectl"


def _own_faults(snapshot: Snapshot, poll_after: timedelta, now: datetime) -> Iterator[str]:
    lasting = [own for own in snapshot.own_faults if now - own.failing_since >= poll_after]
    for own in lasting[:MOST_NAMED]:
        yield (
            f"delivery {own.id} ({own.kind} of incident {own.incident_id}) fails while others are taken, since "
            f"{own.failing_since:%Y-%m-%d %H:%M} UTC ({own.last_error}); try it: retry {own.id}, or give it up: "
            f"drop {own.id}"
        )
    if more := lasting[MOST_NAMED:]:
        yield f"{len(more)} more deliveries fail while others are taken; look at: deliveries --state pending"


def line(snapshot: Snapshot, found: Sequence[str], now: datetime) -> str:
    """One line for the service manager's status. `found`: the problems."""
    last = poll_health.latest(snapshot)
    polled = "no complete round yet" if last is None else f"last round {age(last, now)} ago"
    counts = f"{snapshot.open_incidents} open, {snapshot.pending_deliveries} pending"
    return "; ".join([f"{counts}, {polled}", *found])
