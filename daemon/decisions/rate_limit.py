"""Rate limiter for SIGNL4: uses the whole limit, but never exceeds it. Pure.

Above the limit SIGNL4 blocks the account for the length of the window. It does not document whether its windows are
fixed or sliding. So it keeps two estimates, each safe for both kinds, and uses the larger one:

- the limit, minus own events within one window, minus what others of the account had used by the latest response;
- the remaining events by the latest response, minus own events since then.

An event counts from the moment it is sent, while in flight, until one window after its response. Once
`X-RateLimit-Reset` has passed, one event is sent, and its response shows what the new window allows. If the response
shows that earlier events still count, windows are sliding, and later `Reset` times start no new window. The use
by others counts until the next response, as they probably continue.

If no response has these headers, the limit is probed: from that of the free plan up to that of the paid plan, doubled
after each fully used window, halved by a 429 and by a rest.

Source of the figures: SIGNL4's support pages of November 2026.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daemon.model.admission import Admission
from daemon.model.delivery import MARGIN, WINDOW, RateLimit
from daemon.model.readings import Headroom

CAREFUL = 10
"""Events per window on the free plan, and as long as SIGNL4 has reported no limit."""
PAID = 150
"""Events per window on the paid plan."""
REST = 2 * WINDOW
"""So long without an event, others of the account may have taken up what was free."""
PROBE_AGAIN = timedelta(minutes=10)
"""Pause in probing after a 429 without headers."""
# The longer windows of the paid plan (600 a minute, 36,000 an hour, 864,000 a day) equal the sum of its short ones.
LONGER_WINDOWS_OF_THE_FREE_PLAN = ((timedelta(hours=1), 1200), (timedelta(days=1), 4800))


@dataclass(frozen=True, slots=True)
class SendHistory:
    """The recently sent events, and the limit by the latest response."""

    sent: tuple[datetime, ...] = ()
    """When each event of the last day, or of the last window, was answered, oldest first.

    In order also after a clock step: a time in the future is forgotten with the next event.
    """
    left: int = 0
    """Events that may still be sent by the latest response."""
    resets_at: datetime | None = None
    """The `Reset` time of that response, plus the margin."""
    others: int = 0
    """Events that others of the account had used by then. They count until the next response."""
    slides: bool = False
    """Whether windows are sliding: events from before a `Reset` still counted after it."""
    guess: int = CAREFUL
    """The assumed limit while no response reports one."""
    grown: int = CAREFUL
    """The next guess, after this window."""
    probe_from: datetime | None = None
    """When the guess may grow."""


def counted(history: SendHistory, _limit: int | None, _now: datetime) -> SendHistory:
    """The history after an event is sent. Until it is answered, the caller counts it as in flight."""
    return replace(history, left=history.left - 1) if history.left else history


def learned(
    history: SendHistory,
    said: RateLimit | None,
    in_flight: int,
    now: datetime,
    limit: int | None = None,
    *,
    sent_at: datetime | None = None,
    refused: bool = False,
) -> SendHistory:
    """The history after a response. `limit`: the known limit; `sent_at`: when its request was sent, by default now.

    Responses overtake each other. Requests in flight, or answered since `sent_at`, may or may not be included in its
    count, so the assumption that leaves less is used. `refused`: whether the response reported too many events.
    """
    span = max(span for span, _ in _windows(history, limit))
    before = min(sent_at or now, now)
    between = _count(history, span, now) - _count(history, span, now, before)
    ours_before = _count(history, WINDOW, now, before)
    rested = not in_flight and bool(history.sent) and now - history.sent[-1] >= REST
    # A refused event may not count. If it does, the use that the response reports includes it.
    counts = said is None or not refused
    history = replace(history, sent=(*_within(history, span, now), *([now] if counts else [])))
    if said is None:
        return _probed(history, in_flight, now, refused=refused, rested=rested) if limit is None else history
    if said.resets_in is None:
        return replace(history, others=0)
    spent, ours = said.events - said.remaining, ours_before + counts
    slides = _slides(history, spent, ours, sent_at or now)
    # With sliding windows `Reset` is when the oldest event expires; no new window starts.
    resets_in = WINDOW if slides else min(said.resets_in, WINDOW)
    # Events answered meanwhile blur the count of others, so an earlier, lower count is kept.
    others = min(spent - ours, history.others) if between else spent - ours
    return replace(
        history,
        left=max(said.remaining - in_flight - between, 0),
        others=max(others, spent - ours - between - in_flight, 0),
        resets_at=now + resets_in + MARGIN,
        slides=slides,
    )


def limit_admission(
    admission: Admission, history: SendHistory, limit: int | None, in_flight: int, now: datetime
) -> Admission:
    """The admission of the destination, restricted by the rate limit."""
    room = max(_room(history, limit, in_flight, now), 0)
    if room > 0:
        return replace(admission, max_in_flight=min(admission.max_in_flight, in_flight + room))
    start = free_at(history, limit, now, in_flight)
    if start <= now:
        # Wait for the responses in flight, which will report the limit.
        return replace(admission, max_in_flight=min(admission.max_in_flight, in_flight))
    return replace(
        admission, clean_from=max(admission.clean_from, start), refused_from=max(admission.refused_from, start)
    )


def free_at(history: SendHistory, limit: int | None, now: datetime, in_flight: int = 0) -> datetime:
    """When the rate limit lets the next event go."""
    (_, short), *longer = _windows(history, limit)
    starts = [_freed_at(history, span, most - in_flight, now) for span, most in longer]
    if history.left > 0:
        return max(now, *starts) if starts else now
    freed = _freed_at(history, WINDOW, short - in_flight - history.others, now)
    if history.resets_at is not None:
        freed = min(freed, history.resets_at)
    return max(now, freed, *starts)


def headroom(history: SendHistory, limit: int | None, in_flight: int, now: datetime) -> Headroom:
    """What the rate limit leaves now."""
    (_, short), *_ = _windows(history, limit)
    return Headroom(short, min(max(_room(history, limit, in_flight, now), 0), short))


def time_for(events: int, limit: int | None) -> timedelta:
    """The least time that this many events take."""
    return max((events // most * span for span, most in _windows(SendHistory(), limit)), default=timedelta(0))


def _slides(history: SendHistory, spent: int, ours: int, sent_at: datetime) -> bool:
    """Whether windows are sliding, by a response. `spent`: all events it counts; `ours`: our events within a window."""
    if spent * 2 < ours:
        return False
    after_reset = history.resets_at is not None and sent_at >= history.resets_at
    return history.slides or (after_reset and ours > 1 and spent >= ours)


def _room(history: SendHistory, limit: int | None, in_flight: int, now: datetime) -> int:
    (span, short), *longer = _windows(history, limit)
    room = max(short - _count(history, span, now) - in_flight - history.others, history.left)
    if room <= 0 and in_flight == 0 and history.resets_at is not None and history.resets_at <= now:
        # A new window has begun: one event finds out what it allows.
        room = 1
    return min([room, *(most - _count(history, span, now) - in_flight for span, most in longer)])


def _freed_at(history: SendHistory, span: timedelta, most: int, now: datetime) -> datetime:
    """When fewer than `most` sent events lie in the span; one span from now if `most` is 0 or less."""
    if most <= 0:
        return now + span
    full = _count(history, span, now) >= most
    return history.sent[bisect_right(history.sent, now) - most] + span if full else now


def _probed(history: SendHistory, in_flight: int, now: datetime, *, refused: bool, rested: bool) -> SendHistory:
    """The guess after a response without a limit. `rested`: whether it is the first after a rest."""
    if refused or rested:
        halved = max(history.guess // 2, CAREFUL)
        history = replace(history, guess=halved, grown=halved)
    if refused:
        return replace(history, probe_from=now + PROBE_AGAIN)
    if history.probe_from is not None and now >= history.probe_from:
        history = replace(history, guess=history.grown, probe_from=None)
    used_up = _count(history, WINDOW, now) + in_flight >= history.guess
    if not used_up or history.probe_from is not None:
        return history
    return replace(history, grown=min(history.guess * 2, PAID), probe_from=now + WINDOW)


def _within(history: SendHistory, span: timedelta, now: datetime) -> tuple[datetime, ...]:
    """The events sent in the span before now. A time in the future comes from a wrong clock and does not count."""
    return history.sent[bisect_right(history.sent, now - span) : bisect_right(history.sent, now)]


def _count(history: SendHistory, span: timedelta, now: datetime, until: datetime | None = None) -> int:
    """How many events were sent in the span before now, up to `until`."""
    return max(bisect_right(history.sent, until or now) - bisect_right(history.sent, now - span), 0)


def _windows(history: SendHistory, limit: int | None) -> tuple[tuple[timedelta, int], ...]:
    """Each window with its limit, shortest first."""
    if limit is None:
        return ((WINDOW, history.guess),)
    short = (WINDOW, max(limit, 1))
    return (short, *LONGER_WINDOWS_OF_THE_FREE_PLAN) if limit <= CAREFUL else (short,)
