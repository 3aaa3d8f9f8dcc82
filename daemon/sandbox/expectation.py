"""The events that SIGNL4 should get for one incident, from its history and from what the client was shown. Pure.

If the client had a choice, every correct sequence of events is listed, the fullest first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import product

from daemon.model.incident import Kind, Phase
from daemon.sandbox.generations import Generation, distinguishable
from daemon.sandbox.history import Happening, Showing, Window
from daemon.sandbox.rules import Silenced

SOON = timedelta(seconds=3)
"""If the incident ends this soon after, its `acknowledged` may be skipped."""


@dataclass(frozen=True, slots=True)
class Due:
    """One event that SIGNL4 should get, and since when."""

    kind: Kind
    since: datetime
    silent_until: datetime | None = None
    """If a silence holds it, the earliest end of that."""

    def may_be_told(self, at: datetime) -> bool:
        """Whether it may have been told by then."""
        return at >= (self.silent_until or self.since)


@dataclass(frozen=True, slots=True)
class Right:
    """One correct sequence of events for an incident."""

    due: tuple[Due, ...]
    superseded: int
    """Acknowledgements left out because they were obsolete before they could be sent."""
    silenced: bool = False
    """Whether a silence covers one of its beginnings."""


class _Need(Enum):
    """Whether a generation must alert."""

    MUST = auto()
    MAY = auto()
    NOT = auto()


def rights(
    history: Sequence[Happening],
    showings: Iterable[Showing],
    started: datetime | None,
    held: Sequence[Window],
    silences: Sequence[Silenced] = (),
    acted: Sequence[datetime] = (),
) -> list[Right]:
    """Every correct sequence of events for one incident.

    `started`: the client's first request; what was over by then does not alert. `held`: when SIGNL4 was unavailable.
    `silences`: those that cover the incident. `acted`: when people did something to its alerts in SIGNL4.
    """
    found: list[Right] = []
    for generations in distinguishable(history, showings):
        needs = [_need(generation, generations, started) for generation in generations]
        lives = [
            _lives(generation, need, held, silences, acted) for generation, need in zip(generations, needs, strict=True)
        ]
        silenced = any(_silence(generation, silences) for generation in generations)
        fullest = _acknowledged_in(life[0] for life in lives)
        found += [
            Right(tuple(due for life in choice for due in life), fullest - _acknowledged_in(choice), silenced)
            for choice in product(*lives)
        ]
    return found


def _acknowledged_in(lives: Iterable[tuple[Due, ...]]) -> int:
    return sum(due.kind is Kind.ACKNOWLEDGED for life in lives for due in life)


def _need(generation: Generation, generations: Sequence[Generation], started: datetime | None) -> _Need:
    """Whether this one of an incident's generations must alert."""
    first, last = generation is generations[0], generation is generations[-1]
    if generation.over is not None and started is not None and generation.over <= started:
        # A lagging replica may have shown it alive after its end.
        return _Need.MAY if generation.shown_alive else _Need.NOT
    if generation.shown_alive:
        # Without a time in the record one lookup proves nothing, and at the second one it may have been over.
        fleeting = generation.traceless and not first and generation.over is not None
        return _Need.MAY if fleeting and not generation.shown_beyond_doubt else _Need.MUST
    if generation.called is None:
        mistakable = Phase.RESOLVED in generation.shown and Phase.UNCONFIRMED not in generation.shown
        return _Need.MAY if mistakable else _Need.NOT
    if generation.over is None:
        return _Need.MUST
    findable = Phase.RESOLVED in generation.shown or (last and not generation.gone)
    return _Need.MUST if first and findable and not generation.doubtful else _Need.MAY


def _lives(
    generation: Generation,
    need: _Need,
    held: Sequence[Window],
    silences: Sequence[Silenced],
    acted: Sequence[datetime],
) -> list[tuple[Due, ...]]:
    """The correct sequences of events for one generation, the fullest first."""
    silence = _silence(generation, silences)
    if need is _Need.NOT or (silence and generation.over and generation.over + SOON < silence.until):
        return [()]
    if silence and generation.over and generation.over <= silence.latest + SOON:
        need = _Need.MAY
    new = Due(Kind.NEW, _began(generation), None if silence is None else silence.until)
    end = (Due(Kind.RESOLVED, generation.over),) if generation.over else ()
    lives: list[tuple[Due, ...]] = [(new, *end)]
    if generation.acknowledged:
        full = (new, Due(Kind.ACKNOWLEDGED, generation.acknowledged), *end)
        first = any(_began(generation) <= at <= generation.acknowledged for at in acted)
        lives = [full, *lives] if first or _is_skippable(generation, held) else [full]
    return lives if need is _Need.MUST else [*lives, ()]


def _began(generation: Generation) -> datetime:
    return generation.called or generation.opened


def _silence(generation: Generation, silences: Sequence[Silenced]) -> Silenced | None:
    """The last silence that held its beginning."""
    inside = [one for one in silences if one.since <= _began(generation) <= one.until]
    return max(inside, key=lambda one: one.until, default=None)


def _is_skippable(generation: Generation, held: Sequence[Window]) -> bool:
    """Whether the `acknowledged` may be superseded by the end, or was never visible."""
    showing, over = generation.shown.get(Phase.ACKNOWLEDGED), generation.over
    if showing is None:
        return generation.phase is not Phase.ACKNOWLEDGED
    if generation.late:
        return True
    if over is None:
        return False
    since = showing.at
    return over - since < SOON or any(window.touches(since, over, SOON) for window in held)
