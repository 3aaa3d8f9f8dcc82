"""The tables of what SIGNL4's REST API says. Empty where no API key is configured."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Table

from daemon.model.page_proof import PageVerdict
from daemon.model.signl4 import AlertPhase
from daemon.storage.columns import NUMBER, TEXT, VALUE, Moment, one_of, only
from daemon.storage.schema import METADATA

ALERTS = Table(
    "alerts",
    METADATA,
    # SIGNL4's alerts of our incidents, as its REST API last showed them; all times but `looked_at` are SIGNL4's.
    Column("id", TEXT, primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False),
    Column("generation", NUMBER, nullable=False),
    # The team whose message raised it; empty if that is not known.
    Column("destination", ForeignKey("destinations.name")),
    Column("event_id", TEXT),
    Column("phase", TEXT, nullable=False),
    Column("created_at", Moment),
    Column("acknowledged_at", Moment),
    # Whether a person acknowledged it, and not a message; and the name, if it is known.
    Column("acknowledged", Boolean, nullable=False),
    Column("acknowledged_by", TEXT),
    Column("closed_at", Moment),
    Column("closed_by", TEXT),
    Column("looked_at", Moment, nullable=False),
    CheckConstraint(one_of("phase", AlertPhase), "phase"),
)
Index("ix_alerts_incident_id", ALERTS.c.incident_id)

PAGE_PROOFS = Table(
    "page_proofs",
    METADATA,
    # One row for each delivered `new` that SIGNL4 is asked about: whether somebody was paged.
    Column("delivery_id", ForeignKey("deliveries.id"), primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False),
    Column("generation", NUMBER, nullable=False),
    Column("asked", NUMBER, nullable=False),
    Column("due_at", Moment, nullable=False),
    # Empty until it is settled.
    Column("verdict", TEXT),
    Column("why", TEXT, nullable=False),
    CheckConstraint(one_of("verdict", PageVerdict), "verdict"),
)
Index("ix_page_proofs_due_at", PAGE_PROOFS.c.due_at, **only("verdict IS NULL"))
Index("ix_page_proofs_incident_id", PAGE_PROOFS.c.incident_id)
Index("ix_page_proofs_unpaged", PAGE_PROOFS.c.incident_id, **only("verdict = 'not paged'"))

TWO_WAY = Table(
    "two_way",
    METADATA,
    # How far the looks at SIGNL4 have come; a single row.
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    # By SIGNL4's clock: up to when its alerts were read.
    Column("read_until", Moment),
    Column("last_look_at", Moment),
    Column("last_error", TEXT),
    Column("failing_since", Moment),
    # Since when SIGNL4 refuses the API key; empty: it does not.
    Column("key_refused_since", Moment),
    Column("duty_looked_at", Moment),
    Column("reconciled_at", Moment),
    # What does not agree: a list of `Drift`.
    Column("drift", VALUE, nullable=False),
    CheckConstraint("id = 1", "single"),
)
