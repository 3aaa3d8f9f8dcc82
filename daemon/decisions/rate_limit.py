"""How fast SIGNL4 may be told: what it allows is spent, and no limit is run into. Pure.

Beyond a limit SIGNL4 blocks an account for as long as the window is. Whether its windows are fixed or sliding is not
documented, so two estimates are kept, each of which is safe for both, and the larger one counts:

- the limit less what we sent in the span of a window, less what others of the account had spent by the latest answer;
- what remained by the latest answer, less what was sent since.

An event counts from the moment SIGNL4 may have counted it until a window after its answer, in flight as well. Once
`X-RateLimit-Reset` has passed, one event goes, and its answer says what the new window allows; if it says that what was
sent before still counts, windows slide, and no later `Reset` is taken for the beginning of one. What others had spent
counts until the next answer, as they are likely to go on.

Where no answer carries these headers, the limit is probed: from that of the free plan up to that of the paid one,
doubled after each window that was used up, halved by a 429.

Source of the figures: SIGNL4's support pages of November 2026.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daemon.model.delivery import MARGIN, WINDOW, Admission, RateLimit

CAREFUL = 10
"""Events in a window on the free plan, and until SIGNL4 has said what it allows."""
PAID = 150
"""Events in a window on the paid plan."""
PROBE_AGAIN = timedelta(minutes=10)
"""After a 429 without headers nothing more is probed for so long."""
# The paid plan's longer windows (600 a minute, 36,000 an hour, 864,000 a day) hold just what its short ones add up to.
LONGER_WINDOWS_OF_THE_FREE_PLAN = ((timedelta(hours=1), 1200), (timedelta(days=1), 4800))


@dataclass(frozen=True, slots=True)
class SendHistory:
    """What was sent lately, and what remained by the latest answer."""

    sent: tuple[datetime, ...] = ()
    """When each event of the last day, or of the last window, was answered, oldest first."""
    left: int = 0
    """So many events may follow by the latest answer."""
    resets_at: datetime | None = None
    """The `Reset` of that answer, with the margin."""
    others: int = 0
    """What others of the account had spent by then. It counts until the next answer, since others may go on."""
    slides: bool = False
    """Whether windows slide: what was sent before a `Reset` counted after it."""
    guess: int = CAREFUL
    """The limit that is probed, as long as no answer says what it is."""
    grown: int = CAREFUL
    """The next guess, once this window is over."""
    probe_from: datetime | None = None
    """When the guess grows, or after a 429 may grow again."""


def counted(history: SendHistory, _limit: int | None, _now: datetime) -> SendHistory:
    """The history once an event goes out. While it is in flight it counts as that."""
    return replace(history, left=max(history.left - 1, 0))


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
    """The history after an answer. `limit`: the one learned; `sent_at`: when what it answers was sent, now by default.

    Answers overtake each other. So what is in flight, or was answered since `sent_at`, may be in this count or not, and
    is taken for whatever leaves less. `refused`: whether the answer said that there were too many events.
    """
    span = max(span for span, _ in _windows(history, limit))
    since = replace(history, sent=tuple(at for at in history.sent if sent_at is None or at <= sent_at))
    between = len(_within(history, span, now)) - len(_within(since, span, now))
    # What was refused may not count. Where it does, what the answer says was spent holds it.
    counts = said is None or not refused
    history = replace(history, sent=(*_within(history, span, now), *([now] if counts else [])))
    if said is None:
        return _probed(history, in_flight, now, refused=refused) if limit is None else history
    if said.resets_in is None:
        return replace(history, others=0)
    spent, ours = said.events - said.remaining, len(_within(since, WINDOW, now)) + counts
    slides = _slides(history, spent, ours, sent_at or now)
    # Where they slide, `Reset` is when the oldest event counts no more, and nothing begins anew.
    resets_in = WINDOW if slides else min(said.resets_in, WINDOW)
    # Of what was answered meanwhile, the answer before this one knew better whose it is.
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
    """What the target admits, as far as the history allows it."""
    room = max(_room(history, limit, in_flight, now), 0)
    if room > 0:
        return replace(admission, max_in_flight=min(admission.max_in_flight, in_flight + room))
    start = free_at(history, limit, now, in_flight)
    if start <= now:
        # The answer to what is in flight says more.
        return replace(admission, max_in_flight=min(admission.max_in_flight, in_flight))
    return replace(
        admission, clean_from=max(admission.clean_from, start), refused_from=max(admission.refused_from, start)
    )


def free_at(history: SendHistory, limit: int | None, now: datetime, in_flight: int = 0) -> datetime:
    """When the next event may go, as far as the history is concerned."""
    (_, short), *longer = _windows(history, limit)
    starts = [_freed_at(history, span, most - in_flight, now) for span, most in longer]
    if history.left > 0:
        return max(now, *starts) if starts else now
    freed = _freed_at(history, WINDOW, short - in_flight - history.others, now)
    if history.resets_at is not None:
        freed = min(freed, history.resets_at)
    return max(now, freed, *starts)


def time_for(events: int, limit: int | None) -> timedelta:
    """How long so many events take at least."""
    return max((events // most * span for span, most in _windows(SendHistory(), limit)), default=timedelta(0))


def _slides(history: SendHistory, spent: int, ours: int, sent_at: datetime) -> bool:
    """Whether windows slide, as far as an answer tells: so many were spent by it, and so many are ours of a window."""
    if spent * 2 < ours:
        return False
    after_reset = history.resets_at is not None and sent_at >= history.resets_at
    return history.slides or (after_reset and ours > 1 and spent >= ours)


def _room(history: SendHistory, limit: int | None, in_flight: int, now: datetime) -> int:
    (span, short), *longer = _windows(history, limit)
    room = max(short - len(_within(history, span, now)) - in_flight - history.others, history.left)
    if room <= 0 and in_flight == 0 and history.resets_at is not None and history.resets_at <= now:
        # A new window has begun. One event asks what it allows.
        room = 1
    return min([room, *(most - len(_within(history, span, now)) - in_flight for span, most in longer)])


def _freed_at(history: SendHistory, span: timedelta, most: int, now: datetime) -> datetime:
    """When fewer than `most` of what was sent lie in the span; a whole span from now where only answers can tell."""
    if most <= 0:
        return now + span
    recent = _within(history, span, now)
    return recent[-most] + span if len(recent) >= most else now


def _probed(history: SendHistory, in_flight: int, now: datetime, *, refused: bool) -> SendHistory:
    """The guess after an answer that says nothing of a limit."""
    if refused:
        halved = max(history.guess // 2, CAREFUL)
        return replace(history, guess=halved, grown=halved, probe_from=now + PROBE_AGAIN)
    if history.probe_from is not None and now >= history.probe_from:
        history = replace(history, guess=history.grown, probe_from=None)
    used_up = len(_within(history, WINDOW, now)) + in_flight >= history.guess
    if not used_up or history.probe_from is not None:
        return history
    return replace(history, grown=min(history.guess * 2, PAID), probe_from=now + WINDOW)


def _within(history: SendHistory, span: timedelta, now: datetime) -> tuple[datetime, ...]:
    """What was sent in the span before now. A time to come is that of a clock that was wrong, and does not count."""
    return tuple(at for at in history.sent if now - span < at <= now)


def _windows(history: SendHistory, limit: int | None) -> tuple[tuple[timedelta, int], ...]:
    """Each window with the events that it may hold, the shortest first."""
    if limit is None:
        return ((WINDOW, history.guess),)
    short = (WINDOW, max(limit, 1))
    return (short, *LONGER_WINDOWS_OF_THE_FREE_PLAN) if limit <= CAREFUL else (short,)
