"""However many years of history there are: no statement of the flows reads them from end to end."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from daemon.model.admission import Held
from daemon.model.delivery import DestinationState, Disposition, Result
from daemon.model.destination import BETTER_STACK
from daemon.model.monitor import MonitorEvent, MonitorKind
from daemon.model.silence import Silence
from daemon.model.two_way import Finding, WriteBack
from daemon.storage import history, readings, silences, two_way_figures
from daemon.storage import outbox_statements as statements
from daemon.storage.alerts import Alerts
from daemon.storage.drift import DriftRecords
from daemon.storage.engine import transaction
from daemon.storage.monitors import MonitorRecords, changes_of
from daemon.storage.page_proofs import PageProofs
from daemon.storage.schema import METADATA
from tests.support.alerts import acknowledged
from tests.support.fakes import ACCEPTED, OUTAGE
from tests.support.monitors import change as monitor_change
from tests.support.monitors import state
from tests.support.outbox import (
    ACKNOWLEDGED,
    NEW,
    PENDING,
    RESOLVED,
    WIDE_OPEN,
    after,
    change,
    head,
    kill,
    put,
    refuse,
    tell,
)
from tests.support.outbox import DELIVERED as TAKEN
from tests.support.store import Store
from tests.support.values import NOW, ago

PARTS = {
    index.name
    for table in METADATA.sorted_tables
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}
"""Indexes of a part of the rows: those of what is open, waits or is dead."""
EVER, LONG_AGO = after(days=1000), ago(days=320).replace(tzinfo=None)
HISTORY = {"incidents", "deliveries", "history", "silences", "page_proofs", "alerts", "monitor_changes"}


def read_two_way(store: Store) -> dict[str, Any]:
    with transaction(store._engine, writes=False) as connection:
        return two_way_figures.read(connection)


def changes_of_one(store: Store) -> object:
    with transaction(store._engine, writes=False) as connection:
        return changes_of(connection, MonitorKind.MONITOR, "77")


VERBS: dict[str, Callable[[Store], object]] = {
    "begin_round": Store.begin_round,
    "known": lambda store: store.known(["1", "2"]),
    "record": lambda store: store.record([change("1", RESOLVED), change("9", NEW)], NOW),
    "complete_round": lambda store: store.complete_round(NOW),
    "fail_round": lambda store: store.fail_round("why", NOW),
    "has_work": Store.has_work,
    "look": Store.look,
    "due": lambda store: store.due(WIDE_OPEN, ("1",), 10, NOW),
    "waiting": lambda store: store.waiting(("1",)),
    "attempts_since": lambda store: store.attempts_since(ago(days=1)),
    "claim": lambda store: store.claim(head(store, "2"), NOW),
    "put_off": lambda store: store.put_off([Held(head(store, "1"), NOW, "why")], [(head(store, "2"), "why")], NOW),
    "settle": lambda store: store.settle_and_claim(
        [
            Result(head(store, "2"), answer, Disposition(state, NOW), NOW)
            for answer, state in ((ACCEPTED, TAKEN), (OUTAGE, PENDING))
        ],
        [],
        DestinationState(),
        None,
        NOW,
    ),
    "supersede_obsolete": lambda store: store.supersede_obsolete(NOW),
    "cut_waits": lambda store: store.cut_waits(timedelta(0), NOW),
    "try_secrets_again": lambda store: store.try_secrets_again(NOW),
    "forget_spans": lambda store: store.forget_spans(NOW),
    "why": lambda store: history.read(store._engine, "2", NOW),
    "why, of what is not there": lambda store: history.read(store._engine, "7", NOW),
    "prune": lambda store: store.prune(EVER),
    "alerts that are watched": lambda store: Alerts(store._engine, ["default"]).watched(),
    "alerts of one incident": lambda store: Alerts(store._engine, ["default"]).watched("1"),
    "whether any is watched": lambda store: Alerts(store._engine, ["default"]).begun_at(),
    "what is found of alerts": lambda store: Alerts(store._engine, ["default"]).record(found(), NOW),
    "what is written back no more": lambda store: store.follow_two_way((), NOW, has_key=False),
    "proofs to take up": lambda store: PageProofs(store._engine, ["default"]).take_up(ago(hours=1), timedelta(0)),
    "proofs that are due": lambda store: PageProofs(store._engine, ["default"]).due(after(hours=1), timedelta(0), 10),
    "what status says of pages and drift": read_two_way,
    "what is told and open": lambda store: DriftRecords(store._engine, ["default"]).told([]),
    "alerts about monitors that are open": lambda store: MonitorRecords(store._engine).open_alerts(),
    "incidents of monitors": lambda store: MonitorRecords(store._engine).open_incidents(["monitor 77"]),
    "whether an alert about a monitor is open": Store.any_monitor_alerts,
    "what was changed lately": lambda store: MonitorRecords(store._engine).latest(MonitorKind.MONITOR, ago(hours=1)),
    "what was changed about one": changes_of_one,
    "a look that is recorded": lambda store: MonitorRecords(store._engine).record(
        MonitorKind.MONITOR, [state()], [monitor_change(MonitorEvent.PAUSED)], NOW
    ),
    "readings": lambda store: readings.read(store._engine),
    "silences in force": lambda store: silences.count_in_force(store._engine, NOW),
    "a silence that expires": lambda store: silences.expire(store._engine, 1, NOW),
}


def found() -> list[Finding]:
    """An alert that a person acknowledged, and what follows."""
    act = WriteBack(ACKNOWLEDGED, "Jane via SIGNL4", "a reason", NOW)
    return [Finding("2", 1, "2", acknowledged("2"), "default", True, write_backs=(act,))]


@pytest.fixture
def filled(store: Store) -> Store:
    """One of each, so that no verb is content with less."""
    put(store, "0", TAKEN, NEW)
    tell(store, "1", NEW, ACKNOWLEDGED, gone_since=NOW)
    tell(store, "2", NEW)
    tell(store, "3", NEW, is_alarm=True)
    tell(store, "4", NEW)
    kill(store, "4")
    refuse(store, "1")
    store.configure(["default", BETTER_STACK])
    Alerts(store._engine, ["default"]).record(found(), NOW)
    silences.add(store._engine, Silence(0, {"name": "db-*"}, NOW, after(hours=1), "why", "ada", NOW))
    return store


ALIASES = {
    "latest",
    "earlier",
    "over",
    "previous",
    "failing",
    "ended",
    "later",
    "begun",
    "in_the_way",
    "dead",
    "told_end",
}


@pytest.mark.parametrize("verb", VERBS)
def test_no_statement_of_a_flow_reads_the_history_from_end_to_end(
    filled: Store, engine: Engine, request: pytest.FixtureRequest, verb: str
) -> None:
    said: list[tuple[str, Any]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(_c: Any, _u: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        if not statement.startswith("BEGIN"):
            said.append((statement, parameters[0] if many else parameters))

    VERBS[verb](filled)
    event.remove(engine, "before_cursor_execute", note)
    assert said
    whole = whole_of_sqlite if engine.name == "sqlite" else whole_of_postgresql
    plans = request.getfixturevalue({"sqlite": "file", "postgresql": "years"}[engine.name])
    found = [(statement, whole(plans, statement, parameters) & (HISTORY | ALIASES)) for statement, parameters in said]
    assert [(statement, tables) for statement, tables in found if tables] == []


@pytest.fixture
def file(engine: Engine) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(str(engine.url.database))) as connection:
        yield connection


def whole_of_sqlite(connection: sqlite3.Connection, statement: str, parameters: Any) -> set[str]:
    """What it reads from end to end."""
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
    return {detail.split()[1] for *_, detail in plan if " USING " not in detail}


def whole_of_postgresql(connection: Any, statement: str, parameters: Any) -> set[str]:
    """The same, where there is so much that it takes an index if it has one to take."""
    if pruned := {name: LONG_AGO for name, value in parameters.items() if value == EVER.replace(tzinfo=None)}:
        parameters = {**parameters, **pruned}  # to find what is old among little else, it would read that, too
    ((found,),) = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchall()
    return set(read_whole(found[0]["Plan"]))


def read_whole(node: dict[str, Any]) -> Iterator[str]:
    if "Relation Name" in node and node["Node Type"] != "ModifyTable":
        of_part = node.get("Index Name") in PARTS
        by_key = "Index Cond" in node or node["Node Type"] == "Bitmap Heap Scan"
        if not (of_part or by_key):
            yield node["Alias"]
    for part in node.get("Plans", ()):
        yield from read_whole(part)


def test_what_an_index_of_a_part_is_made_for_is_text_in_the_statement() -> None:
    """With a parameter SQLite prepares the statement anew each time, which takes longer than running it."""
    for statement in (statements.waiting(), statements.end_outage(), statements.any_waits()):
        assert "deliveries.state = 'pending'" in str(statement)
