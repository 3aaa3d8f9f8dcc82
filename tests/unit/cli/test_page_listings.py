"""What `status` and `why` say of a page that reached nobody, and of a team in which nobody is on duty."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from daemon.model.page_proof import AwaitedProof, Finding, PageVerdict
from daemon.storage.engine import transaction
from daemon.storage.page_proofs import PageProofs
from daemon.storage.schema import DESTINATIONS
from daemon.storage.two_way_schema import TWO_WAY
from tests.support.outbox import NEW, deliver, tell
from tests.support.store import Store
from tests.support.terminal import command

FILTERED = "SIGNL4 filtered it; look at the keyword filter of the team"


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


@pytest.fixture
def now(store: Store) -> datetime:
    """All else is well."""
    now = datetime.now(UTC)
    store.complete_round(now)
    return now


def unpaged(store: Store, engine: Engine, now: datetime) -> None:
    """Nobody was paged for incident 7."""
    tell(store, "7", NEW, at=now)
    deliver(store, "7", at=now, event_id="event 7")
    proofs = PageProofs(engine, ["default"])
    proofs.take_up(now - timedelta(hours=1), timedelta(0))
    [proof] = proofs.due(now, timedelta(0), 10)
    assert isinstance(proof, AwaitedProof)
    proofs.settle(proof, Finding(PageVerdict.NOT_PAGED, FILTERED), None, now)


def test_status_names_what_paged_nobody(database: Path, store: Store, engine: Engine, now: datetime) -> None:
    unpaged(store, engine, now)
    said = command(database, "status")
    assert said.exit_code == 1
    assert f"  - nobody was paged for incident 7: {FILTERED}\n" in said.stdout
    assert "paged nobody          1\n" in said.stdout
    assert json.loads(command(database, "status --json").stdout)["unpaged_alerts"] == 1


def test_why_says_it_beside_the_message(database: Path, store: Store, engine: Engine, now: datetime) -> None:
    unpaged(store, engine, now)
    said = command(database, "why 7")
    assert f"new to team default: not paged: {FILTERED}\n" in said.stdout
    assert f"new to team default has paged nobody: {FILTERED}; once that is mended, send it again with: " in said.stdout


def test_status_names_a_team_without_anybody_on_duty_once_that_lasts(
    database: Path, engine: Engine, now: datetime
) -> None:
    with transaction(engine, writes=True) as connection:
        connection.execute(update(DESTINATIONS).values(off_duty_since=now - timedelta(hours=2)))
        connection.execute(update(TWO_WAY).values(duty_looked_at=now))
    for warn_after, code in (("1h", 1), ("3h", 0)):
        said = command(database, "status", DUTY__WARN_AFTER=warn_after)
        assert (said.exit_code, "nobody is on duty in team default since" in said.stdout) == (code, bool(code))
    assert command(database, "status").exit_code == 0
