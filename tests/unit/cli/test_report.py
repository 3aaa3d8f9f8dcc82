"""`report` as somebody at a terminal meets it, and as programs read it."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.cli import report_reading
from daemon.model.progress import Report
from tests.support.each import each
from tests.support.outbox import DELIVERED, NEW, RESOLVED, deliver, put, tell
from tests.support.past import delivery, fill, incident, write
from tests.support.store import Store
from tests.support.terminal import assert_sentence, command, on_a_screen
from tests.support.values import NOW, ago
from tests.unit.cli.test_audit_file import SAMPLE, event

PERIOD = f"--since 2026-10-24T09:30Z --until {NOW:%Y-%m-%dT%H:%M}Z --utc"


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")


def test_for_people_it_is_a_few_lines(database: Path) -> None:
    fill(database, 300)
    said = command(database, f"report {PERIOD}")
    assert (said.exit_code, said.stderr) == (0, "")
    first, incidents, alert, *_, last = said.stdout.splitlines()
    assert first == "from 2026-10-24 09:30 to 2026-11-23 09:30 (UTC)"
    assert incidents == "incidents            300, 3 still open, 0 untold"
    assert alert.startswith("time to alert        ")
    assert "Status page: 8 within an hour" in said.stdout
    assert last == "a page for people: --html FILE; every opening: --csv; all figures: --json"


def test_without_incidents_it_says_so(database: Path) -> None:
    said = command(database, "report").stdout
    assert "incidents            0, 0 still open, 0 untold" in said
    assert "time to alert        nothing to measure" in said
    assert "without a round      0 whole hours; none known" in said


def test_for_programs_it_is_an_object_with_the_same_figures(database: Path) -> None:
    fill(database, 300)
    found = json.loads(command(database, f"report {PERIOD} --json").stdout)
    figures = found["figures"]
    assert (figures["incidents"], figures["still_open"]) == (300, 3)
    assert sum(map(sum, figures["by_weekday"])) == sum(number for _, number in figures["by_day"]) == 300
    assert figures["to_alert"]["count"] == 300
    assert found["alarms"][0]["incident_id"] == "betterstack-signl4-alarm-poll"
    assert found["hours_in_gaps"] == 4
    assert found["retries"]["retried"] > 0


def test_a_period_that_ends_before_the_alarm_knows_of_the_gap_that_led_to_it(database: Path) -> None:
    fill(database, 3)
    until = ago(days=4, hours=7, minutes=1)
    found = json.loads(command(database, f"report --until {until:%Y-%m-%dT%H:%M:%S}Z --json").stdout)
    assert found["alarms"] == []
    [gap] = found["gaps"]
    spans = [datetime.fromisoformat(gap[name]) for name in ("begins_at", "ends_at")]
    assert spans == [until - timedelta(minutes=4), until]


def test_the_page_is_written_and_named(database: Path, tmp_path: Path) -> None:
    fill(database, 300)
    said = command(database, f"report {PERIOD} --html november.html")
    assert (said.exit_code, said.stdout) == (0, "written to november.html\n")
    page = (tmp_path / "november.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "Shop front page" in page


def test_csv_has_a_line_for_each_opening_and_nothing_that_a_spreadsheet_runs(store: Store, database: Path) -> None:
    tell(store, "1", NEW, occurred_at=ago(minutes=5), name='=HYPERLINK("http://x"), \n@x', cause="-1")
    deliver(store, "1", at=ago(minutes=4))
    tell(store, "2", NEW, RESOLVED, occurred_at=ago(minutes=5), name=" Shop\x1b")
    rows = list(csv.DictReader(io.StringIO(command(database, f"report {PERIOD} --csv").stdout)))
    first, second = rows
    assert first["name"] == '\'=HYPERLINK("http://x"), \ufffd@x'
    assert (first["cause"], second["name"]) == ("'-1", " Shop\ufffd")
    assert (first["began_at"], first["seconds_to_alert"]) == (ago(minutes=5).isoformat(), "60.0")
    assert (first["resolved_at"], first["seconds_to_resolve"], first["was_held"]) == ("", "", "no")
    assert second["seconds_to_resolve"] == "0.0"


USAGE = {
    "--csv --json": "give one of --html FILE, --csv and --json, or none for a summary",
    "--html a.html --csv": "give one of --html FILE",
    "--html -": "`-` is no file",
    "--since soon": "--since 'soon' is no time; write it like 30d",
    "--since 1d --until 2d": "is not before the end of the report",
    "--audit x.csv --csv": "--audit goes with --json",
    "--audit x.csv --html a.html": "--audit goes with --json",
    "--audit x.csv --since 7d": "--audit takes its month from the file, so leave out --since and --until",
    "--team night": "--team says whose audit file it is",
}


@each(("options", "said"), USAGE.items())
def test_wrong_usage_is_a_sentence(database: Path, options: str, said: str) -> None:
    found = command(database, f"report {options}")
    assert found.exit_code == 2
    assert said in found.stderr


def test_without_a_database_there_is_nothing_to_list(tmp_path: Path) -> None:
    said = command(tmp_path / "none.db", "report")
    assert said.exit_code == 1
    assert_sentence(said.stderr, "does not exist yet, so there is nothing to list")


def test_a_page_over_another_file_is_refused(database: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    said = command(database, "report --html notes.txt")
    assert said.exit_code == 1
    assert_sentence(said.stderr, "notes.txt is no earlier report, and is left alone")
    said = command(database, f"report --html {database}")
    assert_sentence(said.stderr, "is no earlier report")


def test_at_a_terminal_a_long_read_shows_how_far_it_is(database: Path) -> None:
    fill(database, report_reading.MANY + 200, now=datetime.now(UTC))
    screen = on_a_screen(database, "report --utc", 80)
    assert "incidents read" in screen
    assert "100%" in screen
    assert "time to alert" in screen
    assert "incidents read" not in command(database, "report --utc").output


# -- our books against SIGNL4's ---------------------------------------------------------------------------------------


def told(database: Path, *more: dict[str, Any]) -> None:
    """What the sample of an audit file is about: the first two are told, the third's answer was lost."""
    first, second, third = (
        datetime.fromisoformat(text)
        for text in ("2026-11-02T03:10:04Z", "2026-11-05T12:00:00Z", "2026-11-09T22:00:40Z")
    )
    rows = [
        delivery("1", "new", first, first, first, event_id=event(1)),
        delivery("1", "resolved", first, first, datetime.fromisoformat("2026-11-02T03:30:59Z"), event_id="x"),
        delivery("2", "new", second, second, second, event_id=event(2), payload='{"Title": "Datenbank „Süd“"}'),
        delivery("3", "new", third, third, third, event_id=event(6)),
    ]
    names = sorted({"1", "2", "3", *(row["incident_id"] for row in more)})
    write(
        database,
        incidents=[incident(name, first_seen_at=NOW, changed_at=NOW) for name in names],
        deliveries=[*rows, *more],
    )


