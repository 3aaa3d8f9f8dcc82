"""The process is killed with SIGKILL while something is under way, and started again until all is told."""

import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from daemon.due_list import MANY
from daemon.sandbox.exchange import Exchange, Request
from daemon.sandbox.faults import Hang
from daemon.sandbox.loopback import LoopbackService
from daemon.sandbox.server import Sandbox
from daemon.sandbox.signl4_rest import API_KEY
from daemon.storage.revision import REVISIONS
from daemon.storage.schema import METADATA
from tests.e2e.conftest import Daemon, Operator, pages
from tests.e2e.mortal import CLAIM, INSTANTS, MIGRATION_VARIABLE, PROGRAM, RESULT, VARIABLE, Moment
from tests.soak import SLACK_IN_DESCRIPTORS, SLACK_IN_MEMORY, Books, as_left, descriptors, harm, let_go, resident
from tests.support.earlier import left_by

WITH_KEY: dict[str, Any] = {"SIGNL4__API_KEY": API_KEY}


def run_until_killed(operator: Operator, service: LoopbackService, number: int, **settings: Any) -> Request:
    """The request of this number finds its sender dead when the service has done its work; that request."""
    running: list[Daemon] = []
    seen: list[Request] = []

    def kill(request: Request) -> None:
        seen.append(request)
        if len(seen) == number:
            running[0].kill()

    service.faults.before_answer = kill
    running.append(operator.run(**{"DELIVERY__CONCURRENCY": "1", **settings}))
    running[0].wait_for(lambda: running[0].process.returncode is not None, "the kill")
    service.faults.before_answer = None
    return seen[number - 1]


def test_promise_4_only_what_was_in_flight_at_a_kill_is_repeated_under_the_same_external_id(
    operator: Operator, sandbox: Sandbox
) -> None:
    ids = [sandbox.world.open(f"Incident {number}") for number in range(12)]
    expected = Counter(ids)
    for number in (1, 2, 4):
        request = run_until_killed(operator, sandbox.signl4, number)
        expected[request.external_id] += 1
    operator.run().wait_for(lambda: {event.external_id for event in operator.events} == set(ids), "all alerts")
    assert Counter(event.external_id for event in operator.events) == expected


def test_promise_4_with_a_key_nothing_that_was_in_flight_at_a_kill_is_repeated(
    operator: Operator, sandbox: Sandbox
) -> None:
    ids = [sandbox.world.open(f"Incident {number}") for number in range(12)]
    for number in (1, 2, 4):
        run_until_killed(operator, sandbox.signl4, number, **WITH_KEY)
    operator.run(**WITH_KEY).wait_for(
        lambda: {event.external_id for event in operator.events} == set(ids), "all alerts"
    )
    assert Counter(event.external_id for event in operator.events) == Counter(ids)
    assert len(asked_api(sandbox)) >= 3


def asked_api(sandbox: Sandbox) -> list[Exchange]:
    """The requests that SIGNL4's REST API got."""
    return [one for one in sandbox.signl4.requests if one.request.path.startswith("/api/")]


def test_promise_6_killed_while_pages_are_read_nothing_is_missed_and_nothing_is_told_twice(
    operator: Operator, sandbox: Sandbox
) -> None:
    ids = {sandbox.world.open(f"Incident {number}") for number in range(110)}
    unsure = 0
    for page in (2, 3):
        run_until_killed(operator, sandbox.betterstack, page)
        with as_left(operator.directory) as connection:
            claimed = "SELECT count(*) FROM deliveries WHERE state = 'pending' AND attempts > 0"
            unsure += connection.execute(claimed).fetchone()[0]
    operator.run().wait_for(lambda: {event.external_id for event in operator.events} == ids, "all alerts")
    times = Counter(event.external_id for event in operator.events)
    assert sum(times.values()) <= 110 + unsure, "no more than what was claimed and not recorded at the two kills"
    assert unsure <= 2 * 8, "as many as are sent at a time, and as many that were claimed ahead"


