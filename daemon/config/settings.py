"""All settings with their defaults. The sample `config.toml` describes each; a test keeps the two in step.

Plain values: `validate` builds them from what the operator wrote, with the checks that the types name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Annotated, Any, Literal

from daemon.config.betterstack import BetterStackSection, SourceSection, check_sources
from daemon.config.checks import Before, between
from daemon.config.database import DatabaseSection, LeaseSection, check_lease
from daemon.config.maintenance import MaintenanceSection, read_maintenance
from daemon.config.metrics import MetricsSection
from daemon.config.monitors import MonitorsSection
from daemon.config.routes import RouteSection, check_rules
from daemon.config.signl4 import Signl4Section, TeamSection
from daemon.config.two_way import DutySection, WriteBackSection
from daemon.config.types import (
    Duration,
    ExistingFile,
    HeartbeatUrl,
    Lowercase,
    ProxyUrl,
    SourceName,
    Template,
    spelled,
    within,
)
from daemon.model.destination import BETTER_STACK, DEFAULT
from daemon.model.incident import Kind
from daemon.model.polling import UNNAMED
from daemon.model.secret import Secret
from daemon.storage.place import passwords


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSection:
    """`[poll]`: when Better Stack is polled, and how the responses are used."""

    interval: Annotated[Duration, within("1s", "1d")] = timedelta(seconds=30)
    active_interval: Annotated[Duration, within("1s", "1d")] = timedelta(seconds=10)
    sweep_interval: Annotated[Duration, within("1s", "1d")] = timedelta(minutes=5)
    initial: Annotated[Literal["open", "baseline"], Lowercase] = "open"
    gone_after: Annotated[Duration, within("1s", "1d")] = timedelta(minutes=1)

    def __post_init__(self) -> None:
        if self.active_interval > self.interval:
            raise ValueError(
                f"poll.active_interval ({spelled(self.active_interval)}) is longer than "
                f"poll.interval ({spelled(self.interval)}); make it at most as long, or leave it out"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySection:
    """`[delivery]`: how transitions are sent to SIGNL4."""

    acknowledged: bool = True
    stale_after: Annotated[Duration, within("0s", "365d")] = timedelta(minutes=10)
    gap: Annotated[Duration, within("0s", "5m")] = timedelta(seconds=2)
    concurrency: Annotated[int, between(1, 64)] = 4
    retry_min: Annotated[Duration, within("0.1s", "1h")] = timedelta(seconds=2)
    retry_max: Annotated[Duration, within("1s", "1h")] = timedelta(minutes=5)

    def __post_init__(self) -> None:
        if self.retry_min > self.retry_max:
            raise ValueError(
                f"delivery.retry_min ({spelled(self.retry_min)}) is longer than "
                f"delivery.retry_max ({spelled(self.retry_max)}); swap them or leave one out"
            )


def _new() -> dict[str, Any]:
    return {
        "Title": "$NAME",
        "Cause": "$CAUSE",
        "URL": "$URL",
        "Started at": "$STARTED_AT",
        "Better Stack URL": "$INCIDENT_URL",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadSection:
    """`[payload]`: the JSON body for each kind of transition."""

    new: Template = field(default_factory=_new)
    acknowledged: Template = field(default_factory=dict)
    resolved: Template = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSection:
    """`[alarm]`: when the program raises an alarm about itself."""

    poll_after: Annotated[Duration, within("1s", "1d")] = timedelta(minutes=5)
    team: str = DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatSection:
    """`[heartbeat]`: the watchdog URLs that are called while the program is healthy."""

    urls: list[HeartbeatUrl] = field(default_factory=list)
    interval: Annotated[Duration, within("1s", "1d")] = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSection:
    """`[log]`: what `run` and `once` write to standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Lowercase] = "info"
    format: Annotated[Literal["auto", "json"], Lowercase] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSection:
    """`[http]`: settings of all HTTP clients."""

    timeout: Annotated[Duration, within("1s", "2m")] = timedelta(seconds=15)
    proxy: ProxyUrl | None = None
    ca_file: ExistingFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration."""

    betterstack: BetterStackSection
    signl4: Signl4Section
    source: dict[SourceName, SourceSection] = field(default_factory=dict)
    poll: PollSection = field(default_factory=PollSection)
    delivery: DeliverySection = field(default_factory=DeliverySection)
    payload: PayloadSection = field(default_factory=PayloadSection)
    alarm: AlarmSection = field(default_factory=AlarmSection)
    write_back: WriteBackSection = field(default_factory=WriteBackSection)
    duty: DutySection = field(default_factory=DutySection)
    monitors: MonitorsSection = field(default_factory=MonitorsSection)
    heartbeat: HeartbeatSection = field(default_factory=HeartbeatSection)
    database: DatabaseSection = field(default_factory=DatabaseSection)
    lease: LeaseSection = field(default_factory=LeaseSection)
    log: LogSection = field(default_factory=LogSection)
    http: HttpSection = field(default_factory=HttpSection)
    metrics: MetricsSection = field(default_factory=MetricsSection)
    route: list[RouteSection] = field(default_factory=list)
    maintenance: list[Annotated[MaintenanceSection, Before(read_maintenance)]] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = [team.name for team, _ in self.signl4.every_team()]
        if self.alarm.team not in names:
            raise ValueError(
                f"alarm.team ({self.alarm.team!r}) is no team; take one of {', '.join(names)}, or add "
                f"[signl4.teams.{self.alarm.team}]"
            )
        check_lease(self.database, self.lease, self.http.timeout)
        check_sources(self.betterstack, self.source, self.poll.interval, self.poll.active_interval, names)
        check_rules(self.route, self.maintenance, names)
        if self.monitors.kinds and not self.betterstack.is_polled:
            raise ValueError(
                "[monitors] looks at the account of [betterstack], which has no token; give betterstack.token, or set "
                "monitors.enabled and monitors.heartbeats to false"
            )

    def of(self, polled_from: str) -> "Settings":
        """The same as it holds for one account: that is `betterstack`, and polled as `poll` says."""
        if polled_from == UNNAMED:
            return self
        section = self.source[polled_from]
        interval, active_interval = section.pace(self.poll.interval, self.poll.active_interval)
        poll = replace(self.poll, interval=interval, active_interval=active_interval)
        return replace(self, betterstack=section, poll=poll, source={})

    @property
    def polled(self) -> Mapping[str, timedelta | None]:
        """Each account by its name, with the interval of its own if it has one."""
        unnamed = {UNNAMED: None} if self.betterstack.is_polled else {}
        return unnamed | {name: section.interval for name, section in self.source.items()}

    @property
    def tells_acknowledged(self) -> bool:
        """Whether any team may be told of acknowledgements."""
        return self.delivery.acknowledged or any(route.acknowledged for route in self.route)

    @property
    def written_back(self) -> frozenset[Kind]:
        """What people do in SIGNL4 that is done in Better Stack, too."""
        return frozenset() if self.signl4.api_key is None else self.write_back.kinds

    @property
    def destinations(self) -> tuple[str, ...]:
        """Whom deliveries may be for: every team, and Better Stack if anything is written back."""
        teams = (team.name for team, _ in self.signl4.every_team())
        return (*teams, *((BETTER_STACK,) if self.written_back else ()))

    def secrets(self) -> tuple[str, ...]:
        """The secrets, to be redacted everywhere except in requests to their own service."""
        teams = (secret for _, secret in self.signl4.every_team())
        tokens = (section.token for section in (self.betterstack, *self.source.values()) if section.is_polled)
        held = (*tokens, self.signl4.api_key, *teams, self.http.proxy, *self.heartbeat.urls)
        return (*(secret.reveal() for secret in held if secret is not None), *passwords(self.database.url))


SECTIONS: dict[str, type] = {
    section.name: section.type for section in fields(Settings) if isinstance(section.type, type)
}
KEYS: dict[str, Any] = {f"{section}.{key.name}": key for section, kind in SECTIONS.items() for key in fields(kind)}
"""Each key's field, by its name as in `poll.interval`."""


