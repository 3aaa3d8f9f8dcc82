"""How the listings look: a line for each row in a pipe, a table that fits at a terminal."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from daemon.cli import render, tables
from daemon.cli.tables import DELIVERIES, INCIDENTS, MONITORS, SILENCES, Table, lines
from daemon.cli.times import Times
from tests.support.outbox import DEAD, DELIVERED, NEW, PENDING, after, put, tell
from tests.support.store import Store
from tests.support.terminal import command, on_a_screen
from tests.support.values import NOW, ago

TIMES = Times(utc=True, now=NOW)
LONG = "Checkout latency of the payment provider in Frankfurt is above five seconds"
INCIDENT: dict[str, Any] = {
    "id": "1030000001",
    "phase": "acknowledged",
    "generation": 2,
    "name": LONG,
    "polled_from": "",
    "cause": "Status 503",
    "started_at": ago(hours=23, minutes=59),
    "changed_at": ago(seconds=5),
    "told": False,
    "silent_because": "open at the first start (poll.initial is baseline)",
    "doubted_at": None,
    "gone_since": None,
}
DELIVERY: dict[str, Any] = {
    "id": 100000,
    "incident_id": "1030000001",
    "incident_name": LONG,
    "kind": "acknowledged",
    "destination": "night",
    "state": "superseded",
    "attempts": 0,
    "created_at": ago(minutes=59, seconds=59),
    "event_id": "2516066694967886699_953bcb4e-5057-4371-bb5c-26a56dc056b3",
    "reason": "the incident was resolved before this was sent",
    "held_because": None,
    "last_error": None,
}
SILENCE: dict[str, Any] = {
    "id": 17,
    "state": "in force",
    "match": 'name "Checkout*" or "Payment*", metadata.Region not "eu-central-1"',
    "starts_at": ago(hours=1),
    "ends_at": after(hours=2),
    "expired_at": None,
    "held_deliveries": 12,
    "created_by": "somebody@example.com",
    "comment": "the payment provider moves to another data centre",
}
MONITOR: dict[str, Any] = {
    "id": "2345678",
    "kind": "heartbeat",
    "name": LONG,
    "status": "maintenance",
    "status_since": ago(days=12),
    "gone_since": None,
    "deleted_at": None,
    "change": "updated: check_frequency, request_timeout, verify_ssl",
    "changed_at": ago(hours=23, minutes=59),
    "alerts": "heartbeat-2345678-maintenance heartbeat-2345678-updated",
}
LISTINGS = [(INCIDENTS, INCIDENT), (DELIVERIES, DELIVERY), (SILENCES, SILENCE), (MONITORS, MONITOR)]
KINDS = ["incidents", "deliveries", "silences", "monitors"]


# -- in a pipe --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "row"), LISTINGS, ids=KINDS)
def test_a_row_is_one_line_with_every_word_of_it(table: Table, row: dict[str, Any]) -> None:
    (text,) = lines(table, [row], TIMES)
    heading, line = text.splitlines()
    assert heading.split("  ")[0] == table.line[0].heading
    for value in row.values():
        assert isinstance(value, datetime | bool | None) or str(value) in line


def test_the_lines_are_aligned_whatever_letters_they_hold() -> None:
    names = ["Shop", "", "東京 🚨", "Café", LONG]
    (text,) = lines(DELIVERIES, [{**DELIVERY, "incident_name": name} for name in names], TIMES)
    columns = [cell_len(line.partition("acknowledged")[0]) for line in text.splitlines()[1:]]
    assert len(set(columns)) == 1
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_what_is_missing_is_a_dash_and_zero_tries_are_a_number() -> None:
    empty = {**DELIVERY, "incident_name": None, "event_id": None, "reason": ""}
    (text,) = lines(DELIVERIES, [empty], TIMES)
    assert re.split(r" {2,}", text.splitlines()[1]) == [
        "100000",
        "1030000001",
        "-",
        "acknowledged to night",
        "superseded",
        "0",
        "2026-11-23 08:30:01+00:00 (59 min 59 s ago)",
        "-",
        "-",
    ]


def test_the_error_of_what_was_delivered_in_the_end_is_history() -> None:
    for state, said in (("pending", "; HTTP 500"), ("delivered", "; before that: HTTP 500")):
        (text,) = lines(DELIVERIES, [{**DELIVERY, "state": state, "last_error": "HTTP 500"}], TIMES)
        assert text.endswith(f"{DELIVERY['reason']}{said}")


def test_what_better_stack_says_and_is_not_believed_yet_is_said() -> None:
    for changes, said in (
        ({}, "yes"),
        ({"doubted_at": NOW}, "yes; in doubt, since its record now says otherwise; later rounds decide"),
        ({"gone_since": NOW}, "yes; its record is missing; later rounds decide if it was deleted"),
    ):
        (text,) = lines(INCIDENTS, [{**INCIDENT, "told": True, "silent_because": None, **changes}], TIMES)
        assert text.endswith(f"  {said}")


def test_a_monitor_is_deleted_or_its_record_is_missing_whatever_its_status_was() -> None:
    for changes, said in (
        ({}, ["maintenance", "2026-11-11 09:30:00+00:00 (12 d 0 h ago)"]),
        ({"status": ""}, ["-", "2026-11-11 09:30:00+00:00 (12 d 0 h ago)"]),
        ({"gone_since": NOW}, ["maintenance, missing", "2026-11-11 09:30:00+00:00 (12 d 0 h ago)"]),
        ({"deleted_at": ago(seconds=3)}, ["deleted", "2026-11-23 09:29:57+00:00 (3 s ago)"]),
    ):
        (text,) = lines(MONITORS, [{**MONITOR, **changes}], TIMES)
        assert re.split(r" {2,}", text.splitlines()[1])[3:5] == said


def test_long_listings_come_in_parts_with_one_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BATCH", 2)
    parts = list(lines(DELIVERIES, [{**DELIVERY, "id": n} for n in range(5)], TIMES))
    assert [len(part.splitlines()) for part in parts] == [3, 2, 1]
    assert len({len(line) for part in parts for line in part.splitlines()[-1:]}) == 1


def test_a_narrow_window_around_a_pipe_wraps_nothing(database: Path, store: Store) -> None:
    put(store, "1", DEAD, NEW, name=LONG, cause=LONG)
    put(store, "2", PENDING, NEW, name=LONG)
    for line in ("incidents", "deliveries"):
        shown = command(database, line, COLUMNS="20").stdout.splitlines()
        assert len(shown) == 3, line
        assert all(LONG in text for text in shown[1:]), line


# -- times ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def in_kolkata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zone whose offset is no whole hour."""
    with monkeypatch.context() as there:
        there.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(("option", "clock"), [("", "15:00:00+05:30"), (" --utc", "09:30:00+00:00")])
