"""In which teams nobody is on duty, by what SIGNL4 says of its users. Pure."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from daemon.model.signl4 import Member

INTERVAL = timedelta(minutes=5)
"""Between two looks."""


def unmanned(team_ids: Mapping[str, str], members: Collection[Member]) -> frozenset[str]:
    """The teams in which nobody is on duty. `team_ids`: what SIGNL4 calls each team, by our name for it.

    A team that no user names is not among them: then it is not known.
    """
    manned = frozenset[str]().union(*(member.on_duty for member in members))
    named = manned.union(*(member.off_duty for member in members))
    return frozenset(name for name, team_id in team_ids.items() if team_id in named - manned)
