"""The accounts of Better Stack that are polled: `[betterstack]`, which has no name, and each `[source.NAME]`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Annotated

from daemon.config.types import Duration, LinkUrl, ServiceUrl, TeamName, Token, spelled, within
from daemon.model.destination import DEFAULT
from daemon.model.secret import Secret

NO_TOKEN = Secret("")
TOKEN = "betterstack.token"  # noqa: S105 - its key


@dataclass(frozen=True, slots=True, kw_only=True)
class BetterStackSection:
    """`[betterstack]`: the source of incidents."""

    token: Token = NO_TOKEN
    """May be left out where there are other sources: then this one is not polled."""
    base_url: ServiceUrl = "https://uptime.betterstack.com"
    team_name: TeamName | None = None
    dashboard_url: LinkUrl | None = None

    @property
    def is_polled(self) -> bool:
        """Whether it has a token."""
        return self.token != NO_TOKEN

    @property
    def tells(self) -> str:
        """The team of SIGNL4 that is told where no route matches."""
        return DEFAULT

    @property
    def fingerprint(self) -> str:
        """A hash that identifies the token without revealing it."""
        return blake2b(self.token.reveal().encode(), digest_size=8, person=b"bs-signl4-token").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSection(BetterStackSection):
    """`[source.NAME]`: a further source."""

    token: Token
    interval: Annotated[Duration, within("1s", "1d")] | None = None
    """Default: `poll.interval`."""
    active_interval: Annotated[Duration, within("1s", "1d")] | None = None
    """Default: `poll.active_interval`, but never longer than `interval`."""
    team: str = DEFAULT

    @property
    def tells(self) -> str:
        """The team of SIGNL4 that is told where no route matches."""
        return self.team

    def pace(self, interval: timedelta, active_interval: timedelta) -> tuple[timedelta, timedelta]:
        """Its own interval and active interval. The arguments are those of `[poll]`."""
        own = self.interval or interval
        return own, self.active_interval or min(active_interval, own)


def check_sources(
    unnamed: BetterStackSection,
    named: Mapping[str, SourceSection],
    interval: timedelta,
    active_interval: timedelta,
    teams: Collection[str],
) -> None:
    """Checks what the types cannot. Raises `ValueError` with the fix. The intervals are those of `[poll]`."""
    polled = {_sees(unnamed): "betterstack"} if unnamed.is_polled else {}
    for name, section in named.items():
        here = f"source.{name}"
        if section.team not in teams:
            raise ValueError(
                f"{here}.team ({section.team!r}) is no team; take one of {', '.join(teams)}, or add "
                f"[signl4.teams.{section.team}]"
            )
        own, active = section.pace(interval, active_interval)
        if active > own:
            raise ValueError(
                f"{here}.active_interval ({spelled(active)}) is longer than its interval ({spelled(own)}); make it at "
                "most as long, or leave it out"
            )
        if (other := polled.setdefault(_sees(section), here)) != here:
            raise ValueError(
                f"{here}.token is that of [{other}], and would see the same incidents; leave one out, or give each a "
                "team_name"
            )


def _sees(section: BetterStackSection) -> tuple[str, Secret, str | None]:
    return section.base_url, section.token, section.team_name