RULES = ("route", "maintenance")
"""The keys whose values are lists of tables."""
DATABASE_URL = "database.url"
"""The key whose value may hold a password."""
TEAMS, SOURCES = "signl4.teams", "source"
NAMED: Mapping[str, type] = {TEAMS: TeamSection, SOURCES: SourceSection}
"""The keys whose values are tables of named tables, and what each of these is."""


def named_in(key: str) -> str | None:
    """Which of `NAMED` the key of a named table or in one belongs to; `None` if it is another key."""
    return next((place for place in NAMED if key.startswith(f"{place}.")), None)


def is_off(key: str, value: object) -> bool:
    """Whether a key that has a default was switched off, which is something else than not given."""
    return value is None and key in KEYS and KEYS[key].default is not None


def is_secret(key: str) -> bool:
    """Whether the values of a key must not be shown. What stands in place of a team or a source may be its secret."""
    if key.startswith(TEAMS):
        return not key.endswith(".account")
    if key == SOURCES or named_in(key) == SOURCES:
        return key.count(".") < 2 or key.endswith(".token")
    return key in KEYS and Secret.__name__ in str(KEYS[key].type)


def holds_secret(key: str, value: object) -> bool:
    """Whether this value of a key must not be shown, or not whole."""
    return is_secret(key) or (key == DATABASE_URL and bool(passwords(str(value))))
