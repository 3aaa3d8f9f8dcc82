"""Many accounts of Better Stack: which of them tracks an incident, and how far the polling of each has come."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OF_A_SOURCE = (
    "last_complete_round_at",
    "last_round_error",
    "token_suspect_since",
    "failing_since",
    "refused_rounds",
    "token_fingerprint",
    "token_changed_at",
    "listed_records",
    "unreadable_records",
    "ahead_seconds",
    "duty",
)


def upgrade() -> None:
    """Forward. There is no way back: a backup is the way back."""
    # Empty: the account of [betterstack], which was the only one.
    op.add_column("incidents", sa.Column("polled_from", sa.String(), nullable=False, server_default=""))
    op.drop_index("ix_incidents_open", "incidents")
    op.create_index(
        "ix_incidents_open", "incidents", ["polled_from", "id"], sqlite_where=sa.text("phase <> 'resolved'")
    )
    op.rename_table("progress", "progress_before")
    op.create_table(
        "progress",
        sa.Column("source", sa.String(), primary_key=True),
        sa.Column("configured", sa.Boolean(), nullable=False, server_default="1"),
        sa.Column("interval_seconds", sa.Float(), nullable=True),
        sa.Column("last_complete_round_at", sa.DateTime(), nullable=True),
        sa.Column("last_round_error", sa.String(), nullable=True),
        sa.Column("token_suspect_since", sa.DateTime(), nullable=True),
        sa.Column("failing_since", sa.DateTime(), nullable=True),
        sa.Column("refused_rounds", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("token_fingerprint", sa.String(), nullable=True),
        sa.Column("token_changed_at", sa.DateTime(), nullable=True),
        sa.Column("listed_records", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("unreadable_records", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("ahead_seconds", sa.Float(), nullable=True),
        sa.Column("duty", sa.String(), nullable=True),
        sa.CheckConstraint("source = '' OR duty IS NULL", name=op.f("ck_progress_duty")),
    )
    columns = ", ".join(OF_A_SOURCE)
    op.execute(f"INSERT INTO progress (source, {columns}) SELECT '', {columns} FROM progress_before")
    op.drop_table("progress_before")
    op.rename_table("unreadable", "unreadable_before")
    op.create_table(
        "unreadable",
        sa.Column("source", sa.String(), primary_key=True),
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
    )
    columns = "id, since, attempts, due_at, why"
    op.execute(f"INSERT INTO unreadable (source, {columns}) SELECT '', {columns} FROM unreadable_before")
    op.drop_table("unreadable_before")
