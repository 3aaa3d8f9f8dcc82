"""`why` as somebody at a terminal meets it, at any width, and as programs read it."""

import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from sqlalchemy import Engine

from daemon.cli.render import BROADEST, show_story
from daemon.cli.storyline import heading, sentences
from daemon.cli.times import Times
from daemon.decisions.explain import explain
from daemon.model.history import Happening
from daemon.model.incident import Kind, Unreadable
from tests.support.each import each
from tests.support.outbox import DELIVERED, NEW, after, postpone, put, tell
from tests.support.store import Store
from tests.support.story import SEEN, entry, present, record, row
from tests.support.terminal import assert_sentence, command, on_a_screen
from tests.support.values import NOW, ago


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")


def test_the_story_is_a_line_for_each_thing_that_happened_and_ends_with_what_happens_next(
    database: Path, store: Store
) -> None:
    tell(store, "1", NEW)
    postpone(store, "1", until=after(days=36500))
    said = command(database, "why 1 --utc")
    assert (said.exit_code, said.stderr) == (0, "")
    *happened, daemon, waits, stays = said.stdout.splitlines()
    assert happened == [
        "1  Shop front page: Status 503  (open; times: UTC)",
        "11-23 09:25:00  began at Better Stack",
        "11-23 09:30:00  first seen, 5 min 0 s after it began",
        "11-23 09:30:00  new to team default: not accepted: 503 (took 0.000 s)",
    ]
    assert daemon.startswith("next:  no daemon runs; start it with systemctl start betterstack-signl4")
    assert waits.startswith("next:  new to team default waits for SIGNL4 (503); it is tried again at ")
    assert waits.endswith(" h)")
    assert stays == "next:  it is open, and its end is told at the next round that sees it"


def test_for_programs_it_is_an_object(database: Path, store: Store) -> None:
    put(store, "1", DELIVERED, NEW)
    found = json.loads(command(database, "why 1 --json").stdout)
    happened, following = found.pop("happened"), found.pop("next")
    assert found == {
        "id": "1",
        "name": "Shop front page",
        "cause": "Status 503",
        "phase": "open",
        "generation": 1,
        "external_id": "1",
        "polled_from": "",
    }
    assert happened[-1] == {
        "at": NOW.isoformat(),
        "what": "attempt",
        "text": "new to team default: accepted by SIGNL4",
        "generation": 1,
        "delivery_id": 1,
        "kind": "new",
        "team": "default",
        "seconds": 0.0,
    }
    assert [sorted(step) for step in following] == [["at", "delivery_id", "text"]] * 2


def test_an_alarm_of_the_program_has_a_story_too(database: Path, store: Store) -> None:
    tell(store, "betterstack-signl4-alarm-poll", NEW, is_alarm=True, cause="")
    said = command(database, "why betterstack-signl4-alarm-poll").stdout
    assert "it is closed as soon as its cause is over" in said


UNKNOWN = [
    ("7", "there is no incident 7 here; `incidents` lists those there are"),
    ("1", "there is no incident 1 here, but a delivery of that number, which is of incident a; try: why a"),
    ("unread", "nothing is known of incident unread: its record cannot be read (no started_at)"),
]


@pytest.mark.parametrize("option", ["", "--json"])
@each(("incident_id", "sentence"), UNKNOWN)
def test_where_there_is_no_such_incident_it_says_what_to_try(
    database: Path, store: Store, option: str, incident_id: str, sentence: str
) -> None:
    tell(store, "a", NEW)
    store.put_aside([Unreadable("unread", NOW, 1, NOW, "no started_at")])
    said = command(database, f"why {incident_id} {option}")
    assert (said.exit_code, said.stdout) == (1, "")
    assert_sentence(said.stderr, sentence)


def test_where_there_is_no_database_that_is_said(tmp_path: Path) -> None:
    said = command(tmp_path / "state.db", "why 1")
    assert said.exit_code == 1
    assert_sentence(said.stderr, "there is nothing to list; run the daemon first")


