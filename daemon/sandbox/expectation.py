"""What SIGNL4 is due to be told of one incident, worked out from what happened to it and what of that was shown.

Pure. Where a client had a choice, every sequence of events that is right is named, the fullest first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import product

from daemon.model.incident import Kind, Phase
from daemon.sandbox.generations import Generation, distinguishable
from daemon.sandbox.history import Happening, Showing, Window

SOON = timedelta(seconds=3)
"""An `acknowledged` whose incident was over this soon after may never have had its turn."""


@dataclass(frozen=True, slots=True)
class Due:
    """One event that SIGNL4 is due, and since when."""

    kind: Kind
    since: datetime


@dataclass(frozen=True, slots=True)
class Right:
    """One way to tell an incident rightly."""

    due: tuple[Due, ...]
    superseded: int
    """Acknowledgements that are left out because nobody had to hear of them any more when their turn came."""


class _Need(Enum):
    """Whether people must hear of a generation."""

    MUST = auto()
    MAY = auto()
    NOT = auto()


def rights(
    history: Sequence[Happening], showings: Iterable[Showing], started: datetime | None, held: Sequence[Window]
) -> list[Right]:
    """Every way to tell one incident that is right.

    `started`: when the client first asked; what was over by then is history. `held`: when SIGNL4 could not be told.
    """
    found: list[Right] = []
    for generations in distinguishable(history, showings):
        needs = [_need(generation, generations, started) for generation in generations]
        lives = [_lives(generation, need, held) for generation, need in zip(generations, needs, strict=True)]
        fullest = _acknowledged_in(life[0] for life in lives)
        found += [
            Right(tuple(due for life in choice for due in life), fullest - _acknowledged_in(choice))
            for choice in product(*lives)
        ]
    return found


def _acknowledged_in(lives: Iterable[tuple[Due, ...]]) -> int:
    return sum(due.kind is Kind.ACKNOWLEDGED for life in lives for due in life)


def _need(generation: Generation, generations: Sequence[Generation], started: datetime | None) -> _Need:
    """Of the generations of one incident, what this one needs."""
    first, last = generation is generations[0], generation is generations[-1]
    if generation.over is not None and started is not None and generation.over <= started:
        # A replica may have shown it alive when it was not.
        return _Need.MAY if generation.shown_alive else _Need.NOT
    if generation.shown_alive:
        # With no time in the record, one look proves nothing; and by the second it may have been over.
        fleeting = generation.traceless and not first and generation.over is not None
        return _Need.MAY if fleeting and not generation.shown_beyond_doubt else _Need.MUST
    if generation.called is None:
        mistakable = Phase.RESOLVED in generation.shown and Phase.UNCONFIRMED not in generation.shown
        return _Need.MAY if mistakable else _Need.NOT
    if generation.over is None:
        return _Need.MUST
    findable = Phase.RESOLVED in generation.shown or (last and not generation.gone)
    return _Need.MUST if first and findable and not generation.doubtful else _Need.MAY


def _lives(generation: Generation, need: _Need, held: Sequence[Window]) -> list[tuple[Due, ...]]:
    """The ways in which one generation may rightly be told, the fullest first."""
    if need is _Need.NOT:
        return [()]
    new = Due(Kind.NEW, generation.called or generation.opened)
    end = (Due(Kind.RESOLVED, generation.over),) if generation.over else ()
    lives: list[tuple[Due, ...]] = [(new, *end)]
    if generation.acknowledged:
        full = (new, Due(Kind.ACKNOWLEDGED, generation.acknowledged), *end)
        lives = [full, *lives] if _is_skippable(generation, held) else [full]
    return lives if need is _Need.MUST else [*lives, ()]


def _is_skippable(generation: Generation, held: Sequence[Window]) -> bool:
    """Whether the `acknowledged` may be superseded by the end, or was never there to be seen."""
    showing, over = generation.shown.get(Phase.ACKNOWLEDGED), generation.over
    if showing is None:
        return generation.phase is not Phase.ACKNOWLEDGED
    if generation.late:
        return True
    if over is None:
        return False
    since = showing.at
    return over - since < SOON or any(window.touches(since, over, SOON) for window in held)
