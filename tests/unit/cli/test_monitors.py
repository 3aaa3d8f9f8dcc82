"""`monitors`: what is recorded of them, for people and programs, and what is said where it is out of date."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.incident import Phase
from daemon.model.monitor import MonitorEvent, MonitorKind
from daemon.storage.monitors import MonitorRecords
from tests.support.outbox import NEW, RESOLVED, tell
from tests.support.store import Store
from tests.support.terminal import assert_sentence, command, on_a_screen
from tests.support.values import NOW, ago
from tests.support.watched import changed, standing, watched

HEARTBEAT = MonitorKind.HEARTBEAT
ON = {"MONITORS__ENABLED": "true", "MONITORS__HEARTBEATS": "true"}
NEITHER = "neither monitors nor heartbeats are looked at"
WAYS = "set monitors.enabled = true or monitors.heartbeats = true, then reload"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")


def fill(engine: Engine, store: Store) -> None:
    """A monitor that is paused, one that was changed twice, and a heartbeat with the id of the one."""
    watched(
        engine,
        standing("7", name="Shop", status="paused"),
        standing("9", name="Depot", gone_since=NOW),
        standing("7", name="Backup", kind=HEARTBEAT, url="", created_at=None, updated_at=None, deleted_at=NOW),
        changes=(
            changed("9", MonitorEvent.UPDATED, ago(hours=2), "url"),
            changed("9", MonitorEvent.UPDATED, ago(hours=1), "check_frequency, url"),
            changed("7", MonitorEvent.PAUSED, ago(days=8)),
            changed("7", MonitorEvent.DELETED, NOW, kind=HEARTBEAT),
        ),
    )
    for alert in ("monitor-7-unpaused", "monitor-7-paused"):
        tell(store, alert, NEW, is_alarm=True, monitor="monitor 7")
    tell(store, "monitor-9-paused", NEW, RESOLVED, is_alarm=True, monitor="monitor 9")
    tell(store, "1030000001", NEW, monitor="monitor 9")


def for_programs(database: Path, line: str = "") -> list[dict[str, Any]]:
    said = command(database, f"monitors --json {line}", **ON)
    assert (said.exit_code, said.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(said.stdout)
    return found


def test_people_see_them_in_the_order_of_their_names(database: Path, engine: Engine, store: Store) -> None:
    fill(engine, store)
    said = command(database, "monitors", **ON)
    assert (said.exit_code, said.stderr) == (0, "")
    heading, *rows = [re.split(r" {2,}", line) for line in said.stdout.splitlines()]
    assert heading == ["id", "kind", "name", "status", "since", "latest change", "changed", "open alerts"]
    cells = [[*row[:4], row[5], row[7]] for row in rows]
    assert cells == [
        ["9", "monitor", "Depot", "up, missing", "updated: check_frequency, url", "-"],
        ["7", "monitor", "Shop", "paused", "paused", "monitor-7-paused monitor-7-unpaused"],
        ["7", "heartbeat", "Backup", "deleted", "deleted", "-"],
    ]
    assert [row[4][:19] for row in rows] == ["2026-11-15 09:30:00", "2026-11-15 09:30:00", "2026-11-23 09:30:00"]
    assert [row[6][:19] for row in rows] == ["2026-11-23 08:30:00", "2026-11-15 09:30:00", "2026-11-23 09:30:00"]


def test_programs_get_all_that_is_recorded(database: Path, engine: Engine, store: Store) -> None:
    fill(engine, store)
    depot, shop, backup = for_programs(database)
    assert depot == {
        "kind": "monitor",
        "id": "9",
        "name": "Depot",
        "url": "https://shop.example.com/",
        "team_name": "Operations",
        "status": "up",
        "status_since": ago(days=8).isoformat(),
        "created_at": ago(days=30).isoformat(),
        "updated_at": ago(days=8).isoformat(),
        "gone_since": NOW.isoformat(),
        "deleted_at": None,
        "first_seen_at": None,
        "changes": [
            {"what": "updated", "at": ago(hours=2).isoformat(), "detail": "url"},
            {"what": "updated", "at": ago(hours=1).isoformat(), "detail": "check_frequency, url"},
        ],
        "alerts": [],
    }
    assert shop["alerts"] == ["monitor-7-paused", "monitor-7-unpaused"]
    assert (backup["kind"], backup["alerts"], backup["deleted_at"]) == ("heartbeat", [], NOW.isoformat())
    assert [one["what"] for one in backup["changes"]] == ["deleted"]


def test_an_id_names_a_monitor_and_a_heartbeat(database: Path, engine: Engine, store: Store) -> None:
    fill(engine, store)
    assert [(one["kind"], one["id"]) for one in for_programs(database, "7")] == [("monitor", "7"), ("heartbeat", "7")]
    assert [one["id"] for one in for_programs(database, "9 7 9")] == ["9", "7", "7"]
    [depot] = for_programs(database, "9")
    assert len(depot["changes"]) == 2


def test_an_id_that_there_is_not_is_said_and_the_others_are_listed(
    database: Path, engine: Engine, store: Store
) -> None:
    fill(engine, store)
    for line in ("monitors 9 8 8", "monitors --json 9 8"):
        said = command(database, line, **ON)
        assert said.exit_code == 1
        assert "Depot" in said.stdout
        assert_sentence(said.stderr, "there is no monitor or heartbeat 8 here; `monitors` lists those there are")
    odd = command(database, "monitors", "\x1b[2J\udcff", **ON)
    assert odd.exit_code == 1
    assert odd.stderr.replace("\n", "").isprintable()


def test_where_nothing_is_looked_at_that_is_said_with_the_mend(database: Path, engine: Engine, store: Store) -> None:
    for line, shown in (("monitors", "none\n"), ("monitors --json", "[]\n")):
        said = command(database, line)
        assert (said.exit_code, said.stdout) == (0, shown)
        assert said.stderr == f"{NEITHER}; {WAYS}\n"
    fill(engine, store)
    said = command(database, "monitors")
    assert (said.exit_code, len(said.stdout.splitlines())) == (0, 4)
    assert said.stderr == f"{NEITHER}; what is listed is as it was; {WAYS}\n"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"MONITORS__ENABLED": "true"},
            "heartbeats are not looked at any more, so they are listed as they were; set monitors.heartbeats = true\n",
        ),
        (
            {"MONITORS__HEARTBEATS": "true"},
            "monitors are not looked at any more, so they are listed as they were; set monitors.enabled = true\n",
        ),
    ],
)
def test_what_was_looked_at_before_is_as_it_was(
    database: Path, engine: Engine, store: Store, environment: dict[str, str], sentence: str
) -> None:
    watched(engine)
    assert command(database, "monitors", **environment).stderr == ""
    fill(engine, store)
    said = command(database, "monitors", **environment)
    assert (said.exit_code, said.stderr) == (0, sentence)


def test_what_was_not_read_yet_or_cannot_be_is_said(database: Path, engine: Engine, store: Store) -> None:
    said = command(database, "monitors", **ON)
    assert said.stderr.startswith("they were not read yet; a daemon that runs with this configuration does it within ")
    watched(engine)
    assert command(database, "monitors", **ON).stderr == ""
    fill(engine, store)
    MonitorRecords(engine).failed("HTTP 500\x1b[2J", NOW)
    said = command(database, "monitors", **ON)
    assert said.exit_code == 0
    assert_sentence(said.stderr, "they cannot be read now, so what is listed may be out of date: HTTP 500")
    assert "\x1b" not in said.stderr


def test_no_text_from_outside_steers_the_terminal(database: Path, engine: Engine) -> None:
    bad = "a\x1b[2J\r\nb\u202e"
    change = changed("7", MonitorEvent.UPDATED, detail=bad)
    watched(engine, standing("7", name=bad, status=bad, url=bad, team_name=bad), changes=(change,))
    said = command(database, "monitors", **ON)
    assert len(said.stdout.splitlines()) == 2
    assert said.stdout.replace("\n", "").isprintable()
    assert for_programs(database)[0]["name"] == bad
    assert command(database, "monitors --json", **ON).stdout.isascii()


def test_at_a_terminal_it_is_a_table_that_fits(database: Path, engine: Engine, store: Store) -> None:
    fill(engine, store)
    shown = on_a_screen(database, "monitors", 80)
    *table, note = shown.splitlines()
    assert all(len(line) <= 80 for line in table)
    assert note.startswith(NEITHER[:20])
    for part in ("monitor 9", "heartbeat 7", "monitor-7-unpaused", "check_frequency, url", "up, missing"):
        assert part in shown


def test_where_there_is_no_database_that_is_said(tmp_path: Path) -> None:
    said = command(tmp_path / "none.db", "monitors")
    assert said.exit_code == 1
    assert_sentence(said.stderr, "there is nothing to list; run the daemon first")


def test_the_figures_of_status_lead_to_it(database: Path, engine: Engine, store: Store) -> None:
    assert json.loads(command(database, "status --json").stdout)["monitors"] is None
    assert "heartbeats" not in command(database, "status").stdout
    fill(engine, store)
    figures = json.loads(command(database, "status --json").stdout)["monitors"]
    assert (figures["monitors"], figures["heartbeats"], figures["open_alerts"]) == (2, 0, 2)
    assert (figures["last_look_at"], figures["last_error"], figures["failing_since"]) == (NOW.isoformat(), None, None)
    said = command(database, "status --utc").stdout
    assert "monitors              2, heartbeats 0, 2 alerts open; look at: monitors\n" in said
    assert "last look at them     2026-11-23 09:30:00+00:00 (" in said
    assert "their last error      none\n" in said


def test_one_alert_is_one(database: Path, engine: Engine, store: Store) -> None:
    watched(engine, standing("7"))
    tell(store, "monitor-7-paused", NEW, is_alarm=True, monitor="monitor 7", phase=Phase.OPEN)
    assert "heartbeats 0, 1 alert open; look at: monitors\n" in command(database, "status").stdout


# -- why --------------------------------------------------------------------------------------------------------------


def test_why_has_the_changes_of_the_monitor_of_an_incident_alone(database: Path, engine: Engine, store: Store) -> None:
    fill(engine, store)
    said = command(database, "why 1030000001 --utc").stdout.splitlines()
    assert said[1:4] == [
        "11-23 07:30:00  its monitor was changed: url",
        "11-23 08:30:00  its monitor was changed: check_frequency, url",
        "11-23 09:25:00  began at Better Stack",
    ]
    assert not [line for line in said if "paused" in line or "heartbeat" in line]
    first, *_ = json.loads(command(database, "why 1030000001 --json").stdout)["happened"]
    assert (first["what"], first["text"], first["at"]) == (
        "monitor",
        "its monitor was changed: url",
        ago(hours=2).isoformat(),
    )


def test_an_alert_about_a_monitor_has_a_story(database: Path, engine: Engine, store: Store) -> None:
    watched(engine, standing("7"), changes=(changed("7", MonitorEvent.PAUSED, ago(days=7)),))
    title = "Monitor Shop is paused since 2026-11-16 09:30 UTC"
    started: dict[str, Any] = {"started_at": ago(days=7), "cause": "Nobody watches it."}
    tell(store, "monitor-7-paused", NEW, is_alarm=True, monitor="monitor 7", name=title, **started)
    said = command(database, "why monitor-7-paused --utc").stdout.splitlines()
    assert said[:3] == [
        f"monitor-7-paused  {title}: Nobody watches it.  (open; times: UTC)",
        "11-16 09:30:00  its monitor was paused",
        "11-23 09:30:00  a reason",
    ]
    assert said[-1] == "next:  it is closed as soon as its cause is over"
