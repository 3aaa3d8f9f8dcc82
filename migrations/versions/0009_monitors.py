"""Monitors: what Better Stack watches, and what somebody changed about that."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward. There is no way back: a backup is the way back."""
    op.add_column("incidents", sa.Column("monitor", sa.String(), nullable=True))
    op.create_table(
        "monitors",
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("team_name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_since", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.Column("configuration", sa.JSON(), nullable=False),
        sa.Column("gone_since", sa.DateTime(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('monitor', 'heartbeat')", name=op.f("ck_monitors_kind")),
    )
    op.create_table(
        "monitor_changes",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["kind", "id"], ["monitors.kind", "monitors.id"]),
    )
    op.create_index("ix_monitor_changes_kind", "monitor_changes", ["kind", "id", "at"])
    op.create_index("ix_monitor_changes_seen_at", "monitor_changes", ["seen_at"])
    op.create_table(
        "monitor_looks",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("monitor_read_at", sa.DateTime(), nullable=True),
        sa.Column("heartbeat_read_at", sa.DateTime(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("failing_since", sa.DateTime(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_monitor_looks_single")),
    )
    op.execute("INSERT INTO monitor_looks (id) VALUES (1)")
