"""One tale, told again and again, each time with the program killed before another of its transactions."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from daemon.model.incident import Phase
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


TALE: list[Disposition] = [
    begin,
    look,
    tell(Fate.TAKEN, Fate.OUTAGE, Fate.LOST),
    resume,
    look,
    tell(Fate.LOST),
    look,
]


@pytest.fixture
def played(tmp_path: Path, empty_database: bytes, with_key: bool) -> Iterator[Callable[[int, int | None], Ledger]]:
    ledgers: list[Ledger] = []

    def play(killed_in: int, kill_after: int | None) -> Ledger:
        database = tmp_path / f"{len(ledgers)}.db"
        database.write_bytes(empty_database)
        ledger = Ledger(database, with_key=with_key)
        ledgers.append(ledger)
        for number, step in enumerate(TALE):
            step(ledger, kill_after if number == killed_in else None)
            ledger.check()
        return ledger

    yield play
    for ledger in ledgers:
        ledger.close()


@pytest.mark.parametrize("with_key", [False, True], ids=["without a key", "with a key"])
@pytest.mark.parametrize("killed_in", [number for number, step in enumerate(TALE) if step not in {begin, resume}])
def test_promise_6_killed_before_any_transaction_of_a_step_nothing_is_lost_and_nothing_noted_is_repeated(
    played: Callable[[int, int | None], Ledger], killed_in: int, with_key: bool
) -> None:
    """With a key no alert is raised twice."""
    kill_after = 0
    while (ledger := played(killed_in, kill_after)).kills:
        ledger.settle()
        ledger.check_settled()
        newest = {sent.incident_id: sent.kind for sent in ledger.sent if sent.taken}
        assert newest == {"101": "acknowledged", "102": "resolved", "103": "resolved"}
        raised = [sent.incident_id for sent in ledger.sent if sent.taken and sent.kind == "new"]
        assert len(raised) == 3 or not with_key, raised
        kill_after += 1
    assert kill_after >= 2, "there was something to be killed in"


KILLS = 300


@pytest.mark.parametrize("with_key", [False, True], ids=["without a key", "with a key"])
def test_promise_4_after_hundreds_of_kills_no_alert_was_raised_twice_where_there_is_a_key(
    tmp_path: Path, empty_database: bytes, with_key: bool
) -> None:
    """Nor was any taken for that of an earlier generation: what counts as delivered has arrived."""
    (tmp_path / "state.db").write_bytes(empty_database)
    ledger, random = Ledger(tmp_path / "state.db", with_key=with_key), Random(20261129)
    try:
        for number in range(1000):
            change_the_world(ledger, str(100 + number), random)
            ledger.round(sweep=True, kill_after=random.choice([None, *range(6)]))
            ledger.clock.pass_(seconds=random.choice([1, 3, 10]))
            fates = random.choices([Fate.TAKEN, Fate.LOST, Fate.KILLED, Fate.OUTAGE], [3, 1, 2, 1], k=4)
            ledger.drain(fates, random.choice([None, *range(8)]))
            if ledger.kills >= KILLS:
                break
        ledger.settle()
        ledger.check_settled()
        assert ledger.kills >= KILLS
        taken = Counter(
            (sent.incident_id, sent.generation) for sent in ledger.sent if sent.taken and sent.kind == "new"
        )
        doubled = taken.total() - len(taken)
        assert (doubled == 0) is with_key, f"{doubled} of {len(taken)} alerts were raised twice"
    finally:
        ledger.close()


def change_the_world(ledger: Ledger, incident_id: str, random: Random) -> None:
    """Something begins, and something else ends, or begins again."""
    betterstack, now = ledger.flows.betterstack, ledger.clock.now
    betterstack.has(incident_id, started_at=now)
    ledger.true[incident_id] = ["opened"]
    other = random.choice(sorted(betterstack.incidents))
    if betterstack.incidents[other].phase is Phase.RESOLVED:
        betterstack.has(other, status="Started", started_at=now, reopened_at=now)
        ledger.true[other].append("reopened")
    else:
        betterstack.has(other, status="Resolved", started_at=now, resolved_at=now)
        ledger.true[other].append("resolved")
