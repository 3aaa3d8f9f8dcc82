"""The tables of monitors and heartbeats. Empty unless `[monitors]` is on."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table

from daemon.model.monitor import MonitorKind
from daemon.storage.columns import NUMBER, TEXT, VALUE, Moment, one_of
from daemon.storage.schema import METADATA

MONITORS = Table(
    "monitors",
    METADATA,
    # One row per monitor or heartbeat; the columns are the fields of `MonitorState`.
    Column("kind", TEXT, primary_key=True),
    Column("id", TEXT, primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("url", TEXT, nullable=False),
    Column("team_name", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("status_since", Moment, nullable=False),
    Column("created_at", Moment),
    Column("updated_at", Moment),
    # A digest of each attribute, since what an attribute holds may be a secret.
    Column("configuration", VALUE, nullable=False),
    Column("gone_since", Moment),
    Column("deleted_at", Moment),
    Column("first_seen_at", Moment),
    CheckConstraint(one_of("kind", MonitorKind), "kind"),
)

MONITOR_CHANGES = Table(
    "monitor_changes",
    METADATA,
    # What somebody changed: the columns but the first and the last are the fields of `MonitorChange`.
    Column("number", NUMBER, primary_key=True),
    Column("kind", TEXT, nullable=False),
    Column("id", TEXT, nullable=False),
    Column("what", TEXT, nullable=False),
    Column("at", Moment, nullable=False),
    Column("detail", TEXT, nullable=False),
    # When the look that showed it was made: Better Stack may have been out of reach for long.
    Column("seen_at", Moment, nullable=False),
    ForeignKeyConstraint(["kind", "id"], ["monitors.kind", "monitors.id"]),
)
Index("ix_monitor_changes_kind", MONITOR_CHANGES.c.kind, MONITOR_CHANGES.c.id, MONITOR_CHANGES.c.at)
Index("ix_monitor_changes_seen_at", MONITOR_CHANGES.c.seen_at)

MONITOR_LOOKS = Table(
    "monitor_looks",
    METADATA,
    # How far the looks at the lists have come; a single row.
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    # When each list was last read to its end.
    Column("monitor_read_at", Moment),
    Column("heartbeat_read_at", Moment),
    Column("last_error", TEXT),
    Column("failing_since", Moment),
    CheckConstraint("id = 1", "single"),
)
