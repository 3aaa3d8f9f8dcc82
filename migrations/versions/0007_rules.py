"""Rules: who is told and why is kept with each message, silences, and the history of each incident."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward. There is no way back: a backup is the way back."""
    # What 0006 kept is the names of the teams.
    op.execute(
        "UPDATE incidents SET routing = json_object('recipients', json(("
        "SELECT json_group_array(json_object('team', value)) FROM json_each(routing, '$.teams')))) "
        "WHERE routing IS NOT NULL"
    )
    op.add_column("incidents", sa.Column("source", sa.String(), nullable=True))
    op.create_index("ix_incidents_source", "incidents", ["source"], sqlite_where=sa.text("source IS NOT NULL"))
    op.add_column("deliveries", sa.Column("subject", sa.String(), nullable=True))
    op.add_column("deliveries", sa.Column("held_because", sa.String(), nullable=True))
    op.create_table(
        "silences",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("match", sa.JSON(), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expired_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_silences_ends_at")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_silences_ends_at", "silences", ["ends_at"])
    op.create_table(
        "history",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("incident_id", sa.String(), sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
    )
    op.create_index("ix_history_incident_id", "history", ["incident_id"])
