"""The least that a round costs on the same libraries: `floor_stack.py URL DB` makes one a second, for ever.

httpx, SQLAlchemy Core and APScheduler: one read, one page, one commit.
"""

import sys
import time
from datetime import UTC, datetime, timedelta

import httpx
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, create_engine, event, insert, select, update

TABLE = Table("progress", MetaData(), Column("id", Integer, primary_key=True), Column("at", String))
QUERY, WRITE = select(TABLE.c.at), update(TABLE)


def opened(database: str) -> Engine:
    """A database with one row."""
    engine = create_engine(f"sqlite:///{database}")

    @event.listens_for(engine, "connect")
    def set_up(connection: object, _record: object) -> None:
        for pragma in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"):
            connection.execute(pragma)  # type: ignore[attr-defined]  # a connection of sqlite3

    with engine.begin() as connection:
        TABLE.create(connection)
        connection.execute(insert(TABLE).values(id=1, at=""))
    return engine


def main(url: str, database: str) -> None:
    """A round a second."""
    engine, client = opened(database), httpx.Client()

    def round_() -> None:
        with engine.connect() as connection:
            connection.execute(QUERY).one()
        client.get(f"{url}/api/v3/incidents", params={"resolved": "false", "per_page": "50", "page": "1"}).json()
        with engine.begin() as connection:
            connection.execute(WRITE, {"at": datetime.now(UTC).isoformat()})

    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(round_, "interval", seconds=1, next_run_time=datetime.now(UTC) + timedelta(seconds=1))
    scheduler.start()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
