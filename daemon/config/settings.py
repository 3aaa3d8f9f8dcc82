"""All settings with their defaults. The sample `config.toml` describes each; a test keeps the two in step."""

from datetime import timedelta
from hashlib import blake2b
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from daemon.config.types import (
    DatabaseUrl,
    Duration,
    ExistingFile,
    ExternalId,
    HeartbeatUrl,
    LinkUrl,
    Lowercase,
    ProxyUrl,
    ServiceUrl,
    TeamName,
    Template,
    Token,
    WebhookSecret,
    duration,
    spelled,
    within,
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class BetterStackSection(_Section):
    """`[betterstack]`: the source of incidents."""

    token: Token
    base_url: ServiceUrl = "https://uptime.betterstack.com"
    team_name: TeamName | None = None
    dashboard_url: LinkUrl | None = None

    @property
    def fingerprint(self) -> str:
        """A hash that identifies the token without revealing it."""
        return blake2b(self.token.get_secret_value().encode(), digest_size=8, person=b"bs-signl4-token").hexdigest()


class Signl4Section(_Section):
    """`[signl4]`: the destination of alerts."""

    secret: WebhookSecret
    base_url: ServiceUrl = "https://connect.signl4.com"
    external_id: ExternalId = "$INCIDENT_ID"


class PollSection(_Section):
    """`[poll]`: when Better Stack is polled, and how the responses are used."""

    interval: Annotated[Duration, within("1s", "1d")] = timedelta(seconds=30)
    active_interval: Annotated[Duration, within("1s", "1d")] = timedelta(seconds=10)
    sweep_interval: Annotated[Duration, within("1s", "1d")] = timedelta(minutes=5)
    initial: Annotated[Literal["open", "baseline"], Lowercase] = "open"
    gone_after: Annotated[Duration, within("1s", "1d")] = timedelta(minutes=1)

    @model_validator(mode="before")
    @classmethod
    def _active_follows_interval(cls, data: Any) -> Any:
        """A short `interval` without an `active_interval` sets both."""
        if isinstance(data, dict) and "interval" in data and "active_interval" not in data:
            try:
                interval = duration(data["interval"])
            except ValueError:
                return data
            # An interval that is too short is reported once, not for both keys.
            return {**data, "active_interval": min(max(interval, timedelta(seconds=1)), timedelta(seconds=10))}
        return data

    @model_validator(mode="after")
    def _active_is_no_longer(self) -> "PollSection":
        if self.active_interval > self.interval:
            raise ValueError(
                f"poll.active_interval ({spelled(self.active_interval)}) is longer than "
                f"poll.interval ({spelled(self.interval)}); make it at most as long, or leave it out"
            )
        return self


class DeliverySection(_Section):
    """`[delivery]`: how transitions are sent to SIGNL4."""

    acknowledged: bool = True
    stale_after: Annotated[Duration, within("0s", "365d")] = timedelta(minutes=10)
    gap: Annotated[Duration, within("0s", "5m")] = timedelta(seconds=2)
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    retry_min: Annotated[Duration, within("0.1s", "1h")] = timedelta(seconds=2)
    retry_max: Annotated[Duration, within("1s", "1h")] = timedelta(minutes=5)

    @model_validator(mode="after")
    def _retry_range_is_a_range(self) -> "DeliverySection":
        if self.retry_min > self.retry_max:
            raise ValueError(
                f"delivery.retry_min ({spelled(self.retry_min)}) is longer than "
                f"delivery.retry_max ({spelled(self.retry_max)}); swap them or leave one out"
            )
        return self


class PayloadSection(_Section):
    """`[payload]`: the JSON body for each kind of transition."""

    new: Template = {
        "Title": "$NAME",
        "Cause": "$CAUSE",
        "URL": "$URL",
        "Started at": "$STARTED_AT",
        "Better Stack URL": "$INCIDENT_URL",
    }
    acknowledged: Template = {}
    resolved: Template = {}


class AlarmSection(_Section):
    """`[alarm]`: when the program raises an alarm about itself."""

    poll_after: Annotated[Duration, within("1s", "1d")] = timedelta(minutes=5)


class HeartbeatSection(_Section):
    """`[heartbeat]`: the watchdog URLs that are called while the program is healthy."""

    urls: list[HeartbeatUrl] = []
    interval: Annotated[Duration, within("1s", "1d")] = timedelta(minutes=1)


class DatabaseSection(_Section):
    """`[database]`: where the state is kept, and for how long."""

    url: DatabaseUrl = "sqlite:///state.db"
    retention: Annotated[Duration, within("7d", "3650d")] = timedelta(days=90)


class LogSection(_Section):
    """`[log]`: what `run` and `once` write to standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Lowercase] = "info"
    format: Annotated[Literal["auto", "json"], Lowercase] = "auto"


class HttpSection(_Section):
    """`[http]`: settings of all HTTP clients."""

    timeout: Annotated[Duration, within("1s", "2m")] = timedelta(seconds=15)
    proxy: ProxyUrl | None = None
    ca_file: ExistingFile | None = None


class Settings(BaseSettings):
    """The whole configuration. Built by `config.load`."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    betterstack: BetterStackSection
    signl4: Signl4Section
    poll: PollSection = PollSection()
    delivery: DeliverySection = DeliverySection()
    payload: PayloadSection = PayloadSection()
    alarm: AlarmSection = AlarmSection()
    heartbeat: HeartbeatSection = HeartbeatSection()
    database: DatabaseSection = DatabaseSection()
    log: LogSection = LogSection()
    http: HttpSection = HttpSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Uses only the layers that `config.load` has merged key by key.

        The library's own sources would merge a `payload.new` from the environment with that of the file instead of
        replacing it, and fail on unrelated variables such as `LOG`.
        """
        return (init_settings,)

    def secrets(self) -> tuple[str, ...]:
        """The secrets, to be redacted everywhere except in requests to their own service."""
        held = (self.betterstack.token, self.signl4.secret, self.http.proxy, *self.heartbeat.urls)
        return tuple(secret.get_secret_value() for secret in held if secret is not None)
