"""What is done between two rounds: here, the log of the database, which a reader may keep from being emptied."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.config.configuration import Configuration
from daemon.host.clock import SteadyClock, TheirClock
from daemon.model.admission import Held
from daemon.runtime.jobs import Jobs
from daemon.runtime.shared import Shared
from daemon.runtime.surroundings import Surroundings
from daemon.runtime.upkeep import Upkeep
from daemon.storage.engine import transaction
from tests.support.kept_log import KeptLog
from tests.support.outbox import NEW, due, head, tell
from tests.support.store import Store
from tests.support.values import settings

HELD = "the log of the database cannot be emptied"


@pytest.fixture
def noted() -> list[datetime]:
    """When the log was emptied, as others can see it."""
    return []


@pytest.fixture
def upkeep(engine: Engine, log: KeptLog, noted: list[datetime]) -> Iterator[Upkeep]:
    clock = SteadyClock()
    shared = replace(Shared(engine, Surroundings(), clock, TheirClock(clock)), note_checkpoint=noted.append)
    jobs = Jobs(Configuration(settings(), None, ()), shared, lambda _: log)
    yield Upkeep(jobs.components, shared, lambda: None)
    jobs.close()


def commit(engine: Engine, text: str) -> None:
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql("UPDATE progress SET last_round_error = ?", (text,))


def test_a_reader_that_stays_is_logged_once_and_one_that_passes_is_not(
    upkeep: Upkeep, engine: Engine, database: Path, log: KeptLog, noted: list[datetime]
) -> None:
    commit(engine, "first")
    upkeep._checkpoint()
    assert len(noted) == 1
    for stays in (1, 3, 0, 1, 2):
        with closing(sqlite3.connect(database, isolation_level=None)) as shell:
            shell.execute("BEGIN")
            shell.execute("SELECT * FROM progress").fetchall()
            for n in range(stays):
                commit(engine, f"{stays}.{n}")
                upkeep._checkpoint()
        commit(engine, str(stays))
        upkeep._checkpoint()
    assert len(log.named(HELD)) == 2, "of the two that stayed for more than one checkpoint"
    assert len(noted) == 6


def test_what_rules_held_before_is_looked_at_again_at_the_start(upkeep: Upkeep, engine: Engine) -> None:
    """They may be others now: after a restart, and after a reload, which begins with a loop of its own."""
    store, now = Store(engine), upkeep._shared.clock()
    tell(store, "1", NEW)
    store.put_off([Held(head(store, "1"), now + timedelta(minutes=9), "a rule")], [], now)
    assert due(store, now=now) == []
    upkeep.prepare(lambda: None)
    assert due(store, now=upkeep._shared.clock()) == [("1", NEW)]
    store.put_off([Held(head(store, "1"), now + timedelta(minutes=9), "a rule")], [], now)
    upkeep.prepare(lambda: None)
    assert due(store, now=upkeep._shared.clock()) == [], "only at the start"
