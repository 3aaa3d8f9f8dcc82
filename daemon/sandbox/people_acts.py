"""What people did in SIGNL4 to the alerts of one incident, and what Better Stack should hear of it. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from daemon.model.incident import Phase
from daemon.sandbox.history import AlertChange, Happening


def acts_on(changes: Iterable[AlertChange], incident_id: str, team: str) -> tuple[AlertChange, ...]:
    """Those on alerts of this incident, in order."""
    return tuple(one for one in changes if (one.alert.external_id, one.alert.team) == (incident_id, team))


def unheard(happened: Sequence[Happening], acts: Iterable[AlertChange]) -> Iterator[str]:
    """A sentence for each of which Better Stack did not hear, although the incident was open."""
    for act in acts:
        before = [one.phase for one in happened if one.at <= act.at]
        after = [one.phase for one in happened if one.at > act.at]
        if before and before[-1] is Phase.OPEN and not {Phase.ACKNOWLEDGED, Phase.RESOLVED} & {*after}:
            yield f"{act.by} {act.alert.state} it in SIGNL4, and it is not acknowledged at Better Stack"
