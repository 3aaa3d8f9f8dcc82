"""`status`, `incidents` and `deliveries`: names that programs rely on, and texts that are harmless to a terminal."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.decisions.poll_health import NO_DAEMON
from daemon.model.delivery import DeliveryState, DestinationState, Disposition, Scope, TryLater
from daemon.model.incident import Phase
from daemon.storage.two_way import TwoWayProgress
from tests.support.outbox import (
    ACKNOWLEDGED,
    DEAD,
    DELIVERED,
    NEW,
    PENDING,
    RESOLVED,
    SUPERSEDED,
    deliver,
    head,
    payload,
    put,
    settle,
    tell,
)
from tests.support.store import Store
from tests.support.terminal import command


def now() -> datetime:
    return datetime.now(UTC)


def parsed(database: Path, line: str, code: int = 0) -> Any:
    said = command(database, line)
    assert (said.exit_code, said.stderr) == (code, "")
    return json.loads(said.stdout)


# -- status -----------------------------------------------------------------------------------------------------------


def no_round(store: Store) -> None:
    pass


def a_failed_first_round(store: Store) -> None:
    store.fail_round("Better Stack refuses the token", now())


def an_old_round(store: Store) -> None:
    store.complete_round(now() - timedelta(minutes=2, seconds=31))


def an_old_round_and_a_failure(store: Store) -> None:
    store.complete_round(now() - timedelta(hours=3))
    store.fail_round("503 from Better Stack", now())


def a_suspected_token(store: Store) -> None:
    store.complete_round(now())
    store.suspect_token(datetime(2026, 11, 1, 12, 30, tzinfo=UTC))


def a_refused_secret(store: Store) -> None:
    store.complete_round(now())
    tell(store, "1", NEW, at=now())
    target = DestinationState(secret_refused_since=datetime(2026, 11, 1, 12, 30, tzinfo=UTC), why="404: no such team")
    settle(store, head(store, "1"), TryLater("404", Scope.SECRET), Disposition(PENDING, now()), target=target)


def an_overdue_delivery(store: Store) -> None:
    store.complete_round(now())
    tell(store, "1", NEW, at=now() - timedelta(minutes=7))


def a_delivery_that_waits_for_long(store: Store) -> None:
    store.complete_round(now())
    tell(store, "1", NEW, at=now() - timedelta(hours=1))
    settle(store, head(store, "1"), TryLater("503", Scope.ROW), Disposition(PENDING, now() + timedelta(minutes=1)))


def two_dead(store: Store) -> None:
    store.complete_round(now())
    for incident_id in "12":
        put(store, incident_id, DEAD, RESOLVED)


PROBLEMS: list[tuple[Callable[[Store], None], list[str]]] = [
    (no_round, [f"no round was ever complete; {NO_DAEMON}"]),
    (a_failed_first_round, ["no round was ever complete (Better Stack refuses the token)"]),
    (an_old_round, [f"the last complete round was 2 min 31 s ago; {NO_DAEMON}"]),
    (an_old_round_and_a_failure, ["the last complete round was 3 h 0 min ago (503 from Better Stack)"]),
    (a_suspected_token, ["the token is suspected to be another team's since 2026-11-01 12:30 UTC"]),
    (
        a_refused_secret,
        ["SIGNL4 refuses the secret since 2026-11-01 12:30 UTC (404: no such team); nothing is dropped meanwhile"],
    ),
    (an_overdue_delivery, ["a delivery is overdue for 7 min 0 s; look at: deliveries --state pending"]),
    (a_delivery_that_waits_for_long, ["a delivery waits for 1 h 0 min; look at: deliveries --state pending"]),
    (two_dead, ["2 dead; look at: deliveries --state dead, and bring back with: retry --dead"]),
]


@pytest.mark.parametrize(("happens", "expected"), PROBLEMS, ids=[happens.__name__ for happens, _ in PROBLEMS])
def test_status_is_1_with_a_sentence_for_each_problem(
    database: Path, store: Store, happens: Callable[[Store], None], expected: list[str]
) -> None:
    happens(store)
    report = parsed(database, "status --json", code=1)
    assert report["healthy"] is False
    # A second may have gone by since.
    assert [
        sentence.replace("32 s", "31 s").replace("7 min 1 s", "7 min 0 s") for sentence in report["problems"]
    ] == expected
    shown = command(database, "status")
    assert shown.exit_code == 1
    assert shown.stdout.startswith("NOT HEALTHY\n  - ")


KEYS = {
    "healthy",
    "problems",
    "last_complete_round_at",
    "last_round_error",
    "open_incidents",
    "pending_deliveries",
    "dead_deliveries",
    "oldest_pending_seconds",
}


def test_the_looks_at_signl4_have_a_section_of_their_own(database: Path, store: Store) -> None:
    moment = now()
    store.complete_round(moment)
    TwoWayProgress(store._engine).looked(moment, moment)
    report = parsed(database, "status --json")
    assert report["two_way"] == {
        "last_look_at": report["two_way"]["last_look_at"],
        "last_error": None,
        "failing_since": None,
        "key_refused_since": None,
        "pending_write_backs": 0,
        "dead_write_backs": 0,
        "oldest_write_back_at": None,
        "refused_since": None,
        "refused_because": None,
    }
    assert datetime.fromisoformat(report["two_way"]["last_look_at"]) == moment
    _, *rest = command(database, "status").stdout.splitlines()
    assert [line[:22].strip() for line in rest[-3:]] == [
        "last look at SIGNL4",
        "last look error",
        "pending write-backs",
    ]


def test_status_is_0_and_says_healthy_where_all_is_well(database: Path, store: Store) -> None:
    moment = now()
    store.complete_round(moment)
    put(store, "1", DELIVERED, NEW)
    tell(store, "2", NEW, at=moment - timedelta(seconds=40))
    report = parsed(database, "status --json")
    assert set(report) >= KEYS
    assert 40 <= report.pop("oldest_pending_seconds") <= 50
    assert datetime.fromisoformat(report.pop("last_complete_round_at")) == moment
    assert report == {
        "queue_seconds": 0,
        "clock_ahead_seconds": None,
        "healthy": True,
        "problems": [],
        "process": None,
        "last_round_error": None,
        "open_incidents": 2,
        "pending_deliveries": 1,
        "held_deliveries": 0,
        "dead_deliveries": 0,
        "silences": 0,
        "two_way": None,
        "monitors": None,
        "sources": None,
        "unpaged_alerts": 0,
        "drift": 0,
        "standbys": None,
    }
    shown = command(database, "status")
    assert shown.exit_code == 0
    first, *rest = shown.stdout.splitlines()
    assert first == "healthy"
    assert [line[:22].strip() for line in rest] == [
        "process",
        "last complete round",
        "last round error",
        "open incidents",
        "pending deliveries",
        "dead deliveries",
    ]
    assert rest[2].endswith("none")
    assert rest[3].endswith(" 2")
    assert ", the oldest for 4" in rest[4]


@pytest.mark.parametrize(
    ("seconds", "interval", "code"), [(145, "30s", 0), (151, "30s", 1), (235, "1m", 0), (61, "0s", 78)]
)
def test_status_judges_the_last_round_by_the_interval(
    database: Path, store: Store, seconds: float, interval: str, code: int
) -> None:
    store.complete_round(now() - timedelta(seconds=seconds))
    assert command(database, "status", POLL__INTERVAL=interval).exit_code == code


def test_status_without_a_database_is_unhealthy_and_makes_none(tmp_path: Path) -> None:
    report = parsed(tmp_path / "state.db", "status --json", code=1)
    assert set(report) >= KEYS
    [missing, *others] = report["problems"]
    assert missing.startswith(f"{tmp_path}/state.db does not exist yet, so there is nothing to show; run the daemon")
    assert others == [f"no round was ever complete; {NO_DAEMON}"]
    shown = command(tmp_path / "state.db", "status")
    assert shown.exit_code == 1
    assert "last complete round   never\n" in shown.stdout
    assert list(tmp_path.iterdir()) == []


# -- incidents and deliveries -----------------------------------------------------------------------------------------


def test_deliveries_as_json_hold_at_least_what_programs_rely_on_newest_first(database: Path, store: Store) -> None:
    tell(store, "1", NEW, external_id="bs-1")
    tell(store, "2", NEW, ACKNOWLEDGED)
    deliver(store, "2", event_id="2f-e")
    put(store, "3", DEAD, RESOLVED)
    listed = parsed(database, "deliveries --json")
    assert [row["id"] for row in listed] == [4, 3, 2, 1]
    relied_on = "id incident_id kind state attempts external_id event_id last_error payload".split()
    assert [[row[key] for key in relied_on] for row in listed] == [
        [4, "3", "resolved", "dead", 2, "3", None, "400: a field is missing", {"Title": "Better Stack incident"}],
        [3, "2", "acknowledged", "pending", 0, "2", None, None, payload("2", ACKNOWLEDGED)],
        [2, "2", "new", "delivered", 1, "2", "2f-e", None, payload("2", NEW)],
        [1, "1", "new", "pending", 0, "bs-1", None, None, payload("1", NEW)],
    ]
    assert datetime.fromisoformat(listed[0]["created_at"]).utcoffset() == timedelta(0)


@pytest.mark.parametrize("state", DeliveryState)
def test_deliveries_of_one_state_are_asked_for_by_its_name(database: Path, store: Store, state: DeliveryState) -> None:
    for each in (PENDING, DELIVERED, SUPERSEDED, DEAD):
        put(store, f"the {each} one", each, NEW)
    (row,) = parsed(database, f"deliveries --state {state} --json")
    assert (row["state"], row["incident_id"]) == (state, f"the {state} one")
    shown = command(database, f"deliveries --state {state}").stdout
    assert [other for other in DeliveryState if f" {other} " in shown] == [state]


def test_incidents_as_json_are_all_that_is_known_the_latest_to_change_first(database: Path, store: Store) -> None:
    for n, phase in enumerate(Phase):
        tell(store, str(phase), phase=phase, at=now() + timedelta(seconds=n), alerted=False)
    assert [row["id"] for row in parsed(database, "incidents --json")] == [str(phase) for phase in reversed(Phase)]
    listed = parsed(database, "incidents --open --json")
    assert [row["phase"] for row in listed] == ["acknowledged", "open", "unconfirmed"]
    keys = {"id", "external_id", "phase", "generation", "name", "cause", "url", "started_at", "told", "silent_because"}
    assert keys <= set(listed[0])


NASTY = [
    ("\x1b[31mred\x1b[0m", "\x1b"),
    ("\x1b]0;a title\x07", "\x07"),
    ("a\rb\nc\td", "\r"),
    ("\x9b2J", "\x9b"),
    ("NUL \x00", "\x00"),
    ("\u202etxt.exe", "\u202e"),
    ("\x08\x08\x08", "\x08"),
]


@pytest.mark.parametrize(("text", "harm"), NASTY, ids=range(len(NASTY)))
def test_no_text_from_outside_steers_the_terminal(database: Path, store: Store, text: str, harm: str) -> None:
    tell(store, f"1{text}", NEW, name=text, cause=text)
    settle(store, head(store, f"1{text}"), TryLater(text, Scope.ROW), Disposition(PENDING, now()))
    deliver(store, f"1{text}", event_id=f"e{text}")
    store.fail_round(text, now())
    for line in ("incidents", "deliveries", "status"):
        shown = command(database, line, COLUMNS="500")
        assert shown.exception is None or isinstance(shown.exception, SystemExit)
        assert harm not in shown.stdout
        assert "�" in shown.stdout
        assert len(shown.stdout.splitlines()) <= 8


@pytest.mark.parametrize(
    "text", ["[bold]no markup[/bold]", "[/]", "[link=https://x.example]", "\\[x]", ":fire: [1]", "{} %s"]
)
def test_no_text_from_outside_is_taken_for_markup(database: Path, store: Store, text: str) -> None:
    tell(store, text, NEW, name=text, cause=text)
    settle(store, head(store, text), TryLater(text, Scope.ROW), Disposition(PENDING, now()))
    store.fail_round(text, now())
    for line, times in (("incidents", 4), ("deliveries", 3), ("status", 2)):
        shown = command(database, line, COLUMNS="500").stdout
        assert shown.count(text) == times


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
@pytest.mark.parametrize("line", ["incidents", "incidents --json", "deliveries --json", "status"])
def test_a_terminal_that_cannot_show_a_letter_gets_the_rest(
    database: Path, store: Store, line: str, encoding: str
) -> None:
    tell(store, "1", NEW, external_id="🚨 1", name="Café 🚨 down\x07")
    store.fail_round("Café 🚨", now())
    said = command(database, line, encoding=encoding, COLUMNS="200")
    assert said.stderr == ""
    assert said.exit_code == (1 if line == "status" else 0)
    assert said.exception is None or isinstance(said.exception, SystemExit)
    assert "Caf" in said.stdout