def test_promise_6_killed_at_random_moments_the_final_set_of_alerts_is_right(
    operator: Operator, sandbox: Sandbox
) -> None:
    random = Random(20261123)
    incidents = [sandbox.world.open(f"Incident {number}") for number in range(30)]
    for kills in range(6):
        moment = asked(sandbox) + random.randint(2, 12)
        daemon = operator.run()
        daemon.wait_for(lambda moment=moment: asked(sandbox) >= moment, "the moment of the kill")  # type: ignore[misc]
        daemon.kill()
        sandbox.world.resolve(incidents[kills], "Jane")
    last = operator.run()
    over, still_open = incidents[:6], incidents[6:]
    last.wait_for(lambda: all(operator.told(incident)[-1:] == ["resolved"] for incident in over), "all ends")
    last.wait_for(lambda: all(operator.told(incident) for incident in still_open), "all alerts")
    assert all(set(operator.told(incident)) == {"new"} for incident in still_open)
    for incident in over:
        heard = operator.told(incident)
        assert heard == ["new"] * heard.count("new") + ["resolved"] * heard.count("resolved")


def asked(sandbox: Sandbox) -> int:
    """How many requests both services got so far."""
    return len(sandbox.betterstack.requests) + len(sandbox.signl4.requests)


# -- at instants that only the process itself can hit -----------------------------------------------------------------

Costs = tuple[int, int]
"""Descriptors, and bytes of resident memory."""
IN_CI = {
    "at the start and in a page": [
        "before waits are cut",
        "before the first round has asked",
        "between an incident and its delivery",
        "before a page is committed",
        "after a page is committed",
        "before a round counts",
    ],
    "in a delivery": [
        "before a claim is committed",
        "between a claim and its request",
        "between an answer and its record",
        "before a result is committed",
        "after a result is committed",
    ],
}
"""The soak takes the other ones too."""


def begin_mortal(operator: Operator, moment: Moment) -> Daemon:
    """A process that will die at this moment. It makes one request to SIGNL4 at a time."""
    settings: dict[str, Any] = {VARIABLE: str(moment), "DELIVERY__CONCURRENCY": "1"}
    return operator.run(program=PROGRAM, **settings)


def see_it_dead(operator: Operator, daemon: Daemon, books: Books) -> None:
    """Waits for the end; what is left behind is whole, and the books balance."""
    daemon.wait_for(lambda: daemon.process.returncode is not None, "the death")
    assert daemon.process.returncode == -signal.SIGKILL, daemon.lines
    let_all_go(operator.sandbox)
    assert harm(operator.directory) == []
    assert books.close(killed=True) == []


def let_all_go(sandbox: Sandbox) -> None:
    for service in (sandbox.betterstack, sandbox.signl4):
        let_go(service)


def costs(daemon: Daemon) -> Costs:
    return descriptors(daemon.process.pid), resident(daemon.process.pid)


@pytest.fixture(scope="module")
def costs_at_first(tmp_path_factory: pytest.TempPathFactory, empty_database: bytes) -> Iterator[Costs]:
    """What a process costs that nothing ever happened to."""
    directory = tmp_path_factory.mktemp("peace")
    (directory / "state.db").write_bytes(empty_database)
    with Sandbox(event_limit=10**6, faulty_limit=None) as sandbox:
        operator = Operator(sandbox, directory)
        incident_id = sandbox.world.open("Shop front page")
        daemon = operator.run()
        daemon.wait_for(lambda: operator.told(incident_id) and len(pages(sandbox)) > 1, "the second round")
        yield costs(daemon)
        operator.end()


def end_in_peace(operator: Operator, ids: Sequence[str], books: Books, at_first: Costs) -> None:
    """One more process: all is told, half of it ends, and nothing is too much."""
    world, over = operator.sandbox.world, ids[::2]
    daemon = operator.run()
    daemon.wait_for(lambda: all(operator.told(incident_id) for incident_id in ids), "all alerts")
    for incident_id in over:
        world.resolve(incident_id, "Jane")
    daemon.wait_for(lambda: all(operator.told(incident_id)[-1] == "resolved" for incident_id in over), "all ends")
    assert [now <= then + slack for now, then, slack in zip(costs(daemon), at_first, SLACK, strict=True)] == [True] * 2
    assert daemon.stop(signal.SIGTERM, within=20) == 0
    let_all_go(operator.sandbox)
    assert harm(operator.directory) == []
    assert books.close(killed=False) == []
    for incident_id in ids:
        news = ["new"] * (1 + books.twice[incident_id, "new"])
        assert operator.told(incident_id) == [*news, *(["resolved"] if incident_id in over else [])]


SLACK = SLACK_IN_DESCRIPTORS, SLACK_IN_MEMORY


