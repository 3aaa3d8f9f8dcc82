"""The tables. What must always hold is a constraint here, so that no code path can break it.

They are plain tables and no mapped classes: nothing here needs a session, and the ORM takes 6 MB of resident memory.
"""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    and_,
    text,
)
from sqlalchemy.engine import Dialect

from daemon.model.delivery import DeliveryState
from daemon.model.incident import Kind, Phase


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


def _one_of(column: str, values: type[StrEnum]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


METADATA = MetaData(
    # Names for constraints, so that migrations can speak of them.
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

INCIDENTS = Table(
    "incidents",
    METADATA,
    # What is known of one incident; most of the columns are the fields of `IncidentState`.
    Column("id", String, primary_key=True),
    Column("external_id", String, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("phase", String, nullable=False),
    Column("told", Boolean, key="alerted", nullable=False),
    Column("status", String, nullable=False),
    Column("name", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("url", String, nullable=False),
    Column("started_at", Moment),
    Column("acknowledged_at", Moment),
    Column("resolved_at", Moment),
    Column("reopened_at", Moment),
    Column("gone_since", Moment),
    Column("is_alarm", Boolean, nullable=False),
    Column("first_seen_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    # Ends up to the first, and acknowledgements up to the second, belong to earlier generations.
    Column("ended_until", Moment),
    Column("old_until", Moment),
    # When the record itself first contradicted what is held here, while that is unproven.
    Column("doubted_at", Moment),
    # Whether it is over because its record was gone.
    Column("deleted", Boolean, nullable=False, server_default="0"),
    CheckConstraint(_one_of("phase", Phase), "phase"),
    CheckConstraint("generation >= 1", "generation"),
)
Index("ix_incidents_open", INCIDENTS.c.id, sqlite_where=text("phase <> 'resolved'"))

OPEN = and_(INCIDENTS.c.phase != Phase.RESOLVED, ~INCIDENTS.c.is_alarm)
"""The incidents that are not known to be over; alarms of our own are none."""

DOUBTED = INCIDENTS.c.doubted_at.is_not(None)
Index("ix_incidents_doubted", INCIDENTS.c.id, sqlite_where=text("doubted_at IS NOT NULL"))

DELIVERIES = Table(
    "deliveries",
    METADATA,
    # The outbox: one row for each transition and destination, for ever unique on those.
    Column("id", Integer, primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False),
    Column("destination", ForeignKey("destinations.name"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    # Why the transition was told, or why it was superseded.
    Column("reason", String, nullable=False),
    Column("external_id", String, nullable=False),
    # What is sent, the same at each attempt; and the full payload, where SIGNL4 refused it for the minimal one.
    Column("payload", JSON, nullable=False),
    Column("refused_payload", JSON(none_as_null=True)),
    Column("attempts", Integer, nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("attempted_at", Moment),
    Column("delivered_at", Moment),
    Column("event_id", String),
    Column("last_error", String),
    # When the first of the attempts failed that failed without a success between them, how many deliveries SIGNL4 had
    # taken before that attempt, and how many attempts failed that no outage explains.
    Column("failing_since", Moment),
    Column("failing_from", Integer),
    Column("failures", Integer, nullable=False, server_default="0"),
    # How many SIGNL4 had taken before the latest attempt that failed, and how many attempts in a row failed since then.
    Column("latest_from", Integer),
    Column("latest_failures", Integer, nullable=False, server_default="0"),
    # Whether it fails while others are taken: then it is tried alone, and holds nobody up.
    Column("own_fault", Boolean, nullable=False, server_default="0"),
    UniqueConstraint("incident_id", "generation", "kind", "destination"),
    CheckConstraint(_one_of("kind", Kind), "kind"),
    CheckConstraint(_one_of("state", DeliveryState), "state"),
    CheckConstraint("attempts >= 0", "attempts"),
    CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", "delivered_at"),
    sqlite_autoincrement=True,
)
Index("ix_deliveries_pending", DELIVERIES.c.incident_id, DELIVERIES.c.id, sqlite_where=text("state = 'pending'"))

UNTROUBLED = {
    "failing_since": None,
    "failing_from": None,
    "failures": 0,
    "latest_from": None,
    "latest_failures": 0,
    "own_fault": False,
}
"""A delivery of which no failure counts any more."""

PROGRESS = Table(
    "progress",
    METADATA,
    # How far polling came; a single row.
    Column("id", Integer, primary_key=True),
    Column("last_complete_round_at", Moment),
    Column("last_round_error", String),
    Column("token_suspect_since", Moment),
    Column("failing_since", Moment),
    Column("refused_rounds", Integer, nullable=False, server_default="0"),
    # Of the token with which a known record was last read.
    Column("token_fingerprint", String),
    # Since when another token is used, with which no known record was read yet.
    Column("token_changed_at", Moment),
    # Of the list of the last complete round that was the least readable: its records, and those that could not be read.
    Column("listed_records", Integer, nullable=False, server_default="0"),
    Column("unreadable_records", Integer, nullable=False, server_default="0"),
    # How far Better Stack's clock is ahead of this machine's, by the `Date` of its answers.
    Column("ahead_seconds", Float),
    # Which command last began to poll.
    Column("duty", String),
    CheckConstraint("id = 1", "single"),
)

UNREADABLE = Table(
    "unreadable",
    METADATA,
    # The incidents whose record cannot be read; each is asked for again with a back-off of its own.
    Column("id", String, primary_key=True),
    Column("since", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("why", String, nullable=False),
)

ACCOUNTS = Table(
    "accounts",
    METADATA,
    # What SIGNL4 allows an account, whatever the team: the events in 15 s, once it has said so.
    Column("name", String, primary_key=True),
    Column("event_limit", Integer, nullable=False),
)

DESTINATIONS = Table(
    "destinations",
    METADATA,
    # How willing each is to listen; most of the columns are the fields of `DestinationState`.
    Column("name", String, primary_key=True),
    # The one it was last told under.
    Column("account", String),
    Column("hold_until", Moment),
    Column("secret_refused_since", Moment),
    Column("probe_at", Moment),
    Column("why", String, nullable=False),
    Column("other_faults", JSON, nullable=False),
    Column("payload_faults", JSON, nullable=False),
    Column("paced_at", Moment),
    # How many deliveries it took, ever; a count and no time, since clocks are set.
    Column("taken", Integer, nullable=False, server_default="0"),
)
