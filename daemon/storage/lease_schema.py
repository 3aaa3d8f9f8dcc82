"""The tables of the lease. They are on PostgreSQL alone, and in no migration of the other tables.

Two tables, so that a renewal waits for no writer: writers lock the row of `fence`, and a renewal changes that of
`lease`. A take-over changes both.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    insert,
    text,
)

LEASE_METADATA = MetaData(naming_convention={"ck": "ck_%(table_name)s_%(constraint_name)s", "pk": "pk_%(table_name)s"})

LEASE = Table(
    "lease",
    LEASE_METADATA,
    # Who works on the database, and until when; a single row. An empty holder: nobody, it was given back.
    Column("id", Integer, primary_key=True),
    Column("holder", String, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    # Seconds from a renewal to the expiry, as the holder has them configured.
    Column("duration", Float, nullable=False),
    # For people.
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("renewed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("id = 1", "single"),
)

FENCE = Table(
    "fence",
    LEASE_METADATA,
    # Whose writes count; a single row, changed by take-overs alone.
    Column("id", Integer, primary_key=True),
    Column("holder", String, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    CheckConstraint("id = 1", "single"),
)

STANDBYS = Table(
    "standbys",
    LEASE_METADATA,
    # The processes that would take over; each notes itself again and again. No decision depends on it.
    Column("holder", String, primary_key=True),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)


def create_lease(connection: Connection) -> None:
    """Makes the tables with their rows: a lease that nobody has had yet."""
    LEASE_METADATA.create_all(connection, checkfirst=False)
    never = text("to_timestamp(0)")
    connection.execute(
        insert(LEASE).values(
            id=1, holder="", epoch=0, expires_at=never, duration=0, host="", pid=0, version="", since=never,
            renewed_at=never,
        )
    )  # fmt: skip
    connection.execute(insert(FENCE).values(id=1, holder="", epoch=0))
