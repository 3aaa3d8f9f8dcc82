"""A silence: for a while, nobody is told of new incidents that match it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """How far a silence is. The values are shown to people and programs."""

    TO_COME = "to come"
    IN_FORCE = "in force"
    OVER = "over"
    EXPIRED = "expired"
    """Over before its time, by hand."""


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence. It never changes, but for `expired_at`. All times are aware and in UTC."""

    id: int
    """0 until it is recorded."""
    match: Mapping[str, Any]
    """What it matches, in the form of a route's `match`; or `alarm` alone, the id of an own alarm."""
    starts_at: datetime
    ends_at: datetime
    """The first moment at which it is over."""
    comment: str
    created_by: str
    created_at: datetime
    expired_at: datetime | None = None
    """When it was made to expire; `None`: it was not."""

    @property
    def alarm(self) -> str | None:
        """The id of the own alarm that it holds; no other silence holds one, whatever it matches."""
        return self.match.get("alarm")

    @property
    def reason(self) -> str:
        """Why a message is held that it holds; recorded with that, and shown to people."""
        return f"silence {self.id} ({self.comment})"

    def covers(self, begin: datetime, end: datetime) -> bool:
        """Whether it is in force from `begin` to `end`, both included."""
        over = self.ends_at if self.expired_at is None else min(self.expired_at, self.ends_at)
        return self.starts_at <= begin and end < over

    def stage(self, now: datetime) -> Stage:
        """How far it is."""
        if self.expired_at is not None:
            return Stage.EXPIRED
        if now < self.starts_at:
            return Stage.TO_COME
        return Stage.IN_FORCE if now < self.ends_at else Stage.OVER


@dataclass(frozen=True, slots=True)
class KnownSilences:
    """The silences that were not over by `since`, as they were read."""

    since: datetime
    silences: list[Silence]
