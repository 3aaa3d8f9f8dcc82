"""After a restore it is known what SIGNL4 said last of each alert, and whether somebody was paged."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, insert, update

from daemon.model.page_proof import PageVerdict
from daemon.storage.engine import transaction
from daemon.storage.two_way_schema import ALERTS, PAGE_PROOFS, TWO_WAY
from tests.support.earlier import contents
from tests.support.outbox import NEW, after, deliver, rows, tell
from tests.support.store import Store
from tests.unit.storage.conftest import merged


def put(engine: Engine, table: Any, **values: Any) -> None:
    with transaction(engine, writes=True) as connection:
        connection.execute(insert(table).values(values))


def put_alert(engine: Engine, phase: str, looked_at: datetime, alert_id: str = "alert 1") -> None:
    about = {"id": alert_id, "incident_id": "1", "generation": 1, "destination": "default"}
    put(engine, ALERTS, **about, phase=phase, acknowledged=phase != "open", looked_at=looked_at)


def put_proof(engine: Engine, verdict: PageVerdict | None, at: datetime, why: str = "") -> None:
    about = {"delivery_id": rows(engine)["1", 1, "new"].id, "incident_id": "1", "generation": 1}
    put(engine, PAGE_PROOFS, **about, asked=3, due_at=at, verdict=verdict, why=why)


@pytest.fixture
def both(store: Store, engine: Engine, restored: Engine) -> tuple[Engine, Engine]:
    """The file in place and the copy. Incident 2 is in one alone, so the `new` of 1 has another number in each."""
    tell(store, "2", NEW)
    for one in (store, Store(restored)):
        tell(one, "1", NEW)
        deliver(one, "1", event_id="event 1")
    return engine, restored


@pytest.mark.parametrize("later", [0, 1])
def test_of_an_alert_the_later_look_counts(both: tuple[Engine, Engine], later: int) -> None:
    put_alert(both[later], "closed", after(minutes=2))
    put_alert(both[1 - later], "open", after(minutes=1))
    put_alert(both[0], "open", after(minutes=1), "alert 2")
    for _ in ("once", "and again"):
        found = contents(merged(*both), "alerts")
        assert [(row["id"], row["phase"]) for row in found] == [("alert 1", "closed"), ("alert 2", "open")]


@pytest.mark.parametrize("settled", [0, 1])
def test_a_settled_proof_counts_for_more_than_one_that_is_not(both: tuple[Engine, Engine], settled: int) -> None:
    put_proof(both[settled], PageVerdict.NOT_PAGED, after(minutes=1), "filtered")
    put_proof(both[1 - settled], None, after(minutes=2))
    for _ in ("once", "and again"):
        [proof] = contents(merged(*both), "page_proofs")
        assert (proof["verdict"], proof["why"]) == ("not paged", "filtered")
        assert proof["delivery_id"] == rows(both[1])["1", 1, "new"].id


@pytest.mark.parametrize("later", [0, 1])
def test_of_two_settled_proofs_the_later_counts(both: tuple[Engine, Engine], later: int) -> None:
    put_proof(both[later], PageVerdict.PAGED, after(minutes=2))
    put_proof(both[1 - later], PageVerdict.NOT_PAGED, after(minutes=1))
    [proof] = contents(merged(*both), "page_proofs")
    assert proof["verdict"] == "paged"


def test_a_proof_that_only_the_file_in_place_has_is_about_the_same_message(both: tuple[Engine, Engine]) -> None:
    put_proof(both[0], PageVerdict.PAGED, after(minutes=1))
    [proof] = contents(merged(*both), "page_proofs")
    assert proof["delivery_id"] == rows(both[1])["1", 1, "new"].id


@pytest.mark.parametrize("later", [0, 1])
def test_how_far_the_looks_have_come_is_of_the_present(both: tuple[Engine, Engine], later: int) -> None:
    for number, engine in enumerate(both):
        Store(engine).complete_round(after(hours=2 if number == later else 1))
        with transaction(engine, writes=True) as connection:
            connection.execute(update(TWO_WAY).values(last_error=f"that of {number}"))
    [two_way] = contents(merged(*both), "two_way")
    assert two_way["last_error"] == f"that of {later}"
