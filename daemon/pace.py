"""How fast SIGNL4 may be told: what it allows is spent, and a limit is never walked into. Pure.

Beyond a limit SIGNL4 blocks an account for as long as the window is, so no window of ours, wherever it begins, holds
more than the limit. The limit is learned from the headers of each answer; until the first one it is that of the free
plan. Other senders of the same account show in what the headers say remains.

Source of the figures: SIGNL4's support pages of November 2026.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daemon.delivery import Allowance, Opening

WINDOW = timedelta(seconds=15)
CAREFUL = 10
"""Events in a window on the free plan, and until SIGNL4 has said what it allows."""
# The paid plan's longer windows (600 a minute, 36,000 an hour, 864,000 a day) hold just what its short ones add up to.
LONGER_WINDOWS_OF_THE_FREE_PLAN = ((timedelta(hours=1), 1200), (timedelta(days=1), 4800))


@dataclass(frozen=True, slots=True)
class Pace:
    """What was sent lately, and what remained by the latest answer."""

    sent: tuple[datetime, ...] = ()
    """When each event of the last day, or of the last window, was sent, oldest first."""
    left: int = 0
    left_until: datetime | None = None
    """Until then no more than `left` events may follow."""


def counted(pace: Pace, limit: int | None, now: datetime) -> Pace:
    """The pace once an event goes out. `limit`: the one learned, events in a window."""
    span = max(span for span, _ in _windows(limit))
    recent = tuple(at for at in pace.sent if now - span < at <= now)
    return replace(pace, sent=(*recent, now), left=max(pace.left - 1, 0))


def learned(pace: Pace, allowance: Allowance | None, in_flight: int, now: datetime) -> Pace:
    """The pace after an answer. Whether it counted the events still `in_flight` is not known: they may all follow."""
    if allowance is None or allowance.resets_in is None:
        return pace
    left = max(allowance.remaining - in_flight, 0)
    if pace.left_until is not None and pace.left_until > now:
        # Answers overtake each other; within one window what remains only shrinks.
        left = min(left, pace.left)
    return replace(pace, left=left, left_until=now + min(allowance.resets_in, WINDOW))


def narrowed(opening: Opening, pace: Pace, limit: int | None, in_flight: int, now: datetime) -> Opening:
    """The opening, as far as the pace admits it."""
    room = max(_room(pace, limit, now), 0)
    if room > 0:
        return replace(opening, width=min(opening.width, in_flight + room))
    start = free_at(pace, limit, now)
    return replace(opening, clean_from=max(opening.clean_from, start), refused_from=max(opening.refused_from, start))


def free_at(pace: Pace, limit: int | None, now: datetime) -> datetime:
    """When the next event may go, as far as the pace is concerned."""
    starts = [now]
    for span, most in _windows(limit):
        recent = _within(pace, span, now)
        if len(recent) >= most:
            starts.append(recent[-most] + span)
    if pace.left == 0 and pace.left_until is not None:
        starts.append(pace.left_until)
    return max(starts)


def time_for(events: int, limit: int | None) -> timedelta:
    """How long so many events take at least."""
    return max((events // most * span for span, most in _windows(limit)), default=timedelta(0))


def _room(pace: Pace, limit: int | None, now: datetime) -> int:
    rooms = [most - len(_within(pace, span, now)) for span, most in _windows(limit)]
    if pace.left_until is not None and pace.left_until > now:
        rooms.append(pace.left)
    return min(rooms)


def _within(pace: Pace, span: timedelta, now: datetime) -> tuple[datetime, ...]:
    """What was sent in the span before now. A time to come is that of a clock that was wrong, and does not count."""
    return tuple(at for at in pace.sent if now - span < at <= now)


def _windows(limit: int | None) -> tuple[tuple[timedelta, int], ...]:
    """Each window with the events that it may hold."""
    if limit is None:
        return ((WINDOW, CAREFUL),)
    short = (WINDOW, max(limit, 1))
    return (short, *LONGER_WINDOWS_OF_THE_FREE_PLAN) if limit <= CAREFUL else (short,)
