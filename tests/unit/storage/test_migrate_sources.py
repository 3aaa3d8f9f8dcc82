"""A database from before many accounts is carried over whole, as that of the account of [betterstack]."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.model.incident import Progress
from daemon.model.polling import Polling
from daemon.storage import queries
from daemon.storage.housekeeping import Housekeeping
from daemon.storage.incidents import Incidents
from tests.support.earlier import by_source, carried_over, contents, left_by
from tests.support.store import Store
from tests.support.values import NOW

TABLES = (
    *("incidents", "deliveries", "progress", "unreadable", "accounts", "destinations", "silences", "history"),
    *("alerts", "page_proofs", "two_way", "monitors", "monitor_changes", "monitor_looks"),
)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Of schema 0009: each state of a delivery, three teams, an alert at SIGNL4, a monitor, an unreadable record."""
    return left_by("0009", tmp_path / "before.db")


@pytest.fixture
def engine(before: Path) -> Iterator[Engine]:
    with carried_over(before) as engine:
        yield engine


def test_every_row_is_carried_over_as_it_was(before: Path, engine: Engine) -> None:
    file = Path(str(engine.url.database))
    for table in TABLES:
        found = by_source(before, table)
        assert found, table
        assert contents(file, table) == found, table


def test_the_rounds_go_on_where_they_were_as_those_of_the_only_account(engine: Engine) -> None:
    start = Store(engine).begin_round()
    assert start.progress.token_fingerprint == "0123456789abcdef"
    assert {"1", "2", "3"} <= start.tracked
    assert start.set_aside.keys() == {"9"}
    assert queries.snapshot(engine).polled == (queries.snapshot(engine),)


def test_another_account_begins_with_nothing(engine: Engine) -> None:
    Housekeeping(engine).configure_sources({"": None, "acme": timedelta(minutes=1)})
    start = Incidents(engine, "acme", {""}).begin_round()
    assert (start.tracked, start.doubted, start.set_aside) == (frozenset(), frozenset(), {})
    assert start.progress == Progress(None, None, None)
    Incidents(engine, "acme", {""}).complete_round(NOW)
    [acme] = queries.snapshot(engine).named
    assert acme == Polling("acme", interval=timedelta(minutes=1), last_complete_round_at=NOW)
