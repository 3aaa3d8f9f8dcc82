"""Ten thousand incidents at once: the real process keeps its size, its rounds and its promises."""

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import Operator, pages
from tests.support.slowness import SLOWNESS

INCIDENTS = 10_000
PER_WINDOW = 150
MOST_MEGABYTES = 150


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """SIGNL4 with the limit that it has."""
    with Sandbox(event_limit=PER_WINDOW) as sandbox:
        yield sandbox


def test_ten_thousand_open_incidents_are_all_kept_within_bounds_and_status_says_how_long_they_need(
    operator: Operator, sandbox: Sandbox
) -> None:
    days_ago = datetime.now(UTC) - timedelta(days=3)
    for number in range(INCIDENTS):
        # Older than what a sweep reads, which halves the pages of the first round.
        sandbox.world.open(f"Incident {number}", started_at=days_ago)
    daemon = operator.run(POLL__SWEEP_INTERVAL="1h")
    sandbox.wait_for(lambda: len(pages(sandbox)) == 2, 120 * SLOWNESS, "the second round")
    peak = next(line for line in Path(f"/proc/{daemon.process.pid}/status").read_text().splitlines() if "VmHWM" in line)
    status = json.loads(operator.ask("status", "--json").stdout)
    assert daemon.stop(signal.SIGTERM, 20 * SLOWNESS) == 0
    assert int(peak.split()[1]) * 1024 < MOST_MEGABYTES * 10**6
    assert status["open_incidents"] == INCIDENTS
    assert status["queue_seconds"] == status["pending_deliveries"] // PER_WINDOW * 15
    rows = json.loads(operator.ask("deliveries", "--json", "--limit", "0").stdout)
    assert len({row["incident_id"] for row in rows if row["kind"] == "new"}) == len(rows) == INCIDENTS
    assert {exchange.status for exchange in sandbox.signl4.requests} == {201}, "no block was walked into"
    told = [event.external_id for event in operator.events]
    assert len(told) == len(set(told)) == INCIDENTS - len([row for row in rows if row["state"] == "pending"])