def test_nothing_that_is_recorded_steers_the_terminal(database: Path, store: Store, engine: Engine) -> None:
    bad = "1\x1b[2J\u202e"
    tell(store, bad, NEW, name=f"{bad}\nname", cause=f"\r{bad}")
    for incident_id in (bad, f"{bad}2"):
        said = command(database, "why", incident_id)
        assert (said.stdout + said.stderr).replace("\n", "").isprintable()
        assert len(said.stdout.splitlines()) in (0, 6)


# -- at a terminal ----------------------------------------------------------------------------------------------------

WHY = 'route "shop" matches; route "db" does not: name is "Shop front page", not "db-*"; route "night" does not: it is '
TIMES = Times(utc=True, now=NOW)
LONG = record(
    row(1, Kind.NEW, attempts=1, attempted_at=ago(minutes=4), due_at=after(seconds=12), last_error="x" * 150),
    history=[
        entry(Happening.ROUTED, f"{WHY}09:25, not 22:00 to 06:00", SEEN),
        entry(Happening.ATTEMPT, "x" * 150, ago(minutes=4), 1, 15.0),
    ],
)


def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int) -> list[str]:
    """The lines at a terminal of that width."""
    monkeypatch.setenv("COLUMNS", str(columns))
    show_story(heading(LONG, TIMES), sentences(explain(LONG, present()), TIMES))
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_at_a_terminal_no_line_is_longer_than_it_is_wide_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    found = shown(monkeypatch, capsys, columns)
    assert max(map(cell_len, found)) <= min(columns, BROADEST)
    whole = [heading(LONG, TIMES), *("".join(pair) for pair in sentences(explain(LONG, present()), TIMES))]
    assert "".join("".join(found).split()) == "".join("".join(whole).split())


def test_at_80_columns_it_reads_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(monkeypatch, capsys, 80)
    assert found[:6] == [
        "1  Shop front page: Status 503  (open; times: UTC)",
        "11-23 09:24:55  began at Better Stack",
        "11-23 09:25:00  first seen, 5 s after it began",
        '11-23 09:25:00  route "shop" matches; route "db" does not: name is "Shop front',
        '                page", not "db-*"; route "night" does not: it is 09:25, not',
        "                22:00 to 06:00",
    ]


@each(
    ("times", "said"),
    [(1, ""), (2, "; the same once more, until 11-23 09:31:00"), (9, "; the same 8 times more, until 11-23 09:38:00")],
)
def test_an_outage_of_hours_is_one_sentence_however_often_it_was_tried(times: int, said: str) -> None:
    failed = [entry(Happening.ATTEMPT, "HTTP 503", after(minutes=n), 1, 0.25 + n) for n in range(times)]
    others = [entry(Happening.ATTEMPT, "HTTP 502", after(hours=1), 1, 15.04)]
    outage = record(row(1, Kind.NEW, attempts=times + 1), history=[*failed, *others])
    _, _, first, second, *_ = sentences(explain(outage, present()), TIMES)
    assert first == ("11-23 09:30:00", f"new to team default: not accepted: HTTP 503 (took 0.250 s){said}")
    assert second == ("11-23 10:30:00", "new to team default: not accepted: HTTP 502 (took 15.0 s)")


def test_what_is_due_already_happens_now() -> None:
    assert (TIMES.ahead(ago(seconds=1)), TIMES.ahead(NOW)) == ("now", "now")
    assert TIMES.ahead(after(hours=2, minutes=5)) == "at 11-23 11:35:00 (in 2 h 5 min)"


def test_on_a_real_terminal_it_is_wrapped(database: Path, store: Store) -> None:
    tell(store, "1", NEW)
    found = on_a_screen(database, "why 1 --utc", 60).splitlines()
    assert max(map(len, found)) <= 60
    assert "                Better Stack" not in found
    assert found[-2].split()[:5] == ["next:", "it", "is", "open,", "and"]
