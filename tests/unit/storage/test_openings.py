"""How often a source has opened."""

import pytest
from sqlalchemy import Engine

from daemon.storage.openings import Openings
from tests.support.outbox import NEW, after, deliver, tell
from tests.support.store import Store
from tests.support.values import NOW, ago

SOURCE = "monitor 7"


@pytest.mark.parametrize("ids", [("1", "2", "3"), ("a", "b", "c"), ("9", "x", "-")])
def test_each_opening_of_each_incident_counts_whatever_its_id_is(store: Store, engine: Engine, ids: tuple[str]) -> None:
    """The second opening of one incident is not the first of the next."""
    for one in ids:
        for generation in (1, 2):
            tell(store, one, NEW, generation=generation, source=SOURCE)
    tell(store, "other", NEW, source="monitor 8")
    tell(store, "own", NEW, source=SOURCE, is_alarm=True)
    openings = Openings(engine, "")
    assert openings.count(SOURCE, ago(hours=1), after(hours=1)) == 6
    assert openings.count(SOURCE, after(hours=1), after(hours=2)) == 0
    assert openings.count("monitor 9", ago(hours=1), after(hours=1)) == 0


def test_a_source_of_any_length_is_counted(store: Store, engine: Engine) -> None:
    """It is made of what Better Stack says."""
    source = "name " + "".join(chr(0x4E00 + number) for number in range(5000))
    tell(store, "1", NEW, source=source)
    assert Openings(engine, "").count(source, ago(hours=1), after(hours=1)) == 1


def test_the_latest_opening_is_the_one_that_was_recorded_last(store: Store, engine: Engine) -> None:
    openings = Openings(engine, "")
    assert openings.latest(SOURCE) is None
    tell(store, "1", NEW, source=SOURCE, at=after(hours=1))
    tell(store, "2", NEW, source=SOURCE, at=NOW)
    assert openings.latest(SOURCE) == after(hours=1)
    assert openings.told(SOURCE, NOW) is False
    deliver(store, "1")
    assert openings.told(SOURCE, NOW) is False, "it was never held"
