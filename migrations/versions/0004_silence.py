"""Why an incident has not alerted. What was recorded before does not say it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward. There is no way back: a backup is the way back."""
    op.add_column("incidents", sa.Column("silent_because", sa.String(), nullable=True))
