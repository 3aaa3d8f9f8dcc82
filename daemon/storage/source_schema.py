"""The tables of what is polled: a row for each account, and the records of it that cannot be read."""

from sqlalchemy import Boolean, CheckConstraint, Column, Float, Table

from daemon.storage.columns import NUMBER, TEXT, Moment
from daemon.storage.schema import METADATA

PROGRESS = Table(
    "progress",
    METADATA,
    # One row per source, the account of a [source.NAME]; that of [betterstack] has no name, and is always there.
    Column("source", TEXT, primary_key=True),
    # Whether the configuration in force polls it.
    Column("configured", Boolean, nullable=False, server_default="1"),
    # Between two rounds; empty: `poll.interval`.
    Column("interval_seconds", Float),
    Column("last_complete_round_at", Moment),
    Column("last_round_error", TEXT),
    Column("token_suspect_since", Moment),
    Column("failing_since", Moment),
    Column("refused_rounds", NUMBER, nullable=False, server_default="0"),
    # Of the token that last read a known record.
    Column("token_fingerprint", TEXT),
    # Since when another token is in use that has not read a known record yet.
    Column("token_changed_at", Moment),
    # Of the least readable list of the last complete round: all its records, and the unreadable ones.
    Column("listed_records", NUMBER, nullable=False, server_default="0"),
    Column("unreadable_records", NUMBER, nullable=False, server_default="0"),
    # How far Better Stack's clock is ahead of this machine's, from the `Date` header of its responses.
    Column("ahead_seconds", Float),
    # The command that last began to poll, whatever it polled: a fact of the whole database, kept in the row without
    # a name.
    Column("duty", TEXT),
    CheckConstraint("source = '' OR duty IS NULL", "duty"),
)

UNREADABLE = Table(
    "unreadable",
    METADATA,
    # The incidents whose record cannot be read; each is fetched again with a back-off of its own.
    Column("source", TEXT, primary_key=True),
    Column("id", TEXT, primary_key=True),
    Column("since", Moment, nullable=False),
    Column("attempts", NUMBER, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("why", TEXT, nullable=False),
)
