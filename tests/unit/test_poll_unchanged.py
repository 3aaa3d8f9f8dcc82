"""A page that changed nothing is not read again while it stays as it was, and nothing else is recorded."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, update

from daemon.storage.engine import transaction
from daemon.storage.source_schema import PROGRESS
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW, ago


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    """Three pages of open incidents, read often enough to be known."""
    flows = Flows(engine, clock, log, store)
    flows.betterstack.per_page = 2
    flows.round(sweep=True)
    for incident_id in "12345":
        flows.betterstack.has(incident_id)
    flows.round()
    flows.round()
    flows.betterstack.unread = 0
    return flows


def unread(flows: Flows) -> int:
    """How many pages the next round does not read."""
    flows.betterstack.unread = 0
    flows.round()
    return flows.betterstack.unread


def test_a_page_is_known_once_it_has_changed_nothing(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> None:
    flows = Flows(engine, clock, log, store)
    flows.round(sweep=True)
    flows.betterstack.has("1")
    assert [unread(flows) for _ in range(3)] == [0, 0, 1]


def test_all_of_its_incidents_count_as_seen(flows: Flows) -> None:
    assert unread(flows) == 3
    assert flows.betterstack.asked_for("lookup") == []


CHANGES: list[tuple[str, Callable[[Flows], object]]] = [
    ("another incident", lambda flows: flows.betterstack.has("6")),
    ("another state", lambda flows: flows.betterstack.has("3", acknowledged_at=NOW, status="Acknowledged")),
    ("an end", lambda flows: flows.betterstack.has("3", resolved_at=NOW, status="Resolved")),
    ("no record any more", lambda flows: flows.betterstack.had("3")),
]


@pytest.mark.parametrize(("case", "happens"), CHANGES, ids=[case for case, _ in CHANGES])
def test_whatever_is_recorded_makes_all_pages_be_read_again(
    flows: Flows, *, case: str, happens: Callable[[Flows], object]
) -> None:
    happens(flows)
    flows.round()
    before = len(flows.betterstack.known_pages)
    assert before < 3, case
    assert unread(flows) < 3, case


def test_what_changes_on_a_known_page_is_told(flows: Flows) -> None:
    flows.drain()
    flows.betterstack.has("3", acknowledged_at=NOW, status="Acknowledged")
    flows.round()
    assert flows.outbox()[-1] == ("3", "acknowledged")


def test_a_page_with_a_doubt_is_read_again(flows: Flows) -> None:
    """A list that shows as open what is recorded as over may lag: only the record itself decides."""
    flows.betterstack.has("5", resolved_at=NOW, status="Resolved")
    flows.round(sweep=True)
    flows.round()
    flows.betterstack.behind = lambda request: int(request.startswith("open"))
    assert [unread(flows) for _ in range(3)][1:] == [2, 2], "the page with the doubt is read each time"


def test_in_a_database_of_another_past_all_pages_are_read_again(flows: Flows, engine: Engine) -> None:
    with transaction(engine, writes=True) as connection:
        connection.execute(update(PROGRESS).values(last_complete_round_at=ago(minutes=7)))
    assert unread(flows) == 0


def test_a_round_that_failed_forgets_nothing_and_the_next_reads_what_is_new(flows: Flows) -> None:
    flows.betterstack.refuses("open 2")
    with pytest.raises(Exception, match="open 2 failed"):
        flows.round()
    flows.betterstack.refuses()
    assert unread(flows) == 3
