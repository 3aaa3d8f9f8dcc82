"""In which teams somebody is on duty, by what SIGNL4 says of its users. Pure."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from daemon.model.signl4 import Member

INTERVAL = timedelta(minutes=5)
"""Between two looks."""


def manned(team_ids: Mapping[str, str], members: Collection[Member]) -> dict[str, bool]:
    """Whether anybody is on duty, by team. `team_ids`: what SIGNL4 calls each team, by our name for it.

    A team that no user names is left out: then it is not known.
    """
    on_duty = frozenset[str]().union(*(member.on_duty for member in members))
    named = on_duty.union(*(member.off_duty for member in members))
    return {name: team_id in on_duty for name, team_id in team_ids.items() if team_id in named}