def test_times_are_of_the_local_zone_or_utc_and_beside_them_is_the_age(
    database: Path, store: Store, in_kolkata: None, option: str, clock: str
) -> None:
    now = datetime.now(UTC)
    tell(store, "1", NEW, at=now - timedelta(hours=2, minutes=5, seconds=1), started_at=NOW)
    store.complete_round(NOW)
    shown = command(database, f"incidents{option}").stdout
    assert f"  2026-11-23 {clock} (" in shown
    assert " (2 h 5 min ago)  " in shown
    assert f"{clock[8:]} (2 h 5 min ago)  " in command(database, f"deliveries{option}").stdout
    assert f"last complete round   2026-11-23 {clock} (" in command(database, f"status{option}").stdout


def test_the_first_and_the_last_moment_of_all_are_shown_too() -> None:
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        for utc in (True, False):
            times = Times(utc, NOW)
            assert (times.whole(moment) or "").startswith(f"{moment.year:04}-")
            assert re.search("(?m)^in .|ago$", times.brief(moment) or "")
    assert (TIMES.whole(None), TIMES.brief(None)) == (None, None)


def test_what_was_recorded_while_a_listing_is_made_is_not_to_come() -> None:
    assert (TIMES.whole(NOW + timedelta(seconds=0.9)) or "").endswith("(0 s ago)")
    assert (TIMES.whole(NOW + timedelta(seconds=1)) or "").endswith("(in 1 s)")


