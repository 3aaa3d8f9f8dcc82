"""The first tables: incidents, the outbox of deliveries, and how far polling and delivering came."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward. There is no way back: a backup is the way back."""
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(), nullable=True),
        sa.Column("reopened_at", sa.DateTime(), nullable=True),
        sa.Column("gone_since", sa.DateTime(), nullable=True),
        sa.Column("is_alarm", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "phase IN ('unconfirmed', 'open', 'acknowledged', 'resolved')", name=op.f("ck_incidents_phase")
        ),
        sa.CheckConstraint("generation >= 1", name=op.f("ck_incidents_generation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index("ix_incidents_open", "incidents", ["id"], sqlite_where=sa.text("phase <> 'resolved'"))
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("refused_payload", sa.JSON(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.CheckConstraint("kind IN ('new', 'acknowledged', 'resolved')", name=op.f("ck_deliveries_kind")),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'superseded', 'dead')", name=op.f("ck_deliveries_state")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_deliveries_attempts")),
        sa.CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)", name=op.f("ck_deliveries_delivered_at")
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_deliveries_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("incident_id", "generation", "kind", name=op.f("uq_deliveries_incident_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_deliveries_pending", "deliveries", ["incident_id", "id"], sqlite_where=sa.text("state = 'pending'")
    )
    op.create_table(
        "progress",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last_complete_round_at", sa.DateTime(), nullable=True),
        sa.Column("last_round_error", sa.String(), nullable=True),
        sa.Column("token_suspect_since", sa.DateTime(), nullable=True),
        sa.Column("failing_since", sa.DateTime(), nullable=True),
        sa.Column("refused_rounds", sa.Integer(), nullable=False, server_default="0"),
        sa.CheckConstraint("id = 1", name=op.f("ck_progress_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progress")),
    )
    op.create_table(
        "targets",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hold_until", sa.DateTime(), nullable=True),
        sa.Column("secret_refused_since", sa.DateTime(), nullable=True),
        sa.Column("probe_at", sa.DateTime(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("other_faults", sa.JSON(), nullable=False),
        sa.Column("payload_faults", sa.JSON(), nullable=False),
        sa.Column("paced_at", sa.DateTime(), nullable=True),
        sa.Column("event_limit", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_targets")),
    )
    # The two single rows exist from the start, so that writing them is always an update.
    op.execute("INSERT INTO progress (id) VALUES (1)")
    op.execute("INSERT INTO targets (name, why, other_faults, payload_faults) VALUES ('signl4', '', '[]', '[]')")
