"""`[signl4]`: the teams that are told, and the key for what people do there."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from daemon.config.types import AnotherTeam, ApiKey, ExternalId, ServiceUrl, WebhookSecret
from daemon.model.destination import DEFAULT, Destination
from daemon.model.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamSection:
    """`[signl4.teams.NAME]`: a team beside the one of `signl4.secret`."""

    secret: WebhookSecret
    account: str | None = None
    """Teams of other accounts than that of `signl4.secret` name theirs; teams of one account share its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signl4Section:
    """`[signl4]`: the destination of alerts."""

    secret: WebhookSecret
    base_url: ServiceUrl = "https://connect.signl4.com"
    external_id: ExternalId = "$INCIDENT_ID"
    api_key: ApiKey | None = None
    """Of the account of `base_url`, for what people do in SIGNL4; without it that is not looked at."""
    teams: dict[AnotherTeam, TeamSection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        owners = {self.secret: DEFAULT}
        for name, team in self.teams.items():
            if team.secret in owners:
                raise ValueError(
                    f"signl4.teams.{name}.secret is the secret of team {owners[team.secret]}, too, which would be told "
                    "twice; give each team its own, or leave one out"
                )
            owners[team.secret] = name

    def teams_of_key(self) -> list[str]:
        """Those of the account of `api_key`, which sees no other."""
        return [team.name for team, _ in self.every_team() if team.account == self.base_url]

    def every_team(self) -> Iterator[tuple[Destination, Secret]]:
        """All teams with their secrets; first `default`, that of `signl4.secret`."""
        yield Destination(DEFAULT, self.base_url), self.secret
        for name, team in self.teams.items():
            yield Destination(name, team.account or self.base_url), team.secret
