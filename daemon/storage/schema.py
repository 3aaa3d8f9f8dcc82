"""The tables. Invariants are constraints here, so that no code path can break them.

Plain tables, no mapped classes: nothing needs a session, and the ORM costs 6 MB of resident memory.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
    and_,
)

from daemon.model.delivery import DeliveryState
from daemon.model.incident import Kind, Phase
from daemon.storage.columns import NUMBER, TEXT, VALUE, Moment, constant, one_of, only

METADATA = MetaData(
    # Constraint names, so that migrations can refer to them.
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
    # One row per incident; most columns are the fields of `IncidentState`.
    Column("id", TEXT, primary_key=True),
    Column("external_id", TEXT, nullable=False),
    Column("generation", NUMBER, nullable=False),
    Column("phase", TEXT, nullable=False),
    Column("told", Boolean, key="alerted", nullable=False),
    Column("status", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("cause", TEXT, nullable=False),
    Column("url", TEXT, nullable=False),
    Column("started_at", Moment),
    Column("acknowledged_at", Moment),
    Column("resolved_at", Moment),
    Column("reopened_at", Moment),
    Column("gone_since", Moment),
    Column("is_alarm", Boolean, nullable=False),
    Column("first_seen_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    # Resolutions up to the first, and acknowledgements up to the second, belong to earlier generations.
    Column("ended_until", Moment),
    Column("old_until", Moment),
    # When Better Stack's record first contradicted this row, until that is confirmed or refuted.
    Column("doubted_at", Moment),
    # Whether it counts as resolved because its record was gone.
    Column("deleted", Boolean, nullable=False, server_default="0"),
    # Why this generation has not alerted; unknown for what was recorded before schema 0004.
    Column("silent_because", TEXT),
    # Who is told of it, a `Routing`; empty: the team `default`.
    Column("routing", VALUE),
    # What raised it, where a route counts how often that opens.
    Column("source", TEXT),
    # The monitor or heartbeat that raised it, or that an own alert is about: `monitor 2345678`.
    Column("monitor", TEXT),
    # The account that tracks it, the name of a [source.NAME]; empty: that of [betterstack], and for all own alerts
    # but that a source flaps.
    Column("polled_from", TEXT, nullable=False, server_default=""),
    CheckConstraint(one_of("phase", Phase), "phase"),
    CheckConstraint("generation >= 1", "generation"),
)
Index("ix_incidents_open", INCIDENTS.c.polled_from, INCIDENTS.c.id, **only("phase <> 'resolved'"))

OPEN = and_(INCIDENTS.c.phase != constant(Phase.RESOLVED), ~INCIDENTS.c.is_alarm)
"""The incidents not recorded as resolved, without the program's own alarms."""
OPEN_FLAP = and_(INCIDENTS.c.phase != constant(Phase.RESOLVED), INCIDENTS.c.is_alarm, INCIDENTS.c.source.is_not(None))
"""The open alerts that a source flaps: own alerts, and nothing is wrong with the program."""
OF_THE_PROGRAM = and_(INCIDENTS.c.is_alarm, INCIDENTS.c.source.is_(None), INCIDENTS.c.monitor.is_(None))
"""The alarms about the program itself. That a source flaps, or that a monitor is paused, is none."""

Index("ix_incidents_changed", INCIDENTS.c.changed_at, INCIDENTS.c.id)
# PostgreSQL takes no text of any length into an index of another kind, and this one is made of what Better Stack says.
Index("ix_incidents_source", INCIDENTS.c.source, info={"using": "hash"}, **only("source IS NOT NULL"))
Index("ix_incidents_gone", INCIDENTS.c.id, **only("gone_since IS NOT NULL"))

DOUBTED = INCIDENTS.c.doubted_at.is_not(None)
Index("ix_incidents_doubted", INCIDENTS.c.id, **only("doubted_at IS NOT NULL"))

