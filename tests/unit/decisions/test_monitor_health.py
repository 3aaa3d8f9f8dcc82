"""What `status` says of the looks at monitors."""

from datetime import timedelta

from daemon.decisions.health import but_for_odd_records
from daemon.decisions.health import problems as all_problems
from daemon.decisions.monitor_health import problems
from daemon.model.monitor import MonitorFigures
from daemon.model.snapshot import Snapshot
from tests.support.values import NOW, ago

LATE = timedelta(minutes=5)
FAILING = MonitorFigures(last_look_at=ago(hours=2), last_error="HTTP 500", failing_since=ago(minutes=6), monitors=3)
SENTENCE = (
    "Better Stack's monitors cannot be read for 6 min 0 s (HTTP 500), so no alert says that one is not watched; "
    "incidents are told as ever"
)


def test_lists_that_cannot_be_read_for_long_are_a_problem() -> None:
    assert list(problems(FAILING, LATE, NOW)) == [SENTENCE]
    snapshot = Snapshot(last_complete_round_at=NOW, monitors=FAILING)
    assert list(all_problems(snapshot, timedelta(seconds=30), LATE, NOW, warn_after=None)) == [SENTENCE]


def test_they_stop_no_heartbeat() -> None:
    snapshot = but_for_odd_records(Snapshot(last_complete_round_at=NOW, monitors=FAILING))
    assert list(all_problems(snapshot, timedelta(seconds=30), LATE, NOW, warn_after=None)) == []


def test_an_outage_that_ends_soon_is_none() -> None:
    assert list(problems(FAILING, timedelta(minutes=6), NOW)) == []
    assert list(problems(MonitorFigures(last_look_at=NOW, monitors=3), LATE, NOW)) == []
    assert list(problems(None, LATE, NOW)) == []
