"""A leader that stands still in the midst of a transaction, where the guards of that transaction end nothing."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from psycopg.pq.abc import PGconn
from sqlalchemy import text

from daemon.model.errors import DatabaseBusyError, TermLostError
from daemon.storage import lease
from daemon.storage.engine import transaction
from daemon.storage.postgresql import JOBS, driver_of
from tests.support.lease import Contend, Database, until, write

LARGE = b"SELECT repeat('x', 1000) FROM generate_series(1, 100000)"
STANDS = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND wait_event IN ('ClientRead', 'ClientWrite')"
"""What the server waits for is counted by none of its timeouts in this state."""


def in_the_midst_of_several_statements(session: PGconn) -> None:
    """As an `executemany` of the driver does, which sends one after the other and says at the end that it was all."""
    session.enter_pipeline_mode()
    session.send_query_params(b"INSERT INTO incidents VALUES ($1)", [b"one of several"])
    session.send_flush_request()
    session.flush()


def in_the_midst_of_a_statement(session: PGconn) -> None:
    """A long one is sent in parts: here its text, and the first byte of its values."""
    statement = b"\0INSERT INTO incidents VALUES ('a long one')\0\0\0"
    os.write(session.socket, b"P" + (len(statement) + 4).to_bytes(4, "big") + statement + b"B")


def with_an_answer_that_it_does_not_take(session: PGconn) -> None:
    session.send_query(LARGE)
    session.flush()


@pytest.mark.parametrize(
    "stand_still",
    [in_the_midst_of_several_statements, in_the_midst_of_a_statement, with_an_answer_that_it_does_not_take],
)
def test_who_takes_over_sends_it_away(
    leased: Database, contend: Contend, stand_still: Callable[[PGconn], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    term, other = contend.lead(), contend("b")
    leased.expire()
    with pytest.raises(DatabaseBusyError), transaction(term.engine, writes=True) as connection:
        session = driver_of(connection).pgconn
        stand_still(session)
        until(lambda: leased.sql(STANDS) != [])
        with pytest.raises(DatabaseBusyError, match="lock timeout"):
            other.take_over()
        monkeypatch.setattr(lease, "JOBS", replace(JOBS, whole=0))
        assert contend.lead(other).epoch == 2
        session.finish()
    with pytest.raises(TermLostError):
        write(term.engine, "too late")
    assert leased.notes() == []


def test_who_reads_is_left_alone_however_long(
    leased: Database, contend: Contend, monkeypatch: pytest.MonkeyPatch
) -> None:
    term, other = contend.lead(), contend("b")
    leased.expire()
    monkeypatch.setattr(lease, "JOBS", replace(JOBS, whole=0))
    with transaction(term.engine, writes=False) as connection:
        assert connection.execute(text("SELECT count(*) FROM lease, fence, incidents")).scalar() == 0
        assert contend.lead(other).epoch == 2
        assert connection.execute(text("SELECT count(*) FROM incidents")).scalar() == 0
