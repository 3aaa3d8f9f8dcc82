"""A value comes back as it was written, and is sorted and compared alike, whatever the database."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from daemon.storage import queries
from daemon.storage.columns import TEXT, VALUE, moment
from daemon.storage.engine import transaction
from daemon.storage.parts import AT_ONCE, in_parts
from daemon.storage.row_number import ROW_NUMBER
from daemon.storage.schema import DELIVERIES, INCIDENTS
from daemon.storage.source_schema import PROGRESS
from daemon.storage.two_way_schema import TWO_WAY
from tests.support.outbox import NEW, RESOLVED, after, only, tell
from tests.support.store import Store
from tests.support.values import NOW

SERVER = postgresql.dialect()  # type: ignore[no-untyped-call]
FILE = sqlite.dialect()
MARK = "\ufdd0"
ODD = st.text(st.sampled_from(["\0", MARK, "0", "1", "a"]), max_size=3)


def written(value: Any, kind: Any = TEXT) -> Any:
    """What PostgreSQL gets."""
    process = kind.dialect_impl(SERVER).bind_processor(SERVER)
    return process(value) if process else value


def read(value: Any, kind: Any = TEXT) -> Any:
    process = kind.dialect_impl(SERVER).result_processor(SERVER, None)
    return process(value) if process else value


@given(text=ODD)
def test_a_text_comes_back_and_has_no_character_that_the_server_refuses(text: str) -> None:
    assert "\0" not in written(text)
    assert read(written(text)) == text


@given(first=ODD, second=ODD)
def test_no_two_texts_are_written_alike(first: str, second: str) -> None:
    assert (written(first) == written(second)) is (first == second)


def test_a_text_that_somebody_else_wrote_is_read_all_the_same() -> None:
    assert read(None) is None
    assert [read(one) for one in (f"a{MARK}", f"{MARK}{MARK}2")] == [f"a{MARK}", f"{MARK}{MARK}2"]


def test_on_sqlite_nothing_is_done_to_a_text() -> None:
    assert TEXT.dialect_impl(FILE).bind_processor(FILE) is None
    assert TEXT.dialect_impl(FILE).result_processor(FILE, None) is None


def test_json_is_the_text_that_was_written_with_its_keys_in_their_order() -> None:
    value = {"b": 1, "a": [None, "\0", "ä"], "A": {"z": 1.5, "y": True}}
    assert written(value, VALUE) == json.dumps(value)
    assert list(read(written(value, VALUE), VALUE)) == ["b", "a", "A"]
    assert read(written(value, VALUE), VALUE) == value
    assert [read(one, VALUE) for one in (None, "{not json", "null")] == [None, None, None]


@pytest.mark.parametrize(
    ("kept", "expected"), [("{not json", None), ("null", None), ("[]", []), ('{"b": 1, "a": 2}', {"b": 1, "a": 2})]
)
def test_damaged_json_is_no_value_and_breaks_no_query(store: Store, engine: Engine, kept: str, expected: Any) -> None:
    tell(store, "1", NEW)
    with transaction(engine, writes=True) as connection:
        connection.execute(text("UPDATE deliveries SET payload = :kept"), {"kept": kept})
    assert only(engine).payload == expected


def test_texts_are_in_the_order_of_their_bytes(store: Store, engine: Engine) -> None:
    ids = ["a", "B", "ä", "_", "1", "10", "2", "Z", "ab", "a b", "👩"]
    for one in ids:
        tell(store, one, NEW, name=one)
    in_order = sorted(ids, key=lambda one: one.encode())
    with transaction(engine, writes=False) as connection:
        for column in (INCIDENTS.c.id, INCIDENTS.c.name):
            assert list(connection.execute(select(column).order_by(column)).scalars()) == in_order
        ends = connection.execute(select(func.min(INCIDENTS.c.name), func.max(INCIDENTS.c.name))).one()
        assert tuple(ends) == (in_order[0], in_order[-1])
        assert connection.execute(select(func.count()).where(INCIDENTS.c.name > "Z")).scalar() == 6


@pytest.mark.parametrize(
    "at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), NOW.replace(microsecond=1)]
)
def test_a_time_is_kept_to_the_microsecond_from_the_first_year_to_the_last(
    store: Store, engine: Engine, at: datetime
) -> None:
    tell(store, "1", NEW, occurred_at=at, started_at=at)
    assert (store.known(["1"])["1"].started_at, only(engine).occurred_at) == (at, at)


def test_a_time_in_an_expression_is_in_utc_wherever_the_server_is(engine: Engine) -> None:
    with transaction(engine, writes=True) as connection:
        zone = "SELECT current_setting('timezone')" if engine.name == "postgresql" else "SELECT 'none'"
        assert connection.exec_driver_sql(zone).scalar() != "UTC"
        connection.execute(update(PROGRESS).values(failing_since=func.coalesce(PROGRESS.c.failing_since, moment(NOW))))
    assert queries.snapshot(engine).failing_since == NOW


def test_a_number_has_64_bits(store: Store, engine: Engine) -> None:
    most = 2**63 - 1
    tell(store, "1", NEW)
    with transaction(engine, writes=True) as connection:
        connection.execute(update(DELIVERIES).values(attempts=most, failures=-most, latest_from=most))
        values = {**dict(only_values(connection)), "id": most, "generation": 9}
        connection.execute(insert(DELIVERIES).values(values))
        assert list(connection.execute(select(DELIVERIES.c.id).order_by(DELIVERIES.c.id)).scalars()) == [1, most]


def only_values(connection: Any) -> Any:
    return connection.execute(select(DELIVERIES)).one()._mapping


def test_an_empty_list_is_told_from_a_full_one(engine: Engine) -> None:
    for drift in ([], [{"kind": "missing"}], []):
        with transaction(engine, writes=True) as connection:
            connection.execute(update(TWO_WAY).values(drift=drift))
            found = connection.execute(select(func.count()).where(TWO_WAY.c.drift != text("'[]'"))).scalar()
        assert found == len(drift)


def test_the_number_of_a_row_tells_in_which_order_incidents_came_and_stays(store: Store, engine: Engine) -> None:
    for one in ("9", "1", "5"):
        tell(store, one, NEW)
    tell(store, "9", RESOLVED, at=after(hours=1))
    with transaction(engine, writes=False) as connection:
        query = select(INCIDENTS.c.id).order_by(ROW_NUMBER)
        assert list(connection.execute(query).scalars()) == ["9", "1", "5"]


@pytest.mark.parametrize("count", [0, 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
def test_parts_are_all_of_it_in_its_order(count: int) -> None:
    parts = list(in_parts(iter(range(count))))
    assert [one for part in parts for one in part] == list(range(count))
    assert all(1 <= len(part) <= AT_ONCE for part in parts)
