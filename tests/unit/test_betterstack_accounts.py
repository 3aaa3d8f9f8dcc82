"""What people did in SIGNL4 is done in the account that tracks the incident, with the token of that account."""

from datetime import timedelta

from daemon.betterstack_writer import Accounts
from daemon.model.delivery import Answer, Delivered, Outcome, Scope, TryLater
from daemon.model.incident import Kind

TRACKERS = {"1": "", "2": "acme", "3": "gone"}


DONE = Delivered(None)


class Changes:
    def __init__(self, outcome: Outcome = DONE) -> None:
        self.outcome = outcome
        self.done: list[tuple[str, Kind, str]] = []

    def send(self, incident_id: str, kind: Kind, by: str) -> Answer:
        self.done.append((incident_id, kind, by))
        return Answer(self.outcome, hold=timedelta(seconds=7))


def test_each_incident_is_changed_in_its_own_account() -> None:
    unnamed, acme = Changes(), Changes()
    accounts = Accounts({"": unnamed, "acme": acme}, TRACKERS.__getitem__)
    for incident_id in ("1", "2"):
        assert accounts.send(incident_id, Kind.RESOLVED, "Jane").outcome == DONE
    assert (unnamed.done, acme.done) == ([("1", Kind.RESOLVED, "Jane")], [("2", Kind.RESOLVED, "Jane")])


def test_that_one_token_may_not_write_is_the_fault_of_its_own_incidents() -> None:
    refusing = Changes(TryLater("it may only read", Scope.SECRET))
    answer = Accounts({"acme": refusing}, TRACKERS.__getitem__).send("2", Kind.ACKNOWLEDGED, "Jane")
    assert (answer.outcome, answer.hold) == (TryLater("it may only read", Scope.ROW), timedelta(seconds=7))


def test_an_account_that_is_gone_is_waited_for() -> None:
    answer = Accounts({"acme": Changes()}, TRACKERS.__getitem__).send("3", Kind.ACKNOWLEDGED, "Jane")
    assert answer.outcome == TryLater("the configuration has no [source.gone] any more, which tracks it", Scope.ROW)
