"""What `status` says of the looks at SIGNL4 and of what is written back."""

from datetime import timedelta
from typing import Any

import pytest

from daemon.decisions.alarm import causes
from daemon.decisions.health import but_for_odd_records
from daemon.decisions.health import problems as all_problems
from daemon.decisions.two_way import problems
from daemon.model.snapshot import Snapshot
from daemon.model.two_way import TwoWay
from tests.support.values import NOW, ago

POLL_AFTER = timedelta(minutes=10)
CASES: list[tuple[str, dict[str, Any], str | None]] = [
    ("all is well", {"last_look_at": NOW, "pending_write_backs": 1, "oldest_write_back_at": NOW}, None),
    ("a short outage", {"last_error": "down", "failing_since": ago(minutes=10)}, None),
    (
        "a long one",
        {"last_error": "down", "failing_since": ago(minutes=11)},
        "SIGNL4's alerts cannot be read for 11 min 0 s (down), so nothing that people do there is seen; paging goes on",
    ),
    (
        "a refused key",
        {"last_error": "401", "failing_since": ago(hours=1), "key_refused_since": NOW},
        (
            "SIGNL4 refuses the API key since 2026-11-23 09:30 UTC (401), so nothing that people do there is seen; "
            "give signl4.api_key a valid one. Paging goes on"
        ),
    ),
    (
        "a refused key, in the words of the error",
        {
            "last_error": "SIGNL4 refuses the API key: 401",
            "failing_since": NOW,
            "key_refused_since": NOW,
        },
        (
            "SIGNL4 refuses the API key since 2026-11-23 09:30 UTC (401), so nothing that people do there is seen; "
            "give signl4.api_key a valid one. Paging goes on"
        ),
    ),
    (
        "a token that may only read",
        {"refused_since": NOW, "refused_because": "read-only: mend it", "oldest_write_back_at": ago(hours=1)},
        "nothing is written back since 2026-11-23 09:30 UTC: read-only: mend it",
    ),
    (
        "what waits",
        {"pending_write_backs": 1, "oldest_write_back_at": ago(minutes=11)},
        (
            "what a person did in SIGNL4 waits for 11 min 0 s to be done in Better Stack; look at: deliveries --state "
            "pending"
        ),
    ),
    (
        "what is dead",
        {"dead_write_backs": 2},
        (
            "2 write-backs are dead, since Better Stack refused them; look at: deliveries --state dead, and bring back "
            "with: retry --dead"
        ),
    ),
]


@pytest.mark.parametrize(("values", "sentence"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_problem_is_a_sentence_keeps_no_heartbeat_back_and_raises_no_alarm(
    values: dict[str, Any], sentence: str | None
) -> None:
    figures = TwoWay(**values)
    expected = [] if sentence is None else [sentence]
    snapshot = Snapshot(last_complete_round_at=NOW, two_way=figures)
    assert list(problems(figures, POLL_AFTER, NOW)) == expected
    assert list(all_problems(snapshot, POLL_AFTER, POLL_AFTER, NOW, warn_after=None)) == expected
    assert list(all_problems(but_for_odd_records(snapshot), POLL_AFTER, POLL_AFTER, NOW, warn_after=None)) == []
    assert causes(snapshot, POLL_AFTER, NOW) == {}


def test_without_a_key_there_is_nothing_to_say() -> None:
    assert list(problems(None, POLL_AFTER, NOW)) == []
