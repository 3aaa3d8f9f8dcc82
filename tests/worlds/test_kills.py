"""One tale, told again and again, each time with the program killed before another of its transactions."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.values import NOW
from tests.worlds.ledger import Fate, Ledger

Disposition = Callable[[Ledger, int | None], None]


def look(ledger: Ledger, kill_after: int | None) -> None:
    """A round, and a second one after the restart if it was killed."""
    if not ledger.round(sweep=True, kill_after=kill_after):
        assert ledger.round(sweep=True)


def tell(*fates: Fate) -> Disposition:
    def step(ledger: Ledger, kill_after: int | None) -> None:
        ledger.clock.pass_(seconds=2)
        ledger.drain(fates, kill_after)

    return step


def begin(ledger: Ledger, _: int | None) -> None:
    for incident_id in ("101", "102", "103"):
        ledger.flows.betterstack.has(incident_id)
        ledger.true[incident_id] = ["opened"]
    ledger.flows.betterstack.per_page = 2


def resume(ledger: Ledger, _: int | None) -> None:
    betterstack = ledger.flows.betterstack
    betterstack.has("101", status="Acknowledged", acknowledged_at=NOW)
    betterstack.has("102", status="Resolved", resolved_at=NOW)
    betterstack.had("103")
    for incident_id, act in (("101", "acknowledged"), ("102", "resolved"), ("103", "deleted")):
        ledger.true[incident_id].append(act)


TALE: list[Disposition] = [begin, look, tell(Fate.TAKEN, Fate.OUTAGE), resume, look, tell(Fate.LOST), look]


@pytest.fixture
def played(tmp_path: Path, empty_database: bytes) -> Iterator[Callable[[int, int | None], Ledger]]:
    ledgers: list[Ledger] = []

    def play(killed_in: int, kill_after: int | None) -> Ledger:
        database = tmp_path / f"{len(ledgers)}.db"
        database.write_bytes(empty_database)
        ledger = Ledger(database)
        ledgers.append(ledger)
        for number, step in enumerate(TALE):
            step(ledger, kill_after if number == killed_in else None)
            ledger.check()
        return ledger

    yield play
    for ledger in ledgers:
        ledger.close()


@pytest.mark.parametrize("killed_in", [number for number, step in enumerate(TALE) if step not in {begin, resume}])
def test_promise_6_killed_before_any_transaction_of_a_step_nothing_is_lost_and_nothing_noted_is_repeated(
    played: Callable[[int, int | None], Ledger], killed_in: int
) -> None:
    kill_after = 0
    while (ledger := played(killed_in, kill_after)).kills:
        ledger.settle()
        ledger.check_settled()
        newest = {sent.incident_id: sent.kind for sent in ledger.sent if sent.taken}
        assert newest == {"101": "acknowledged", "102": "resolved", "103": "resolved"}
        kill_after += 1
    assert kill_after >= 2, "there was something to be killed in"
