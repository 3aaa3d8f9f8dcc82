"""What SIGNL4 is due to be told of one incident, worked out from what happened to it and what of that was shown.

Pure. Where a client had a choice, every sequence of events that is right is named, the fullest first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import product

from daemon.incident import Kind, Phase
from daemon.sandbox.generations import Generation, distinguishable
from daemon.sandbox.history import Happening, Showing, Window

SOON = timedelta(seconds=3)
"""An `acknowledged` whose incident was over this soon after may never have had its turn."""


@dataclass(frozen=True, slots=True)
class Due:
    """One event that SIGNL4 is due, and since when."""

    kind: Kind
    since: datetime


class _Need(Enum):
    """Whether people must hear of a generation."""

    MUST = auto()
    MAY = auto()
    NOT = auto()


def sequences(
    history: Sequence[Happening], showings: Iterable[Showing], started: datetime | None, held: Sequence[Window]
) -> list[tuple[Due, ...]]:
    """Every sequence of events that is right for one incident.

    `started`: when the client first asked; what was over by then is history. `held`: when SIGNL4 could not be told.
    """
    generations = distinguishable(history, showings)
    needs = [_need(generation, generations, started) for generation in generations]
    lives = [_lives(generation, need, held) for generation, need in zip(generations, needs, strict=True)]
    return [tuple(due for life in choice for due in life) for choice in product(*lives)]


def _need(generation: Generation, generations: Sequence[Generation], started: datetime | None) -> _Need:
    """Of the generations of one incident, what this one needs."""
    if generation.over is not None and started is not None and generation.over < started:
        return _Need.NOT
    if generation.shown_alive:
        return _Need.MUST
    if generation.called is None:
        mistakable = Phase.RESOLVED in generation.shown and Phase.UNCONFIRMED not in generation.shown
        return _Need.MAY if mistakable else _Need.NOT
    if generation.over is None:
        return _Need.MUST
    first, last = generation is generations[0], generation is generations[-1]
    findable = Phase.RESOLVED in generation.shown or (last and not generation.gone)
    return _Need.MUST if first and findable and not generation.doubtful else _Need.MAY


def _lives(generation: Generation, need: _Need, held: Sequence[Window]) -> list[tuple[Due, ...]]:
    """The ways in which one generation may rightly be told."""
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
    since, over = generation.shown.get(Phase.ACKNOWLEDGED), generation.over
    if since is None:
        return generation.phase is not Phase.ACKNOWLEDGED
    if over is None:
        return False
    return over - since < SOON or any(window.touches(since, over, SOON) for window in held)
