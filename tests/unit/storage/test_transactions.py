"""What is half done stays undone: whatever goes wrong inside a verb, the database is as it was before it."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, StatementError

from daemon.model.delivery import Delivered, DestinationState, Disposition, Rejected
from daemon.model.errors import DatabaseBusyError
from daemon.storage.engine import transaction
from daemon.storage.incidents import Change
from tests.support.outbox import (
    ACKNOWLEDGED,
    DELIVERED,
    NEW,
    PENDING,
    RESOLVED,
    WIDE_OPEN,
    after,
    change,
    dump,
    everything,
    head,
    impatient,
    refuse,
    settle,
    tell,
)
from tests.support.paths import ROOT
from tests.support.refused import lost
from tests.support.store import Store
from tests.support.values import NOW

GAP = timedelta(seconds=2)
HUGE = {"Title": "x" * 100_000}

WRITES: dict[str, Callable[[Store], object]] = {
    "record": lambda store: store.record([change("1", RESOLVED), change("9", NEW)], NOW),
    "complete_round": lambda store: store.complete_round(NOW),
    "fail_round": lambda store: store.fail_round("why", NOW),
    "suspect_token": lambda store: store.suspect_token(NOW),
    "forget_spans": lambda store: store.forget_spans(NOW),
    "prune": lambda store: store.prune(after(days=1000)),
    "claim": lambda store: store.claim(head(store, "1"), NOW),
    "settle": lambda store: settle(
        store, head(store, "1"), Delivered("e"), Disposition(DELIVERED, NOW), target=DestinationState(why="w")
    ),
    "supersede": lambda store: store.supersede(head(store, "1"), "why"),
    "cut_waits": lambda store: store.cut_waits(timedelta(0), NOW),
    "try_secrets_again": lambda store: store.try_secrets_again(NOW),
}
READS: dict[str, Callable[[Store], object]] = {
    "begin_round": Store.begin_round,
    "known": lambda store: store.known(["1"]),
    "has_work": Store.has_work,
    "target": Store.destination_state,
    "due": lambda store: store.due(WIDE_OPEN, (), 10, NOW),
    "waiting": lambda store: store.waiting(()),
}


@pytest.fixture
def busy(store: Store, engine: Engine) -> Engine:
    """A database in which each verb has something to write."""
    tell(store, "1", NEW, ACKNOWLEDGED, gone_since=NOW)
    tell(store, "2", NEW, at=after(hours=5))
    tell(store, "3", phase="resolved", alerted=False)
    refuse(store, "1")
    return engine


@pytest.fixture
def filled(database: Path, busy: Engine) -> Path:
    """The same, where it is a file."""
    return database


@contextmanager
def write_locked(database: Path) -> Iterator[None]:
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.parametrize("verb", WRITES)
def test_each_verb_of_writing_writes(busy: Engine, store: Store, verb: str) -> None:
    before = everything(busy)
    WRITES[verb](store)
    assert everything(busy) != before


@pytest.mark.parametrize("verb", WRITES)
def test_a_locked_database_makes_each_verb_of_writing_say_so_and_write_nothing(filled: Path, verb: str) -> None:
    before = dump(filled)
    with impatient(filled) as engine, write_locked(filled):
        with pytest.raises(DatabaseBusyError, match=r"^the database cannot be written now: database is locked$"):
            WRITES[verb](Store(engine))
        assert dump(filled) == before
    WRITES[verb](Store(engine))
    engine.dispose()


@pytest.mark.parametrize("verb", READS)
def test_reading_goes_on_while_somebody_else_writes(busy: Engine, other_engine: Engine, verb: str) -> None:
    with transaction(busy, writes=True) as connection:
        connection.exec_driver_sql("UPDATE progress SET last_round_error = 'not committed'")
        assert READS[verb](Store(other_engine)) is not None
        assert Store(other_engine).progress().last_round_error is None


@pytest.mark.parametrize("verb", READS)
def test_reading_a_broken_database_says_so(busy: Engine, store: Store, verb: str) -> None:
    with lost(busy, "deliveries", "destinations", "progress", "incidents"):
        with pytest.raises(DatabaseBusyError, match=r"^the database cannot be read now: (no such table|relation)"):
            READS[verb](store)


def broken(**changes: Any) -> Change:
    """An incident that a constraint refuses, with a transition in front of it."""
    return change("9", NEW, **changes)


def unspellable() -> Change:
    whole = change("9", NEW)
    return replace(whole, messages=(replace(whole.messages[0], payload={"Title": object()}),))


BAD_LAST: list[tuple[str, Callable[[], Change], type[Exception]]] = [
    ("an unknown phase", lambda: broken(phase="closed"), DatabaseBusyError),
    ("a generation below one", lambda: broken(generation=0), DatabaseBusyError),
    ("no name", lambda: broken(name=None), DatabaseBusyError),
    ("an unknown kind", lambda: change("9", "escalated"), DatabaseBusyError),  # type: ignore[arg-type]
    ("a payload JSON cannot say", unspellable, StatementError),
]


@pytest.mark.parametrize(("case", "bad", "error"), BAD_LAST, ids=[case for case, *_ in BAD_LAST])
def test_a_failure_at_the_last_incident_leaves_no_state_and_no_row_of_the_first(
    busy: Engine, store: Store, case: str, bad: Callable[[], Change], error: type[Exception]
) -> None:
    before = everything(busy)
    with pytest.raises(error):
        store.record([change("1", RESOLVED), change("8", NEW), bad()], NOW)
    assert everything(busy) == before
    store.record([change("1", RESOLVED), change("8", NEW)], NOW)
    assert set(store.known(["1", "8", "9"])) == {"1", "8"}


def full(store: Store) -> dict[str, Callable[[], object]]:
    """Verbs whose last words are too long for the disk."""
    delivery = head(store, "2")
    whole = change("9", NEW)
    long = replace(whole, messages=(replace(whole.messages[0], payload=HUGE),))
    disposition = Disposition(PENDING, NOW, minimal=True)
    return {
        "record": lambda: store.record([change("1", RESOLVED), change("8", NEW), long], NOW),
        "fail_round": lambda: store.fail_round("x" * 100_000, NOW),
        "settle": lambda: settle(store, delivery, Rejected("why"), disposition, minimal=HUGE),
        "settle, the target last": lambda: settle(
            store, delivery, Delivered(None), Disposition(DELIVERED, NOW), target=DestinationState(why="x" * 100_000)
        ),
    }


@pytest.mark.parametrize("verb", ["record", "fail_round", "settle", "settle, the target last"])
def test_a_full_disk_leaves_neither_state_nor_row_and_costs_nothing_once_there_is_room(filled: Path, verb: str) -> None:
    before = dump(filled)
    with ExitStack() as stack:
        store = Store(stack.enter_context(impatient(filled, "max_page_count = 1")))
        with pytest.raises(DatabaseBusyError, match=r"^the database cannot be written now: database or disk is full$"):
            full(store)[verb]()
        assert dump(filled) == before
    with impatient(filled) as engine:
        full(Store(engine))[verb]()
    assert dump(filled) != before


CONSTRAINED = [
    ("a delivery of no incident", "UPDATE deliveries SET incident_id = 'unheard of'"),
    ("an incident whose deliveries are left behind", "DELETE FROM incidents"),
    ("a second row of the same transition", "UPDATE deliveries SET kind = 'new', incident_id = '2'"),
    ("delivered at no time", "UPDATE deliveries SET state = 'delivered'"),
    ("a time of delivery without one", "UPDATE deliveries SET delivered_at = created_at"),
    ("an unknown state", "UPDATE deliveries SET state = 'sent'"),
    ("fewer attempts than none", "UPDATE deliveries SET attempts = -1"),
    ("a second row of progress", "INSERT INTO progress (source, duty) VALUES ('other', 'run')"),
    ("a payload that is missing", "UPDATE deliveries SET payload = NULL"),
]


@pytest.mark.parametrize(("case", "statement"), CONSTRAINED, ids=[case for case, _ in CONSTRAINED])
def test_no_code_path_could_break_what_must_always_hold(busy: Engine, case: str, statement: str) -> None:
    before = everything(busy)
    with pytest.raises(DatabaseBusyError) as raised, transaction(busy, writes=True) as connection:
        connection.exec_driver_sql(statement)
    assert isinstance(raised.value.__cause__, IntegrityError)
    assert everything(busy) == before


def test_an_id_of_a_delivery_is_never_used_again(store: Store) -> None:
    tell(store, "1", RESOLVED, resolved_at=NOW)
    store.supersede(head(store, "1"), "why")
    assert store.prune(after(days=1)) == 1
    tell(store, "2", NEW)
    assert head(store, "2").id == 2


KILLED = """
import os, signal, sys
from dataclasses import replace
from datetime import timedelta
from daemon.storage.engine import open_engine
from tests.support.store import Store
from tests.support.outbox import NEW, NOW, change

class Trap(dict):
    def items(self):
        os.kill(os.getpid(), signal.SIGKILL)

whole = change("2", NEW)
trapped = replace(whole, messages=(replace(whole.messages[0], payload=Trap(Title="killed while the row is spelled")),))
Store(open_engine(sys.argv[1])).record([change("1", NEW), trapped], NOW)
"""


def test_a_process_killed_between_state_and_row_leaves_neither(engine: Engine, database_url: str) -> None:
    before = everything(engine)
    killed = subprocess.run([sys.executable, "-c", KILLED, database_url], check=False, timeout=30, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert everything(engine) == before
