"""Several teams: who is told of an incident is kept with it, and which destinations the configuration has."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward. There is no way back: a backup is the way back."""
    # Empty: the team `default` is told, as before.
    op.add_column("incidents", sa.Column("routing", sa.JSON(), nullable=True))
    op.add_column("destinations", sa.Column("configured", sa.Boolean(), nullable=False, server_default="1"))