DELIVERIES = Table(
    "deliveries",
    METADATA,
    # The outbox: one row per transition and destination, unique on those.
    Column("id", NUMBER, primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False),
    Column("destination", ForeignKey("destinations.name"), nullable=False),
    Column("generation", NUMBER, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    # Why the transition happened, or why it was superseded.
    Column("reason", TEXT, nullable=False),
    Column("external_id", TEXT, nullable=False),
    # What every attempt sends; and the full payload, if SIGNL4 refused it and the minimal one replaced it.
    Column("payload", VALUE, nullable=False),
    Column("refused_payload", VALUE),
    Column("attempts", NUMBER, nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("attempted_at", Moment),
    Column("delivered_at", Moment),
    Column("event_id", TEXT),
    Column("last_error", TEXT),
    # Of the current series of failed attempts: when the first failed, how many deliveries SIGNL4 had accepted before
    # it, and how many failures no outage explains.
    Column("failing_since", Moment),
    Column("failing_from", NUMBER),
    Column("failures", NUMBER, nullable=False, server_default="0"),
    # How many deliveries SIGNL4 had accepted before the latest failed attempt, and how many failed in a row since then.
    Column("latest_from", NUMBER),
    Column("latest_failures", NUMBER, nullable=False, server_default="0"),
    # Whether it fails while others succeed: then it is tried alone, and delays no other.
    Column("own_fault", Boolean, nullable=False, server_default="0"),
    # Of a `new`: what rules are compared with, a `Subject` in JSON; read only where there are rules.
    Column("subject", TEXT),
    # Why it was held when it was last looked at; empty: it was not.
    Column("held_because", TEXT),
    # How many attempts SIGNL4 certainly did not take. Where that is fewer than all, it may have taken one.
    Column("not_taken", NUMBER, nullable=False, server_default="0"),
    UniqueConstraint("incident_id", "generation", "kind", "destination"),
    CheckConstraint(one_of("kind", Kind), "kind"),
    CheckConstraint(one_of("state", DeliveryState), "state"),
    CheckConstraint("attempts >= 0", "attempts"),
    CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", "delivered_at"),
    sqlite_autoincrement=True,
)
Index("ix_deliveries_pending", DELIVERIES.c.incident_id, DELIVERIES.c.id, **only("state = 'pending'"))
Index("ix_deliveries_dead", DELIVERIES.c.incident_id, DELIVERIES.c.id, **only("state = 'dead'"))
Index(
    "ix_deliveries_failing",
    DELIVERIES.c.destination,
    DELIVERIES.c.latest_from,
    **only("state = 'pending' AND failing_since IS NOT NULL"),
)
Index("ix_deliveries_attempted", DELIVERIES.c.attempted_at, **only("attempted_at IS NOT NULL"))

ACCOUNTS = Table(
    "accounts",
    METADATA,
    # SIGNL4's limit per account, for all its teams: events in 15 s, as it reported them.
    Column("name", TEXT, primary_key=True),
    Column("event_limit", NUMBER, nullable=False),
)

DESTINATIONS = Table(
    "destinations",
    METADATA,
    # One row per destination; most columns are the fields of `DestinationState`.
    Column("name", TEXT, primary_key=True),
    # The account of its latest delivery.
    Column("account", TEXT),
    Column("hold_until", Moment),
    Column("secret_refused_since", Moment),
    Column("probe_at", Moment),
    Column("why", TEXT, nullable=False),
    Column("other_faults", VALUE, nullable=False),
    Column("payload_faults", VALUE, nullable=False),
    Column("paced_at", Moment),
    # How many deliveries it has ever accepted; a count instead of a time, because clocks can be set.
    Column("taken", NUMBER, nullable=False, server_default="0"),
    # Whether the configuration in force has it; what waits for another one is not sent.
    Column("configured", Boolean, nullable=False, server_default="1"),
    # What SIGNL4 calls the team, and the team or integration of the secret; unknown until an event was looked up.
    Column("team_id", TEXT),
    Column("event_source", TEXT),
    # Since when nobody of the team is on duty, as far as that is asked.
    Column("off_duty_since", Moment),
)

SILENCES = Table(
    "silences",
    METADATA,
    # One row per silence; it is in force from `starts_at` to `ends_at`, or until it was made to expire.
    Column("id", NUMBER, primary_key=True),
    Column("match", VALUE, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("comment", TEXT, nullable=False),
    Column("created_by", TEXT, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expired_at", Moment),
    CheckConstraint("ends_at > starts_at", "ends_at"),
    sqlite_autoincrement=True,
)
Index("ix_silences_ends_at", SILENCES.c.ends_at)

HISTORY = Table(
    "history",
    METADATA,
    # What was decided and tried, and why: one row each, written with what it explains.
    Column("id", NUMBER, primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False),
    Column("generation", NUMBER, nullable=False),
    # The delivery that it is about, if it is about one.
    Column("delivery_id", NUMBER),
    Column("at", Moment, nullable=False),
    Column("what", TEXT, nullable=False),
    Column("why", TEXT, nullable=False),
    # How long an attempt took.
    Column("seconds", Float),
)
Index("ix_history_incident_id", HISTORY.c.incident_id)
