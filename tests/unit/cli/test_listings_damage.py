"""A listing does not read the whole file first; what is damaged is named once it is read."""

import os
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.outbox import NEW, change
from tests.support.store import Store
from tests.support.terminal import assert_sentence, command
from tests.support.values import NOW

PAGE = 4096


@pytest.fixture
def damaged(database: Path, store: Store, engine: Engine) -> Path:
    """A database with a page of old deliveries that is overwritten."""
    store.record([change(f"{n:04}", NEW) for n in range(1000)], NOW)
    store.checkpoint()
    engine.dispose()
    content = bytearray(database.read_bytes())
    start = content.index(b'"X-S4-ExternalID": "0100"') // PAGE * PAGE
    content[start : start + PAGE] = os.urandom(PAGE)
    database.write_bytes(content)
    return database


@pytest.mark.parametrize("line", ["deliveries --limit 0", "deliveries --json --limit 0"])
def test_damage_that_is_met_is_named_with_the_mend(damaged: Path, line: str) -> None:
    said = command(damaged, line)
    assert said.exit_code == 78
    assert_sentence(said.stderr, f"{damaged} ", "put a copy back with: betterstack-signl4 db restore FILE")


def test_damage_that_is_not_met_does_not_keep_the_newest_from_being_listed(damaged: Path) -> None:
    said = command(damaged, "deliveries")
    assert (said.exit_code, len(said.stdout.splitlines())) == (0, 51)
    assert command(damaged, "status").exit_code == 78
