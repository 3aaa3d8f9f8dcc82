"""What orders the evidence about an incident, which records cannot be read, and which deliveries fail on their own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward. There is no way back: a backup is the way back."""
    op.add_column("incidents", sa.Column("ended_until", sa.DateTime(), nullable=True))
    op.add_column("incidents", sa.Column("old_until", sa.DateTime(), nullable=True))
    op.add_column("incidents", sa.Column("doubted_at", sa.DateTime(), nullable=True))
    op.add_column("incidents", sa.Column("deleted", sa.Boolean(), server_default="0", nullable=False))
    op.create_index("ix_incidents_doubted", "incidents", ["id"], sqlite_where=sa.text("doubted_at IS NOT NULL"))
    op.add_column("deliveries", sa.Column("failing_since", sa.DateTime(), nullable=True))
    op.add_column("deliveries", sa.Column("failing_from", sa.Integer(), nullable=True))
    op.add_column("deliveries", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column("deliveries", sa.Column("latest_from", sa.Integer(), nullable=True))
    op.add_column("deliveries", sa.Column("latest_failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column("targets", sa.Column("taken", sa.Integer(), server_default="0", nullable=False))
    op.add_column("deliveries", sa.Column("own_fault", sa.Boolean(), server_default="0", nullable=False))
    op.add_column("progress", sa.Column("token_fingerprint", sa.String(), nullable=True))
    op.add_column("progress", sa.Column("token_changed_at", sa.DateTime(), nullable=True))
    op.add_column("progress", sa.Column("listed_records", sa.Integer(), server_default="0", nullable=False))
    op.add_column("progress", sa.Column("unreadable_records", sa.Integer(), server_default="0", nullable=False))
    op.add_column("progress", sa.Column("ahead_seconds", sa.Float(), nullable=True))
    op.add_column("progress", sa.Column("duty", sa.String(), nullable=True))
    op.create_table(
        "unreadable",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unreadable")),
    )