# -- at a terminal ----------------------------------------------------------------------------------------------------


def shown(table: Table, rows: list[dict[str, Any]], width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    stream = StringIO()
    monkeypatch.setattr(render, "Console", lambda **_: Console(file=stream, width=width, highlight=False))
    render.show_table(table, rows, TIMES)
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 100, 132, 200])
@pytest.mark.parametrize(("table", "row"), LISTINGS, ids=KINDS)
def test_at_a_terminal_a_table_fits_with_whole_words(
    table: Table, row: dict[str, Any], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = shown(table, [row], width, monkeypatch)
    assert all(len(line) <= width for line in text.splitlines())
    for value in row.values():
        words = value.split() if isinstance(value, str) and value != row.get("event_id") else []
        assert [word for word in words if word not in text] == []
    assert "UTC" in text


def test_at_a_terminal_whom_it_goes_to_leaves_room_for_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "Jane Doe acknowledged"
    row = {**DELIVERY, "destination": "Better Stack", "incident_name": "Shop", "event_id": None, "reason": reason}
    text = shown(DELIVERIES, [row], 80, monkeypatch)
    assert reason in text
    assert re.search("(?m)^.* acknowledged  .*\n.* to Better Stack  ", text)


def test_on_a_narrow_terminal_no_letter_of_a_text_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "".join(chr(ord("A") + n % 26) for n in range(200))
    text = shown(INCIDENTS, [{**INCIDENT, "name": name}], 60, monkeypatch)
    assert all(len(line) <= 60 for line in text.splitlines())
    assert sum(map(text.count, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) >= 200


@pytest.mark.parametrize("text", ["[bold]no markup[/bold]", "[/]", "[link=https://x.example]", "\\[x]", ":fire: [1]"])
def test_at_a_terminal_no_text_from_outside_is_taken_for_markup(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = {**INCIDENT, "id": text, "name": text, "cause": text, "silent_because": text}
    delivery = {**DELIVERY, "incident_id": text, "incident_name": text, "reason": text, "last_error": text}
    for table, row in ((INCIDENTS, incident), (DELIVERIES, delivery)):
        assert shown(table, [row], 300, monkeypatch).count(text) == 4


@pytest.mark.parametrize("text", ["\x1b[31mred\x1b[0m", "\x1b]0;a title\x07", "a\rb\nc\td", "\x9b2J", "\u202etxt.exe"])
def test_at_a_terminal_no_text_from_outside_steers_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for table, row in LISTINGS:
        nasty = {name: text if isinstance(value, str) else value for name, value in row.items()}
        seen = shown(table, [nasty], 300, monkeypatch)
        assert not set(seen) & set("\x1b\x07\r\x9b\u202e\t")
        assert len(seen.splitlines()) <= 4
        assert "\N{REPLACEMENT CHARACTER}" in seen


def test_long_listings_come_in_several_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "BATCH", 2)
    text = shown(DELIVERIES, [{**DELIVERY, "id": 700 + n} for n in range(5)], 200, monkeypatch)
    assert [text.count(f"{700 + n} ") for n in range(5)] == [1] * 5
    assert text.count("incident, name") == 3


def test_what_stands_last_on_a_real_terminal_is_the_newest_and_that_others_are_left_out(
    database: Path, store: Store
) -> None:
    for n in range(3):
        put(store, str(n), DELIVERED, NEW, name=f"Number {n}")
    for line, narrow in (("deliveries", False), ("incidents", True)):
        shown = on_a_screen(database, f"{line} --limit 2", 60 if narrow else 80).splitlines()
        assert all(len(text) <= (60 if narrow else 80) for text in shown[:-1])
        assert shown[-1] == "these are the newest 2; 1 older one is left out, --limit 0 shows all"
        places = [next(n for n, text in enumerate(shown) if name in text) for name in ("Number 1", "Number 2")]
        assert 0 < places[0] < places[1] >= len(shown) - 4
