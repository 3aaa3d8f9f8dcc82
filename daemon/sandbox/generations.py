"""The generations of one incident, as a client of Better Stack can tell them apart. Pure.

A generation that began without a trace continues the previous one, unless the client was shown the end or the
acknowledgement of that one: nothing else in the record says that there were two. If a lagging replica showed that too
late, or the later generation was over before it could be distinguished, both readings are correct.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from daemon.model.incident import Phase
from daemon.sandbox.history import Act, Happening, Showing

ALIVE = (Phase.OPEN, Phase.ACKNOWLEDGED)
MANY_TIMES, LONG = 10, timedelta(seconds=10)
"""Something shown this often, over this time, cannot come from a lagging replica."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of an incident, between two reopenings."""

    opened: datetime
    phase: Phase
    """Its current or last phase."""
    traceless: bool
    """Its record does not show that there was an earlier generation."""
    doubtful: bool
    """It began unconfirmed."""
    called: datetime | None
    """When it became worth an alert."""
    acknowledged: datetime | None
    over: datetime | None
    gone: bool
    """The record was deleted."""
    restated: bool
    """Better Stack used another word for its status, so its record may not look like a new beginning."""
    shown: Mapping[Phase, Showing]
    """What the client was shown of it, except old news."""
    late: bool = False
    """Its acknowledgement was shown after the next generation, so it may count as old news."""
    obscure: bool = False
    """It began without a trace after one whose end was not shown, so its end may be mistaken for that one's."""

    @property
    def shown_alive(self) -> bool:
        """Whether the client was shown a phase that must alert."""
        return any(phase in self.shown for phase in ALIVE)

    @property
    def shown_beyond_doubt(self) -> bool:
        """Whether the client was shown that often enough to believe it without a time in the record."""
        alive = [self.shown[phase] for phase in ALIVE if phase in self.shown]
        return sum(one.times for one in alive) >= MANY_TIMES and any(one.span >= LONG for one in alive)

    def shown_before(self, phase: Phase, other: "Generation") -> bool:
        """Whether the client was shown this one in that phase before anything of the other one."""
        first = min((showing.at for showing in other.shown.values()), default=None)
        return phase in self.shown and (first is None or self.shown[phase].at < first)

    def continued_by(self, later: "Generation") -> "Generation":
        """Both as one, for a client that cannot know of the end of this one."""
        acknowledgement_shown = Phase.ACKNOWLEDGED in self.shown
        return replace(
            later,
            opened=self.opened,
            traceless=self.traceless or not self.shown,
            obscure=self.obscure,
            doubtful=self.doubtful,
            called=self.called or later.called,
            acknowledged=self.acknowledged if acknowledgement_shown else later.acknowledged,
            shown={**later.shown, **{phase: one for phase, one in self.shown.items() if phase is not Phase.RESOLVED}},
            late=self.late or self.is_late(later),
            restated=self.restated or later.restated,
        )

    def is_late(self, later: "Generation") -> bool:
        """Whether its acknowledgement was shown, but not before the next generation."""
        return Phase.ACKNOWLEDGED in self.shown and not self.shown_before(Phase.ACKNOWLEDGED, later)


Lives = tuple[Generation, ...]


def distinguishable(history: Sequence[Happening], showings: Iterable[Showing]) -> list[Lives]:
    """Every correct split of an incident into generations, in order; the one with most generations first."""
    ways: list[Lives] = [()]
    for generation in _generations(history, list(showings)):
        ways = [longer for way in ways for longer in _followed(way, generation)]
    return ways


def _followed(way: Lives, generation: Generation) -> list[Lives]:
    if not way or not generation.traceless:
        return [(*way, generation)]
    *before, last = way
    ways: list[Lives] = []
    if Phase.RESOLVED in last.shown or Phase.ACKNOWLEDGED in last.shown:
        obscure = last.obscure or not last.shown_before(Phase.RESOLVED, generation)
        late = last.late or last.is_late(generation)
        ways.append((*before, replace(last, late=late), replace(generation, obscure=obscure)))
    if not _must_be_two(last, generation):
        ways += _followed(tuple(before), last.continued_by(generation))
    return ways


def _must_be_two(last: Generation, generation: Generation) -> bool:
    """Whether the client cannot mistake the generation for the previous one, however late it notices."""
    if last.shown_before(Phase.RESOLVED, generation) and not last.obscure:
        return True
    unlike = generation.phase is Phase.OPEN or _shown_unacknowledged(generation)
    return last.shown_before(Phase.ACKNOWLEDGED, generation) and unlike and not generation.restated


def _shown_unacknowledged(generation: Generation) -> bool:
    """Whether it was shown beyond doubt that it is not acknowledged."""
    showing = generation.shown.get(Phase.OPEN)
    return showing is not None and showing.times >= MANY_TIMES and showing.span >= LONG


def _generations(history: Sequence[Happening], showings: Sequence[Showing]) -> list[Generation]:
    lives = [list(happenings) for _, happenings in groupby(history, lambda happening: happening.generation)]
    return [_generation(happenings, _news(happenings, lives, showings)) for happenings in lives]


def _news(
    happenings: Sequence[Happening], lives: Iterable[Sequence[Happening]], showings: Iterable[Showing]
) -> dict[Phase, Showing]:
    """What was shown of a generation before its end, or a later generation that reveals it, was shown."""
    number = happenings[0].generation
    traced = {life[0].generation for life in lives if life[0].act is not Act.REOPENED_AFRESH}
    shown = list(showings)
    later = [one.at for one in shown if one.generation > number and one.generation in traced]
    end = [one.at for one in shown if one.generation == number and one.phase is Phase.RESOLVED]
    known_from = min([*later, *end], default=None)
    return {
        one.phase: one
        for one in shown
        if one.generation == number and (one.phase is Phase.RESOLVED or known_from is None or one.at < known_from)
    }


def _generation(happenings: Sequence[Happening], shown: Mapping[Phase, Showing]) -> Generation:
    return Generation(
        opened=happenings[0].at,
        phase=happenings[-1].phase,
        traceless=happenings[0].act is Act.REOPENED_AFRESH,
        doubtful=happenings[0].phase is Phase.UNCONFIRMED,
        called=_first(happenings, _calls),
        acknowledged=_first(happenings, lambda happening: happening.phase is Phase.ACKNOWLEDGED),
        over=_first(happenings, lambda happening: happening.phase is Phase.RESOLVED),
        gone=happenings[-1].act is Act.DELETED,
        restated=any(happening.act is Act.RESTATED for happening in happenings),
        shown=shown,
    )


def _calls(happening: Happening) -> bool:
    over_at_once = happening.act is Act.OPENED and happening.phase is Phase.RESOLVED
    return over_at_once or happening.phase in ALIVE


def _first(happenings: Iterable[Happening], of: Callable[[Happening], bool]) -> datetime | None:
    return next((happening.at for happening in happenings if of(happening)), None)
