"""Two ways: what SIGNL4's REST API says of our alerts, and what follows from it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward. There is no way back: a backup is the way back."""
    op.add_column("deliveries", sa.Column("not_taken", sa.Integer(), nullable=False, server_default="0"))
    for name, kind in (("team_id", sa.String()), ("event_source", sa.String()), ("off_duty_since", sa.DateTime())):
        op.add_column("destinations", sa.Column(name, kind, nullable=True))
    _create_alerts()
    _create_page_proofs()
    op.create_table(
        "two_way",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("read_until", sa.DateTime(), nullable=True),
        sa.Column("last_look_at", sa.DateTime(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("failing_since", sa.DateTime(), nullable=True),
        sa.Column("key_refused_since", sa.DateTime(), nullable=True),
        sa.Column("duty_looked_at", sa.DateTime(), nullable=True),
        sa.Column("reconciled_at", sa.DateTime(), nullable=True),
        sa.Column("drift", sa.JSON(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_two_way_single")),
    )
    op.execute("INSERT INTO two_way (id, drift) VALUES (1, '[]')")


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("incident_id", sa.String(), sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("destination", sa.String(), sa.ForeignKey("destinations.name"), nullable=True),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(), nullable=True),
        sa.Column("acknowledged", sa.Boolean(), nullable=False),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("looked_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("phase IN ('open', 'acknowledged', 'closed')", name=op.f("ck_alerts_phase")),
    )
    op.create_index("ix_alerts_incident_id", "alerts", ["incident_id"])


def _create_page_proofs() -> None:
    op.create_table(
        "page_proofs",
        sa.Column("delivery_id", sa.Integer(), sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("incident_id", sa.String(), sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.CheckConstraint("verdict IN ('paged', 'not paged', 'unknown')", name=op.f("ck_page_proofs_verdict")),
    )
    op.create_index("ix_page_proofs_due_at", "page_proofs", ["due_at"], sqlite_where=sa.text("verdict IS NULL"))
    op.create_index("ix_page_proofs_incident_id", "page_proofs", ["incident_id"])
    unpaged = sa.text("verdict = 'not paged'")
    op.create_index("ix_page_proofs_unpaged", "page_proofs", ["incident_id"], sqlite_where=unpaged)
