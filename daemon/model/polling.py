"""What is known of the polling of one account of Better Stack."""

from dataclasses import dataclass
from datetime import datetime, timedelta

UNNAMED = ""
"""The account of `[betterstack]`; all others have the name of their `[source.NAME]`."""


@dataclass(frozen=True, slots=True)
class Polling:
    """The figures of one account, by which its health is judged."""

    polled_from: str = UNNAMED
    is_configured: bool = True
    """Whether the configuration in force polls it."""
    interval: timedelta | None = None
    """Between two rounds; `None`: `poll.interval`."""
    last_complete_round_at: datetime | None = None
    last_round_error: str | None = None
    token_suspect_since: datetime | None = None
    failing_since: datetime | None = None
    """When the first round failed since the last complete one."""
    refused_rounds: int = 0
    """How many rounds in a row the token was refused."""
    listed_records: int = 0
    """Number of records in the least readable list of the last complete round."""
    unreadable_records: int = 0
    """Number of unreadable ones among these."""
    ahead: timedelta | None = None
    """How far Better Stack's clock is ahead of the local clock; `None` if unknown."""

    @property
    def section(self) -> str:
        """Of the configuration, as `source.NAME`."""
        return section_of(self.polled_from)


def beside(name: str, polled_from: str) -> str:
    """The name of an incident for people, with that of the account that tracks it if that has one."""
    return " ".join(filter(None, (name, polled_from and f"[{polled_from}]")))


def section_of(polled_from: str) -> str:
    """The section of the configuration that gives this account."""
    return f"source.{polled_from}" if polled_from else "betterstack"
