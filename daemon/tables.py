"""The tables. What must always hold is a constraint here, so that no code path can break it."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from daemon.delivery import DeliveryState
from daemon.incident import Kind, Phase


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite has no such type, so it is kept without its zone, which is always UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Into the database."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Out of it."""
        return None if value is None else value.replace(tzinfo=UTC)


def _one_of(column: str, values: type[Phase] | type[Kind] | type[DeliveryState]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


class Table(DeclarativeBase):
    """What all tables share: names for constraints, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON(none_as_null=True), list[str]: JSON}  # noqa: RUF012


class IncidentRow(Table):
    """What is known of one incident; the fields are those of `Recorded`."""

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint(_one_of("phase", Phase), "phase"),
        CheckConstraint("generation >= 1", "generation"),
        Index("ix_incidents_open", "id", sqlite_where=text("phase <> 'resolved'")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str]
    generation: Mapped[int]
    phase: Mapped[str]
    told: Mapped[bool]
    status: Mapped[str]
    name: Mapped[str]
    cause: Mapped[str]
    url: Mapped[str]
    started_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    reopened_at: Mapped[datetime | None]
    gone_since: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class DeliveryRow(Table):
    """The outbox: one row for each transition, for ever unique on incident, generation and kind."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("incident_id", "generation", "kind"),
        CheckConstraint(_one_of("kind", Kind), "kind"),
        CheckConstraint(_one_of("state", DeliveryState), "state"),
        CheckConstraint("attempts >= 0", "attempts"),
        CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", "delivered_at"),
        Index("ix_deliveries_pending", "incident_id", "id", sqlite_where=text("state = 'pending'")),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"))
    generation: Mapped[int]
    kind: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    """Why the transition was told, or why it was superseded."""
    external_id: Mapped[str]
    payload: Mapped[dict[str, Any]]
    """What is sent, byte for byte the same at each attempt."""
    refused_payload: Mapped[dict[str, Any] | None]
    """The full payload, where SIGNL4 refused it and `payload` is the minimal one."""
    attempts: Mapped[int]
    occurred_at: Mapped[datetime]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempted_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    event_id: Mapped[str | None]
    last_error: Mapped[str | None]


class ProgressRow(Table):
    """How far polling came; a single row."""

    __tablename__ = "progress"
    __table_args__ = (CheckConstraint("id = 1", "single"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    last_complete_round_at: Mapped[datetime | None]
    last_round_error: Mapped[str | None]
    token_suspect_since: Mapped[datetime | None]


class TargetRow(Table):
    """How willing SIGNL4 is to listen; the fields are those of `Target`."""

    __tablename__ = "targets"

    name: Mapped[str] = mapped_column(primary_key=True)
    hold_until: Mapped[datetime | None]
    secret_refused_since: Mapped[datetime | None]
    probe_at: Mapped[datetime | None]
    why: Mapped[str]
    other_faults: Mapped[list[str]]
    payload_faults: Mapped[list[str]]
    paced_at: Mapped[datetime | None]
