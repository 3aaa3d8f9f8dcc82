"""`reconcile` at a terminal, against the REST API of the sandbox's SIGNL4."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from sqlalchemy import Engine

from daemon.sandbox.server import Sandbox
from daemon.storage import queries
from daemon.storage.instance import locked
from tests.support.outbox import NEW, RESOLVED, deliver, dump, states, tell
from tests.support.store import Store
from tests.support.terminal import assert_sentence, command


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


def reconcile(database: Path, sandbox: Sandbox, *options: str, **environment: str) -> Result:
    known = {**sandbox.environment(), "SIGNL4__API_KEY": sandbox.signl4.api.key, **environment}
    return command(database, " ".join(["reconcile", *options]), **known)


def lately() -> datetime:
    """Long enough ago."""
    return datetime.now(UTC) - timedelta(minutes=6)


def told(store: Store, sandbox: Sandbox, incident_id: str) -> None:
    """Better Stack opened it, and SIGNL4 raised an alert."""
    body = {"Title": "Shop", "X-S4-ExternalID": incident_id, "X-S4-Status": "new"}
    url = f"{sandbox.signl4.url}/webhook/{sandbox.signl4.secret}"
    event_id = httpx.post(url, json=body, verify=False).json()["eventId"]
    tell(store, incident_id, NEW, at=lately())
    deliver(store, incident_id, at=lately(), event_id=event_id)


def lost(store: Store, incident_id: str) -> None:
    """SIGNL4 took it, and has no alert of it."""
    tell(store, incident_id, NEW, at=lately())
    deliver(store, incident_id, at=lately(), event_id=f"event {incident_id}")


def over(store: Store, incident_id: str) -> None:
    """SIGNL4 took its end, and left the alert open."""
    tell(store, incident_id, RESOLVED, at=lately())
    deliver(store, incident_id, at=lately())


def test_where_all_agree_that_is_said(database: Path, store: Store, sandbox: Sandbox) -> None:
    told(store, sandbox, "1")
    said = reconcile(database, sandbox)
    assert (said.exit_code, said.stdout) == (0, "SIGNL4's alerts and the incidents here agree\n")


def test_an_end_is_sent_again_also_while_a_daemon_runs(
    database: Path, store: Store, engine: Engine, sandbox: Sandbox
) -> None:
    told(store, sandbox, "1")
    over(store, "1")
    with locked(f"sqlite:///{database}"):
        said = reconcile(database, sandbox)
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout == (
        "incident 1, team default: over, but its alert is still open in SIGNL4; its end is sent again\n"
    )
    assert states(engine) == {("1", 1, "new"): "delivered", ("1", 1, "resolved"): "pending"}


def test_what_is_missing_is_printed_and_known_to_status_and_sent_again_only_by_repair(
    database: Path, store: Store, engine: Engine, sandbox: Sandbox
) -> None:
    lost(store, "2")
    store.complete_round(datetime.now(UTC))
    said = reconcile(database, sandbox)
    assert said.exit_code == 1
    assert said.stdout == (
        "incident 2, team default: open, but SIGNL4 has no alert of it; send it again with: reconcile --repair\n"
    )
    shown = command(database, "status")
    assert "drift                 1; look at: reconcile\n" in shown.stdout
    assert json.loads(command(database, "status --json").stdout)["drift"] == 1
    said = reconcile(database, sandbox, "--repair")
    assert (said.exit_code, said.stdout) == (
        0,
        "incident 2, team default: open, but SIGNL4 has no alert of it; it is sent again\n",
    )
    assert states(engine) == {("2", 1, "new"): "pending"}
    assert queries.snapshot(engine).drift == ()


def test_for_programs_it_is_a_list(database: Path, store: Store, sandbox: Sandbox) -> None:
    lost(store, "2")
    said = reconcile(database, sandbox, "--json")
    assert said.exit_code == 1
    assert json.loads(said.stdout) == [
        {"kind": "missing", "incident_id": "2", "generation": 1, "team": "default", "times": 2, "mended": False}
    ]


def test_without_a_key_it_says_how_to_get_one(database: Path, sandbox: Sandbox) -> None:
    said = reconcile(database, sandbox, SIGNL4__API_KEY="")
    assert (said.exit_code, said.stdout) == (78, "")
    assert "signl4.api_key" in said.stderr


def test_a_key_that_is_refused_changes_nothing(database: Path, store: Store, sandbox: Sandbox) -> None:
    lost(store, "2")
    before = dump(database)
    said = reconcile(database, sandbox, "--repair", SIGNL4__API_KEY="a-wrong-key")
    assert (said.exit_code, said.stdout) == (1, "")
    assert_sentence(said.stderr, "SIGNL4")
    assert dump(database) == before


def test_where_there_is_no_database_nothing_is_made(tmp_path: Path, sandbox: Sandbox) -> None:
    said = reconcile(tmp_path / "state.db", sandbox)
    assert said.exit_code == 78
    assert_sentence(said.stderr, "does not exist yet, so there is nothing to reconcile")
    assert not (tmp_path / "state.db").exists()
