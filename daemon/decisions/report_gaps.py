"""When no round was complete, as far as what is recorded proves it. Pure.

Single rounds are not recorded. Three things prove a gap all the same: the alarm that Better Stack cannot be polled, an
incident that was first seen long after it began, and a last complete round that is long ago. What is shorter than
`alarm.poll_after`, and a time in which the program did not run and nothing began, leaves no trace.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from daemon.model.alarm import is_unpolled
from daemon.model.report import Alarm, Episode, Gap, Rounds

HOUR = timedelta(hours=1)
ROUND = timedelta(minutes=2).total_seconds()
"""What one round sees is recorded within this time."""


def gap_seen_late(episode: Episode, rounds: Rounds, tolerated: timedelta) -> Gap | None:
    """The gap that an incident proves which was seen more than `tolerated` after it began: a round in between would
    have shown it. What began before the first record is what the first start found, and proves nothing.
    """
    first = rounds.first_record_at
    if episode.generation > 1 or first is None or episode.began_at < first:
        return None
    if episode.seen_at - episode.began_at <= tolerated:
        return None
    return Gap(episode.began_at, episode.seen_at, f"incident {episode.incident_id} began then and was first seen later")


def unrefuted(seen_late: Iterable[Gap], sightings: Sequence[float]) -> list[Gap]:
    """Those in which nothing else was seen for the first time: else rounds went on, and Better Stack itself was late.

    `sightings`: when incidents were first seen, in seconds, in order.
    """

    def is_quiet(gap: Gap) -> bool:
        begins, ends = gap.begins_at.timestamp(), gap.ends_at.timestamp() - ROUND
        return bisect_right(sightings, begins) >= bisect_left(sightings, ends)

    return [gap for gap in seen_late if is_quiet(gap)]


def gaps(
    alarms: Iterable[Alarm], seen_late: Iterable[Gap], rounds: Rounds, poll_after: timedelta, now: datetime
) -> list[Gap]:
    """All that are known, those that touch as one; earliest first. `poll_after`: when the alarm is raised."""
    found = [
        Gap(
            one.raised_at - poll_after,
            one.closed_at or now,
            f"an alarm of the program: {one.name}",
        )
        for one in alarms
        if is_unpolled(one.incident_id)
    ]
    last = rounds.last_complete_at
    if last is not None and now - last > max(poll_after, timedelta(minutes=2)):
        found.append(Gap(last, now, "the last complete round was at its beginning"))
    return _joined([*found, *seen_late])


def within(found: Iterable[Gap], since: datetime, until: datetime) -> tuple[Gap, ...]:
    """The parts of the gaps that lie in the period."""
    cut = (Gap(max(one.begins_at, since), min(one.ends_at, until), one.evidence) for one in found)
    return tuple(one for one in cut if one.begins_at < one.ends_at)


def whole_hours(found: Sequence[Gap]) -> int:
    """How many hours of the clock lie in a gap from their beginning to their end. The gaps do not overlap."""
    return sum(max((_floor(one.ends_at) - _ceiling(one.begins_at)) // HOUR, 0) for one in found)


def _joined(found: list[Gap]) -> list[Gap]:
    joined: list[Gap] = []
    for one in sorted(found, key=lambda gap: gap.begins_at):
        if joined and one.begins_at <= joined[-1].ends_at:
            before = joined[-1]
            joined[-1] = Gap(before.begins_at, max(before.ends_at, one.ends_at), before.evidence)
        else:
            joined.append(one)
    return joined


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _ceiling(moment: datetime) -> datetime:
    return _floor(moment + HOUR - timedelta(microseconds=1))