def test_where_the_books_agree_it_says_so_and_names_what_only_the_file_has(database: Path) -> None:
    told(database)
    said = command(database, "report --utc --audit", str(SAMPLE))
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout.splitlines() == [
        "team default, from 2026-11-01 00:00 to 2026-11-10 00:00 (UTC): 3 alerts told, 6 in the file, 3 in both",
        "the two times of an alert differ by 0.5 s (median), 1.1 s (90 %), 1.1 s (most)",
        (
            "1 there with a title of ours, but under an event id that we do not know "
            "(mostly an answer was lost, and the alert was sent again):"
        ),
        "  2026-11-09 22:00:12  Shop front page",
        "2 there, but not from us (other sources of the team):",
        "       2  Daily weather",
        "all that was told is there",
    ]


def test_at_a_terminal_a_long_comparison_shows_what_it_does(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(database)
    shown = list[str]()

    @contextmanager
    def progress() -> Iterator[Report]:
        yield lambda doing, _: shown.append(doing)

    monkeypatch.setattr("daemon.cli.progress.progress", progress)
    assert command(database, f"report --audit {SAMPLE}").exit_code in {0, 1}
    assert shown == ["reading SIGNL4's file", "comparing it with what was told"]


def test_what_is_missing_there_or_not_closed_ends_with_1(database: Path) -> None:
    at = datetime.fromisoformat("2026-11-06T10:00:00Z")
    told(
        database,
        delivery("4", "new", at, at, at, event_id="unknown there"),
        delivery("2", "resolved", at, at, at, event_id="y"),
    )
    said = command(database, "report --utc --audit", str(SAMPLE))
    assert said.exit_code == 1
    assert "1 told, but not there (look at: why ID):\n  2026-11-06 10:00:00  4  Shop front page\n" in said.stdout
    assert "1 told that it is over, but not closed there" in said.stdout
    assert "  2026-11-06 10:00:00  2  Datenbank „Süd“\n" in said.stdout
    assert "all that was told is there" not in said.stdout
    found = json.loads(command(database, "report --json --audit", str(SAMPLE)).stdout)
    assert [one["incident_id"] for one in found["missing"]] == ["4"]
    assert [one["incident_id"] for one in found["pairs"]] == ["1", "2", "3"]
    assert found["pairs"][0]["closed_there_at"] == "2026-11-02T03:31:00+00:00"


def test_a_long_list_is_cut_for_people_alone(database: Path) -> None:
    at = datetime.fromisoformat("2026-11-06T10:00:00Z")
    told(database, *(delivery(f"n{number}", "new", at, at, at + timedelta(seconds=number)) for number in range(25)))
    said = command(database, "report --utc --audit", str(SAMPLE)).stdout
    assert "25 told, but not there" in said
    assert "  and 5 more; --json has all" in said


def test_another_team_than_there_is_is_refused(database: Path, store: Store, engine: Engine) -> None:
    put(store, "1", DELIVERED, NEW)
    said = command(database, "report --team night --audit", str(SAMPLE))
    assert said.exit_code == 1
    assert_sentence(said.stderr, "nothing was ever told to team night; --team takes one of: default")


def test_a_file_that_is_none_is_a_sentence(database: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Name;Email\n")
    said = command(database, "report --audit x.csv")
    assert said.exit_code == 1
    assert_sentence(said.stderr, 'x.csv has no column "Timestamp"', "as it was downloaded")


def test_an_empty_past_proves_nothing(database: Path) -> None:
    said = command(database, "report --utc --audit", str(SAMPLE))
    assert said.exit_code == 0
    assert said.stdout.endswith("nothing was told to that team in that time\n")
