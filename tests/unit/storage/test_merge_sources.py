"""After a restore each account is polled from where it was, and what is over is judged by the rounds of its own."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.model.incident import Unreadable
from daemon.storage.housekeeping import Housekeeping
from daemon.storage.incidents import Change, Incidents
from tests.support.earlier import contents
from tests.support.outbox import NEW, after, change
from tests.unit.storage.conftest import merged

NAMES = {"": None, "acme": None, "globex": None}


@pytest.fixture
def both(engine: Engine, restored: Engine) -> tuple[Engine, Engine]:
    """The file in place and the copy, both with three accounts."""
    for one in (engine, restored):
        Housekeeping(one).configure_sources(NAMES)
    return engine, restored


def of(engine: Engine, name: str) -> Incidents:
    return Incidents(engine, name, NAMES.keys() - {name})


def polled(engine: Engine, name: str, hours: float) -> None:
    of(engine, name).complete_round(after(hours=hours))


def tell(engine: Engine, name: str, incident_id: str) -> None:
    one = change(incident_id, NEW)
    of(engine, name).record([Change(one.after.tracked_by(name), one.messages)], after(minutes=1))


def rounds(file: Path, column: str = "last_complete_round_at") -> dict[str, str | None]:
    return {row["source"]: row[column] for row in contents(file, "progress")}


def test_the_progress_is_that_of_the_side_of_the_later_round(both: tuple[Engine, Engine]) -> None:
    in_place, copy = both
    polled(copy, "acme", 1)
    polled(in_place, "acme", 2)
    of(in_place, "globex").fail_round("HTTP 500", after(hours=2))
    file = merged(*both)
    assert rounds(file)["acme"] == "2026-11-23 11:30:00.000000"
    assert rounds(file, "last_round_error")["globex"] == "HTTP 500"


def test_an_account_that_the_copy_does_not_know_is_polled_on(engine: Engine, restored: Engine) -> None:
    Housekeeping(engine).configure_sources(NAMES)
    Incidents(restored).complete_round(after(hours=3))
    polled(engine, "acme", 1)
    file = merged(engine, restored)
    assert rounds(file).keys() == NAMES.keys()
    assert Incidents(restored, "acme").begin_round().progress.last_complete_round_at == after(hours=1)


def test_what_the_copy_tells_of_is_over_only_if_its_own_account_was_polled_since(both: tuple[Engine, Engine]) -> None:
    in_place, copy = both
    for name, incident_id in (("acme", "1"), ("globex", "2")):
        tell(copy, name, incident_id)
        polled(copy, name, 1)
    polled(in_place, "acme", 2)
    file = merged(*both)
    assert {row["incident_id"]: row["state"] for row in contents(file, "deliveries")} == {
        "1": "superseded",
        "2": "pending",
    }


def test_each_account_keeps_its_own_records_that_cannot_be_read(both: tuple[Engine, Engine]) -> None:
    in_place, copy = both
    odd = Unreadable("", after(hours=1), 1, after(hours=1), "no id")
    for name in ("acme", "globex"):
        of(in_place, name).put_aside([odd])
    of(copy, "").put_aside([odd])
    polled(in_place, "acme", 2)
    assert sorted(row["source"] for row in contents(merged(*both), "unreadable")) == ["acme", "globex"]
