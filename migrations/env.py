"""Runs the migrations: on the program's own connection, or on that of Alembic's command."""

from alembic import context
from sqlalchemy import Connection, NullPool, create_engine

from daemon.storage.schema import METADATA


def migrate(connection: Connection) -> None:
    """Brings one database to the revision asked for, in one transaction."""
    context.configure(connection, target_metadata=METADATA, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    migrate(given)
else:
    url = context.config.get_main_option("sqlalchemy.url") or "sqlite:///state.db"
    with create_engine(url, poolclass=NullPool).connect() as own:
        migrate(own)
        own.commit()
