"""After a round the program checks itself only if there is anything to do or to say."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.snapshot import RefusedSecret, Snapshot
from daemon.notes import Notes
from daemon.self_check import SelfCheck
from daemon.storage import queries
from tests.support.clock import Clock
from tests.support.fakes import FakeSignl4
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW, ago, settings


class Watchers:
    def send(self) -> list[str]:
        return []


Make = Callable[..., SelfCheck]


@pytest.fixture
def make(engine: Engine, store: Store, clock: Clock, log: KeptLog) -> Make:
    def make(notes: Notes, **sections: Any) -> SelfCheck:
        return SelfCheck(
            lambda: queries.snapshot(engine),
            store,
            store,
            FakeSignl4(clock),
            Watchers(),
            settings(**sections),
            notes,
            clock=clock,
            monotonic=lambda: 1000.0,
            log=log,
            on_queued=lambda: None,
            host="host",
        )

    return make


WELL = Snapshot(last_complete_round_at=NOW)
SEEN: list[tuple[str, Snapshot | None, bool]] = [
    ("all is well", WELL, False),
    ("open incidents, and deliveries under way", replace(WELL, open_incidents=3, pending_deliveries=2), False),
    ("no round was complete", None, True),
    ("an alarm is open", replace(WELL, open_alarms={"betterstack-signl4-poll": "it cannot poll"}), True),
    ("a delivery is dead", replace(WELL, dead_deliveries=1, dead_alerts=1, dead_incident="7"), True),
    ("the delivery of an alarm is dead", replace(WELL, dead_deliveries=1), True),
    ("a delivery is overdue", replace(WELL, pending_deliveries=1, oldest_due_at=ago(minutes=6)), True),
    ("the secret is refused", replace(WELL, refused=(RefusedSecret("default", NOW, "HTTP 404"),)), True),
    ("the clock is off", replace(WELL, ahead=timedelta(minutes=10)), True),
]


@pytest.mark.parametrize(("case", "seen", "due"), SEEN, ids=[case for case, *_ in SEEN])
def test_a_check_is_due_only_if_there_is_anything_to_do(
    make: Make, case: str, seen: Snapshot | None, due: bool
) -> None:
    self_check = make(Notes())
    assert self_check.is_due(seen) is due, case


NOTES: list[tuple[str, Notes]] = [
    ("something was wrong", Notes(found=["a problem"])),
    ("the state could not be written", Notes(state_error=(900.0, NOW, "disk full"))),
    ("that alarm is still open", Notes(state_alarm_sent=True)),
    ("the clock was off", Notes(skew_logged=True)),
]


@pytest.mark.parametrize(("case", "notes"), NOTES, ids=[case for case, _ in NOTES])
def test_a_check_is_due_until_the_end_of_what_was_wrong_is_told(make: Make, case: str, notes: Notes) -> None:
    self_check = make(notes)
    assert self_check.is_due(WELL), case


@pytest.mark.parametrize(("sent_at", "due"), [(None, True), (1000.0 - 60, True), (1000.0 - 59, False)])
def test_a_heartbeat_is_never_left_out(make: Make, sent_at: float | None, *, due: bool) -> None:
    notes = Notes(heartbeat_at=sent_at)
    watched = make(notes, heartbeat={"urls": ["https://watch.example.com/beat"]})
    assert watched.is_due(WELL) is due
    unwatched = make(notes)
    assert not unwatched.is_due(WELL)


def test_the_line_of_the_service_follows_each_round(make: Make) -> None:
    self_check = make(Notes())
    self_check.saw(replace(WELL, open_incidents=7))
    assert self_check.line().startswith("7 open")