@pytest.mark.parametrize("names", IN_CI.values(), ids=IN_CI)
def test_promise_6_killed_at_one_instant_after_the_other_nothing_is_lost_and_only_what_was_in_flight_is_repeated(
    operator: Operator, sandbox: Sandbox, costs_at_first: Costs, names: Sequence[str]
) -> None:
    books, ids = Books(operator), list[str]()
    for name in names:
        ids += [sandbox.world.open(f"{name}, {number}") for number in (1, 2)]
        see_it_dead(operator, begin_mortal(operator, INSTANTS[name]), books)
    end_in_peace(operator, ids, books, costs_at_first)


def test_promise_6_killed_while_it_stops_nothing_is_lost(
    operator: Operator, sandbox: Sandbox, costs_at_first: Costs
) -> None:
    """The answer in flight is recorded behind the signal: before, while and after that, and while it does not come."""
    books, ids = Books(operator), list[str]()
    for moment in (Moment("statement", 1, RESULT), Moment("commit", 1, RESULT), Moment("committed", 1, RESULT)):
        ids.append(sandbox.world.open(f"Incident {moment}"))
        running: list[Daemon] = []
        sandbox.signl4.faults.before_answer = lambda _, of=running: os.kill(of[0].process.pid, signal.SIGTERM)
        running.append(begin_mortal(operator, moment))
        see_it_dead(operator, running[0], books)
    hanging = sandbox.signl4.faults.arm(Hang(taken=True))
    ids.append(sandbox.world.open("Payment service"))
    daemon = operator.run()
    daemon.wait_for(lambda: hanging.struck, "a request that hangs")
    daemon.process.send_signal(signal.SIGTERM)
    daemon.wait_for(lambda: daemon.says('"stopping"'), "the stop")
    daemon.kill()
    see_it_dead(operator, daemon, books)
    end_in_peace(operator, ids, books, costs_at_first)


IN_A_STORM = {
    "claimed ahead, and none sent": Moment("committed", 1, CLAIM),
    "claimed ahead, and some sent": Moment("committed", 3, CLAIM),
    "between answers and their common record": Moment("statement", 3, RESULT),
    "before a common record is committed": Moment("commit", 4, RESULT),
    "after a common record is committed": Moment("committed", 4, RESULT),
}


@pytest.mark.parametrize("moment", IN_A_STORM.values(), ids=IN_A_STORM)
def test_promise_6_killed_in_a_storm_nothing_is_lost_and_only_what_was_sent_and_not_recorded_is_repeated(
    operator: Operator, sandbox: Sandbox, moment: Moment
) -> None:
    books, ids = Books(operator), [sandbox.world.open(f"incident {number}") for number in range(MANY + 30)]
    settings: dict[str, Any] = {VARIABLE: str(moment)}
    see_it_dead(operator, operator.run(program=PROGRAM, **settings), books)
    sent = {event.external_id for event in operator.events}
    with as_left(operator.directory) as connection:
        rows = connection.execute("SELECT external_id, state FROM deliveries WHERE attempts > 0").fetchall()
    claimed, recorded = {one for one, _ in rows}, {one for one, state in rows if state == "delivered"}
    assert sent <= claimed, "nothing is sent without a claim"
    daemon = operator.run()
    daemon.wait_for(lambda: all(operator.told(incident_id) for incident_id in ids), "all alerts")
    assert daemon.stop(signal.SIGTERM, within=20) == 0
    let_all_go(sandbox)
    assert books.close(killed=False) == []
    twice = {incident_id for incident_id in ids if len(operator.told(incident_id)) == 2}
    assert {len(operator.told(incident_id)) for incident_id in ids} <= {1, 2}
    assert twice == sent - recorded
    assert len(twice) <= 8, "as many as are sent at a time, and as many that were claimed ahead"


DEATHS_OF_A_MIGRATION = {
    "before the first statement, between two tables and before the commit": [
        Moment("statement", 1),
        Moment("statement", 1, "CREATE TABLE accounts"),
        Moment("statement", 1, "INSERT INTO destinations"),
        Moment("commit", 1),
    ],
    "after the commit": [Moment("committed", 1)],
    "not at all, but who started it is": [Moment("orphan", 1, "CREATE TABLE accounts")],
}
DEATHS_OF_A_NEW_DATABASE = {
    "before the first statement, between two tables and before the commit": [
        Moment("statement", 1),
        Moment("statement", 1, "CREATE TABLE deliveries"),
        Moment("statement", 1, "INSERT INTO destinations"),
        Moment("commit", 1),
    ],
    "after the commit": [Moment("committed", 1)],
}


