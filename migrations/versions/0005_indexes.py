"""Indexes for what was read from end to end: with years of history that took longer than all else."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward. There is no way back: a backup is the way back."""
    op.create_index("ix_incidents_changed", "incidents", ["changed_at", "id"])
    op.create_index("ix_incidents_gone", "incidents", ["id"], sqlite_where=sa.text("gone_since IS NOT NULL"))
    op.create_index("ix_deliveries_dead", "deliveries", ["incident_id", "id"], sqlite_where=sa.text("state = 'dead'"))
    failing = sa.text("state = 'pending' AND failing_since IS NOT NULL")
    op.create_index("ix_deliveries_failing", "deliveries", ["destination", "latest_from"], sqlite_where=failing)
    attempted = sa.text("attempted_at IS NOT NULL")
    op.create_index("ix_deliveries_attempted", "deliveries", ["attempted_at"], sqlite_where=attempted)
