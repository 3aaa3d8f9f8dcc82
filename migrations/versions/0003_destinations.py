"""Each delivery has a destination; what SIGNL4 allows is known by account. What was there goes to `default`."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ACCOUNT = "https://connect.signl4.com"
"""Of the limit that was learned so far: SIGNL4's own address. Another one is learned from its next answer."""
KEPT = (
    "id, incident_id, generation, kind, state, reason, external_id, payload, refused_payload, attempts, occurred_at, "
    "created_at, due_at, attempted_at, delivered_at, event_id, last_error, failing_since, failing_from, failures, "
    "latest_from, latest_failures, own_fault"
)
STATE = "hold_until, secret_refused_since, probe_at, why, other_faults, payload_faults, paced_at, taken"


def upgrade() -> None:
    """Forward. There is no way back: a backup is the way back."""
    _destinations()
    _deliveries()


def _destinations() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("event_limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
    )
    op.create_table(
        "destinations",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("hold_until", sa.DateTime(), nullable=True),
        sa.Column("secret_refused_since", sa.DateTime(), nullable=True),
        sa.Column("probe_at", sa.DateTime(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("other_faults", sa.JSON(), nullable=False),
        sa.Column("payload_faults", sa.JSON(), nullable=False),
        sa.Column("paced_at", sa.DateTime(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_destinations")),
    )
    learned = "FROM targets WHERE event_limit IS NOT NULL"
    op.execute(f"INSERT INTO accounts (name, event_limit) SELECT '{ACCOUNT}', event_limit {learned}")
    account = f"CASE WHEN event_limit IS NOT NULL THEN '{ACCOUNT}' END"
    op.execute(f"INSERT INTO destinations (name, account, {STATE}) SELECT 'default', {account}, {STATE} FROM targets")
    op.drop_table("targets")


def _deliveries() -> None:
    """SQLite changes no constraint of a table that is there: a new one takes its name, its rows and its next id."""
    op.create_table(
        "deliveries_new",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
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
        sa.Column("failing_since", sa.DateTime(), nullable=True),
        sa.Column("failing_from", sa.Integer(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("latest_from", sa.Integer(), nullable=True),
        sa.Column("latest_failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("own_fault", sa.Boolean(), server_default="0", nullable=False),
        sa.CheckConstraint("kind IN ('new', 'acknowledged', 'resolved')", name=op.f("ck_deliveries_kind")),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'superseded', 'dead')", name=op.f("ck_deliveries_state")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_deliveries_attempts")),
        sa.CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)", name=op.f("ck_deliveries_delivered_at")
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_deliveries_incident_id")),
        sa.ForeignKeyConstraint(["destination"], ["destinations.name"], name=op.f("fk_deliveries_destination")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("incident_id", "generation", "kind", "destination", name=op.f("uq_deliveries_incident_id")),
        sqlite_autoincrement=True,
    )
    op.execute(f"INSERT INTO deliveries_new ({KEPT}, destination) SELECT {KEPT}, 'default' FROM deliveries")
    # An id is never given twice, not even that of a row that was pruned.
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'deliveries_new'")
    old = "SELECT 'deliveries_new', seq FROM sqlite_sequence WHERE name = 'deliveries'"
    op.execute(f"INSERT INTO sqlite_sequence (name, seq) {old}")
    op.drop_table("deliveries")
    op.rename_table("deliveries_new", "deliveries")
    op.create_index(
        "ix_deliveries_pending", "deliveries", ["incident_id", "id"], sqlite_where=sa.text("state = 'pending'")
    )