def earlier_and_empty(file: Path) -> None:
    """A database of an earlier version that has nothing to tell."""
    left_by("0002", file)
    with closing(sqlite3.connect(file)) as connection:
        for table in ("deliveries", "incidents"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE targets SET hold_until = NULL, secret_refused_since = NULL")
        connection.commit()


@pytest.mark.parametrize("moments", DEATHS_OF_A_MIGRATION.values(), ids=DEATHS_OF_A_MIGRATION)
def test_a_migration_that_is_killed_leaves_all_of_it_or_nothing_and_the_next_start_is_whole(
    operator: Operator, sandbox: Sandbox, moments: Sequence[Moment]
) -> None:
    (operator.directory / "state.db").unlink()
    earlier_and_empty(operator.directory / "state.db")
    incident_id = sandbox.world.open("Shop front page")
    for moment in moments:
        settings: dict[str, Any] = {MIGRATION_VARIABLE: str(moment)}
        killed = operator.ask("db", "upgrade", program=PROGRAM, **settings)
        assert killed.returncode == (-signal.SIGKILL if moment.what == "orphan" else 78)
        assert "Traceback" not in killed.stderr
        (operator.directory / "state.db.schema-0002.bak").unlink()
        assert harm(operator.directory) == []
        with as_left(operator.directory) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            [(revision,)] = connection.execute("SELECT version_num FROM alembic_version")
        assert ("targets" in names, "destinations" in names) == (revision == "0002", revision == REVISIONS[-1])
    assert operator.ask("once").returncode == 0
    assert operator.told(incident_id) == ["new"]
    (operator.directory / "state.db.schema-0002.bak").unlink(missing_ok=True)
    assert harm(operator.directory) == []


@pytest.mark.parametrize("moments", DEATHS_OF_A_NEW_DATABASE.values(), ids=DEATHS_OF_A_NEW_DATABASE)
def test_a_process_that_is_killed_while_it_makes_a_database_leaves_all_of_it_or_nothing(
    operator: Operator, sandbox: Sandbox, moments: Sequence[Moment]
) -> None:
    (operator.directory / "state.db").unlink()
    incident_id = sandbox.world.open("Shop front page")
    for moment in moments:
        settings: dict[str, Any] = {VARIABLE: str(moment)}
        killed = operator.ask("db", "upgrade", program=PROGRAM, **settings)
        assert killed.returncode == -signal.SIGKILL
        with as_left(operator.directory) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        assert not names or {"alembic_version", *METADATA.tables} <= names
    assert operator.ask("once").returncode == 0
    assert operator.told(incident_id) == ["new"]
    assert harm(operator.directory) == []


# -- what a killed round and a killed attempt must not have settled ----------------------------------------------------


def test_promise_5_a_round_that_was_killed_does_not_count_so_the_next_one_sweeps_from_where_the_last_whole_one_was(
    operator: Operator, sandbox: Sandbox
) -> None:
    now = datetime.now(UTC)
    incident_id = sandbox.world.open("Old certificate", started_at=now - timedelta(days=3))
    sandbox.world.resolve(incident_id, "Jane")
    last = (now - timedelta(days=4)).strftime("%Y-%m-%d %H:%M:%S.%f")
    with closing(sqlite3.connect(operator.directory / "state.db", isolation_level=None)) as connection:
        connection.execute("UPDATE progress SET last_complete_round_at = ?", [last])
    run_until_killed(operator, sandbox.betterstack, 1)
    assert operator.ask("once").returncode == 0
    assert operator.told(incident_id) == ["new", "resolved"]


def test_promise_7_killed_in_its_first_round_the_next_start_is_still_the_first_and_wakes_nobody_for_what_was_over(
    operator: Operator, sandbox: Sandbox
) -> None:
    over, still_open = sandbox.world.open("Old certificate"), sandbox.world.open("Shop front page")
    sandbox.world.resolve(over, "Jane")
    run_until_killed(operator, sandbox.betterstack, 1)
    assert operator.ask("once").returncode == 0
    assert (operator.told(over), operator.told(still_open)) == ([], ["new"])


def test_promise_7_a_new_that_signl4_took_from_a_process_that_died_is_followed_by_its_resolved(
    operator: Operator, sandbox: Sandbox
) -> None:
    """Nobody else could close that alert, so that the attempt must have been written down before it was made."""
    incident_id = sandbox.world.open("Shop front page")
    run_until_killed(operator, sandbox.signl4, 1)
    sandbox.world.resolve(incident_id, "Jane")
    assert operator.ask("once", DELIVERY__STALE_AFTER="0s").returncode == 0
    assert operator.told(incident_id) == ["new", "new", "resolved"]
