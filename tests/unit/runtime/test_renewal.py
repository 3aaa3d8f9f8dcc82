"""The thread that renews a lease, on a term of the test's own: what it does after each result, and what it says."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from typing import cast

import pytest

from daemon.host.clock import boottime
from daemon.host.signals import Stop
from daemon.model.errors import DatabaseBusyError
from daemon.runtime import renewal as module
from daemon.runtime.renewal import Renewal
from daemon.storage.term import Term
from tests.support.fakes import LONG
from tests.support.kept_log import KeptLog

DURATION = 0.06
"""Of the lease, in seconds: it is renewed every hundredth of one."""


class FakeTerm:
    """A term whose renewals do what the test says: nothing, or they raise it, or they set why it is lost."""

    def __init__(self, *renewals: Exception | str | None) -> None:
        self.epoch = 7
        self.lost: str | None = None
        self.remark: str | None = None
        self.left = 20.0
        self.asked = 0
        self._renewals = list(renewals)
        self._changed = Condition()

    def renew(self) -> None:
        with self._changed:
            self.asked += 1
            self._changed.notify_all()
        what = self._renewals.pop(0) if self._renewals else None
        if isinstance(what, Exception):
            raise what
        self.lost = self.lost or what

    def trusted(self) -> float:
        return self.left

    def wait_for(self, asked: int) -> None:
        """Until it was renewed so often."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.asked >= asked, LONG)


@contextmanager
def renewed(term: FakeTerm, log: KeptLog) -> Iterator[tuple[Renewal, Stop]]:
    over = Stop()
    with Renewal(cast("Term", term), DURATION, over, log) as renewal:
        yield renewal, over
    over.close()


@pytest.fixture(autouse=True)
def _again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN", 0.01)


def test_it_is_renewed_again_and_again_and_says_nothing(log: KeptLog) -> None:
    term = FakeTerm()
    with renewed(term, log) as (renewal, over):
        term.wait_for(3)
        assert over.wait(0) is False
        assert renewal.line() == "leads with epoch 7"
    asked = term.asked
    assert log.events == []
    assert term.asked == asked


def test_one_that_fails_is_said_once_and_tried_again_until_it_works(log: KeptLog) -> None:
    down = DatabaseBusyError("the server is down")
    term = FakeTerm(down, down, down)
    with renewed(term, log) as (_, over):
        term.wait_for(5)
        assert over.wait(0) is False
    assert [text for _, text, _ in log.events] == ["the lease cannot be renewed", "the lease is renewed again"]


def test_while_nothing_may_be_sent_a_round_fails_and_says_why(log: KeptLog) -> None:
    term = FakeTerm(*[DatabaseBusyError("the server is down")] * 1000)
    with renewed(term, log) as (renewal, _):
        term.wait_for(2)
        renewal.repair(log, lambda: None)
        term.left = 0.0
        with pytest.raises(DatabaseBusyError, match="nothing is sent: the server is down"):
            renewal.repair(log, lambda: None)
        assert renewal.line() == (
            "leads with epoch 7, but the lease cannot be renewed, so nothing is sent: the server is down"
        )


def test_what_one_server_alone_has_is_a_warning_and_asked_again_soon(log: KeptLog) -> None:
    term = FakeTerm()
    term.remark = "the last commit reached one server alone"
    with renewed(term, log):
        term.wait_for(3)
    assert [text for _, text, _ in log.events] == ["the last commit reached one server alone"]


@pytest.mark.parametrize("how", ["found by the renewal", "found by a writer"])
def test_the_end_of_a_term_ends_its_work_and_is_said(log: KeptLog, how: str) -> None:
    term = FakeTerm(*([None, "another process has taken over"] if "renewal" in how else []))
    with renewed(term, log) as (_, over):
        if "writer" in how:
            term.wait_for(1)
            term.lost = "another process has taken over"
        assert over.wait(LONG) is True
    assert [entry["why"] for entry in log.named("the lease is lost, so this host stands by")] == [
        "another process has taken over"
    ]


def test_trust_ends_at_a_time_that_does_not_move_while_nothing_is_renewed(log: KeptLog) -> None:
    term = FakeTerm()
    with renewed(term, log) as (renewal, _):
        before = boottime()
        assert before + 20 <= renewal.trusted_until() <= boottime() + 20
