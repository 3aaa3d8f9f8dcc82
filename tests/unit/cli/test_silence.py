"""`silence` as somebody at a terminal meets it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from daemon.model.silence import Silence
from daemon.storage import silences
from daemon.storage.engine import transaction
from daemon.storage.instance import locked
from daemon.storage.schema import DELIVERIES
from tests.support.each import each
from tests.support.outbox import NEW, dump, tell
from tests.support.store import Store
from tests.support.terminal import assert_sentence, command

ADD = "silence add --match name=db-* --for 2h --by ada --comment"
TOLD = "what was told already still gets its `resolved`; what opens inside and is still open at the end is told then"


def every(engine: Engine) -> list[Silence]:
    return [one for one, _ in silences.every(engine, datetime.now(UTC), over=True)]


def add(engine: Engine, **changes: Any) -> Silence:
    """One in force, with another hour to go."""
    now = datetime.now(UTC)
    new = Silence(0, {"name": "db-*"}, now - timedelta(hours=1), now + timedelta(hours=1), "new disks", "ada", now)
    new = replace(new, **changes)
    return replace(new, id=silences.add(engine, new))


def hold(engine: Engine, incident_id: str, silence: Silence) -> None:
    """As the daemon does at its round."""
    held = {"held_because": silence.reason, "due_at": silence.ends_at}
    with transaction(engine, writes=True) as connection:
        connection.execute(update(DELIVERIES).where(DELIVERIES.c.incident_id == incident_id).values(held))


# -- add --------------------------------------------------------------------------------------------------------------


def test_what_was_made_is_said_and_kept(database: Path, store: Store, engine: Engine) -> None:
    for incident_id, name in (("1", "DB-1"), ("2", "web-1"), ("3", "")):
        tell(store, incident_id, NEW, name=name)
    said = command(database, ADD, "new disks", TZ="UTC")
    assert (said.exit_code, said.stderr) == (0, "")
    [one] = every(engine)
    assert one.ends_at - one.starts_at == timedelta(hours=2)
    assert (one.match, one.comment, one.created_by, one.expired_at) == ({"name": "db-*"}, "new disks", "ada", None)
    span = [f"{at.astimezone().isoformat(' ', 'seconds')}" for at in (one.starts_at, one.ends_at)]
    assert said.stdout.splitlines() == [
        'silence 1: name "db-*"',
        f"from {span[0]} (0 s ago) to {span[1]} (in 2 h 0 min)",
        "it matches 1 of 3 open incidents",
        TOLD,
        "no daemon runs; once one does, it sees it",
    ]


def test_whether_a_daemon_is_there_to_see_it_is_said(database: Path, engine: Engine) -> None:
    with locked(f"sqlite:///{database}"):
        assert command(database, ADD, "x").stdout.endswith("\nthe daemon sees it at its next round\n")


MATCHES: list[tuple[list[str], str, str]] = [
    (["name=*"], "it matches 1 of 2 open incidents", "warning: it matches every incident, so nobody is woken at all"),
    (["name=*", "cause=x"], "it matches 0 of 2 open incidents", ""),
    (["name!=*"], "it matches 1 of 2 open incidents", ""),
    (["cause=*503"], "it matches 2 of 2 open incidents", ""),
    (["team_name=Ops", "name=x"], "how many open incidents match is not known: team_name is not recorded of them", ""),
    (["alarm=betterstack-signl4-alarm-poll"], TOLD, ""),
]


@each(("conditions", "said", "warning"), MATCHES)
def test_how_much_it_matches_is_said(
    database: Path, store: Store, conditions: list[str], said: str, warning: str
) -> None:
    tell(store, "1", NEW)
    tell(store, "2", NEW, name="")
    given = [part for condition in conditions for part in ("--match", condition)]
    shown = command(database, "silence add --for 2h --comment x", *given)
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[2] == said
    assert shown.stderr.startswith(warning)
    assert bool(shown.stderr) is bool(warning)


WHO = [({"SUDO_USER": "ada", "LOGNAME": "root"}, "ada"), ({"SUDO_USER": "", "LOGNAME": "bob"}, "bob")]


@each(("environment", "name"), WHO)
def test_who_made_it_is_who_logged_in(database: Path, engine: Engine, environment: dict[str, str], name: str) -> None:
    command(database, "silence add --match name=x --for 2h --comment x", **environment)
    assert every(engine)[-1].created_by == name


def test_who_has_no_name_is_a_number(database: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError("no username set in the environment")

    monkeypatch.setattr("getpass.getuser", nobody)
    command(database, "silence add --match name=x --for 2h --comment x", SUDO_USER="")
    assert every(engine)[-1].created_by.startswith("uid ")


REFUSED = [
    ("add --for 2h --comment x", "a silence needs a --match"),
    ("add --match name=x --comment x", "say when it ends"),
    ("add --match name=x --for 2 --for 2w --comment x", "'2w' is not a duration"),
    ("add --match name=x --for 2h", "Missing option '--comment'"),
    (
        f"add --match name=x --for 2h --comment {'x' * 201}",
        "--comment and --by are at most 200 characters; shorten them",
    ),
    (f"add --match name=x --for 2h --comment x --by {'x' * 201}", "--comment and --by are at most 200 characters"),
    ("add --match name=x --for 2h --comment \u2800", "--comment is empty; say why, for whoever wonders"),
    ("expire", "Missing argument 'ID...'"),
    ("expire x", "'x' is not a valid integer"),
]


@each(("line", "sentence"), REFUSED)
def test_wrong_usage_is_2_and_writes_nothing(database: Path, engine: Engine, line: str, sentence: str) -> None:
    before = dump(database)
    said = command(database, f"silence {line}")
    assert said.exit_code == 2
    assert sentence in said.stderr
    assert dump(database) == before


def test_bytes_that_are_no_text_are_kept_as_question_marks(database: Path, engine: Engine) -> None:
    command(database, ADD, "new \udcff", "--match", "cause=\udcff")
    [one] = every(engine)
    assert (one.comment, one.match["cause"]) == ("new ?", "?")


@each("verb", ["add --match name=x --for 2h --comment x", "list", "expire 1"])
def test_where_there_is_no_database_that_is_said(tmp_path: Path, verb: str) -> None:
    said = command(tmp_path / "state.db", f"silence {verb}")
    assert said.exit_code != 0
    assert_sentence(said.stderr, "state.db does not exist yet, so there is nothing to", "run the daemon first")
    assert list(tmp_path.iterdir()) == []


# -- list -------------------------------------------------------------------------------------------------------------


def test_those_in_force_and_to_come_are_listed_with_what_they_hold(
    database: Path, store: Store, engine: Engine
) -> None:
    later = datetime.now(UTC) + timedelta(minutes=30)
    one = add(engine)
    add(engine, starts_at=later, comment="a\x1b[2J move")
    add(engine, ends_at=later - timedelta(hours=1))
    tell(store, "1", NEW)
    hold(engine, "1", one)
    lines = command(database, "silence list", TZ="UTC").stdout.splitlines()
    assert lines[0].split() == "id state match starts ends holds by comment".split()
    assert [line.split()[0] for line in lines[1:]] == ["1", "2"]
    assert 'in force  name "db-*"  ' in lines[1]
    assert lines[1].endswith("1      ada  new disks")
    assert lines[2].endswith("0      ada  a\N{REPLACEMENT CHARACTER}[2J move")
    assert len(command(database, "silence list --all").stdout.splitlines()) == 4
    assert [row["id"] for row in json.loads(command(database, "silence list --json --all").stdout)] == [3, 2, 1]


def test_what_is_held_says_so_wherever_it_is_listed(database: Path, store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    hold(engine, "1", add(engine))
    for listing in ("incidents", "deliveries"):
        assert command(database, listing).stdout.endswith("held: silence 1 (new disks)\n")
    [delivery] = json.loads(command(database, "deliveries --json").stdout)
    assert delivery["held_because"] == "silence 1 (new disks)"


def test_programs_get_all_of_it(database: Path, engine: Engine) -> None:
    one = add(engine)
    [row] = json.loads(command(database, "silence list --json").stdout)
    assert (row["match"], row["state"], row["held_deliveries"]) == ({"name": "db-*"}, "in force", 0)
    assert (row["ends_at"], row["expired_at"]) == (one.ends_at.isoformat(), None)


def test_none_is_said_and_for_programs_an_empty_list(database: Path, engine: Engine) -> None:
    assert command(database, "silence list").stdout == "none\n"
    assert json.loads(command(database, "silence list --json").stdout) == []


# -- expire -----------------------------------------------------------------------------------------------------------


def test_each_one_that_is_ended_is_a_line(database: Path, store: Store, engine: Engine) -> None:
    later = datetime.now(UTC) + timedelta(minutes=30)
    one, _, _ = add(engine), add(engine, starts_at=later), add(engine, ends_at=later - timedelta(minutes=31))
    tell(store, "1", NEW)
    hold(engine, "1", one)
    said = command(database, f"silence expire 1 2 3 1 {10**30}")
    assert said.exit_code == 1
    assert said.stdout.splitlines() == [
        "silence 1 is over; a running daemon looks again at what it held within ten seconds",
        "silence 2 is over before it began",
    ]
    assert [line.partition(" (")[0][:34] for line in said.stderr.splitlines()] == [
        "silence 3 is over already, since 2",
        "silence 1 is over already, since 2",
        f"there is no silence {10**30}"[:34],
    ]
    assert command(database, "silence list").stdout == "none\n"
    assert silences.count_in_force(engine, datetime.now(UTC)) == 0


def test_all_ended_is_0(database: Path, engine: Engine) -> None:
    add(engine)
    said = command(database, "silence expire 1")
    assert (said.exit_code, said.stderr) == (0, "")


# -- status -----------------------------------------------------------------------------------------------------------


def test_status_says_what_is_held_and_is_healthy_all_the_same(database: Path, store: Store, engine: Engine) -> None:
    store.complete_round(datetime.now(UTC))
    quiet = command(database, "status").stdout
    assert "held" not in quiet
    assert "silence" not in quiet
    one = add(engine)
    for incident_id in map(str, range(100)):
        tell(store, incident_id, NEW, at=datetime.now(UTC) - timedelta(days=1))
        hold(engine, incident_id, one)
    said = command(database, "status")
    assert said.exit_code == 0
    assert "pending deliveries    100, of which rules hold 100\n" in said.stdout
    assert "silences in force     1; look at: silence list\n" in said.stdout
    report = json.loads(command(database, "status --json").stdout)
    assert (report["healthy"], report["held_deliveries"], report["silences"]) == (True, 100, 1)
    assert (report["oldest_pending_seconds"], report["queue_seconds"]) == (None, 0)
