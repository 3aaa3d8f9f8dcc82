"""An array is written in parts, and is the same as if it had been written at once."""

import json
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from daemon.cli import as_json
from daemon.cli.as_json import array, spelled
from daemon.storage import listings
from daemon.storage.incidents import Change
from tests.support.outbox import NEW, change
from tests.support.store import Store
from tests.support.values import NOW

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.datetimes(timezones=st.just(UTC)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=5))
def test_an_array_in_parts_is_the_array_at_once(rows: list[Any]) -> None:
    assert "".join(array(rows)) == spelled(rows)


@pytest.mark.parametrize("count", [0, 1, as_json.BATCH - 1, as_json.BATCH, as_json.BATCH + 1, 3 * as_json.BATCH])
def test_a_part_holds_no_more_than_a_batch(count: int) -> None:
    taken = 0

    def rows() -> Any:
        nonlocal taken
        for number in range(count):
            taken += 1
            yield {"id": number, "at": datetime(2026, 11, 23, tzinfo=UTC)}

    parts = array(rows())
    first = next(parts)
    assert taken <= as_json.BATCH
    assert json.loads(first + "".join(parts)) == [{"id": n, "at": "2026-11-23T00:00:00+00:00"} for n in range(count)]


def test_however_many_rows_there_are_memory_holds_a_few_of_them(store: Store, engine: Engine) -> None:
    """Ten megabytes of payloads go through."""
    changes = [change(str(n), NEW) for n in range(2000)]
    payload = {"Title": "x" * 5000}
    store.record([Change(one.after, (replace(one.messages[0], payload=payload),)) for one in changes], NOW)
    tracemalloc.start()
    try:
        written = sum(map(len, array(listings.deliveries(engine).newest_first())))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert written > 10_000_000
    assert peak < 6_000_000
