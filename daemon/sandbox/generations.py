"""The lives of one incident as a client of Better Stack can tell them apart.

Pure. A generation that began without a trace continues the one before it, unless a client was shown that one's end:
nothing in the record says that there were two.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from daemon.incident import Phase
from daemon.sandbox.history import Act, Happening, Showing


@dataclass(frozen=True, slots=True)
class Generation:
    """One life of an incident, between two reopenings."""

    opened: datetime
    phase: Phase
    """Where it stands, or where it ended."""
    traceless: bool
    """Its record does not say that there was a generation before."""
    doubtful: bool
    """It began unconfirmed."""
    called: datetime | None
    """When it became a matter for people."""
    acknowledged: datetime | None
    over: datetime | None
    gone: bool
    """The record was deleted."""
    shown: Mapping[Phase, datetime]

    @property
    def shown_alive(self) -> bool:
        """Whether a client was shown that people must be called."""
        return Phase.OPEN in self.shown or Phase.ACKNOWLEDGED in self.shown

    def continued_by(self, later: "Generation") -> "Generation":
        """Both as one, for a client that cannot have noticed the end of this one."""
        acknowledgement_shown = Phase.ACKNOWLEDGED in self.shown
        return replace(
            later,
            opened=self.opened,
            traceless=self.traceless or not self.shown,
            doubtful=self.doubtful,
            called=self.called or later.called,
            acknowledged=self.acknowledged if acknowledgement_shown else later.acknowledged,
            shown={**later.shown, **self.shown},
        )


def distinguishable(history: Sequence[Happening], showings: Iterable[Showing]) -> list[Generation]:
    """The generations of one incident, in order."""
    shown = {(showing.generation, showing.phase): showing.at for showing in showings}
    generations: list[Generation] = []
    for number, happenings in groupby(history, lambda happening: happening.generation):
        generation = _generation(list(happenings), {phase: at for (of, phase), at in shown.items() if of == number})
        while generations and generation.traceless and Phase.RESOLVED not in generations[-1].shown:
            generation = generations.pop().continued_by(generation)
        generations.append(generation)
    return generations


def _generation(happenings: Sequence[Happening], shown: Mapping[Phase, datetime]) -> Generation:
    return Generation(
        opened=happenings[0].at,
        phase=happenings[-1].phase,
        traceless=happenings[0].act is Act.REOPENED_AFRESH,
        doubtful=happenings[0].phase is Phase.UNCONFIRMED,
        called=_first(happenings, _calls),
        acknowledged=_first(happenings, lambda happening: happening.phase is Phase.ACKNOWLEDGED),
        over=_first(happenings, lambda happening: happening.phase is Phase.RESOLVED),
        gone=happenings[-1].act is Act.DELETED,
        shown=shown,
    )


def _calls(happening: Happening) -> bool:
    over_at_once = happening.act is Act.OPENED and happening.phase is Phase.RESOLVED
    return over_at_once or happening.phase in {Phase.OPEN, Phase.ACKNOWLEDGED}


def _first(happenings: Iterable[Happening], of: Callable[[Happening], bool]) -> datetime | None:
    return next((happening.at for happening in happenings if of(happening)), None)
