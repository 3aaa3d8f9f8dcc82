"""The figures under their names, in Prometheus' format."""

import re
import sys
from dataclasses import replace

import pytest

from daemon import __version__
from daemon.host.exposition import text_of, text_of_process
from daemon.host.metrics import Counts
from daemon.model.readings import Readings
from daemon.model.snapshot import Snapshot
from tests.support.metrics import READINGS, SNAPSHOT, samples, value, whole
from tests.support.promtool import complaints, needs_promtool
from tests.support.values import NOW, ago

PYTHON = ".".join(map(str, sys.version_info[:3]))
TEAM, ACCOUNT = {"team": "default"}, {"account": "https://signl4.example.com"}
FIGURES = [
    ("build_info", {"version": __version__, "python": PYTHON}, 1),
    ("healthy", {}, 0),
    ("leader", {}, 1),
    ("problems", {}, 2),
    ("outbox_deliveries", {"state": "pending", **TEAM}, 3),
    ("outbox_deliveries", {"state": "held", **TEAM}, 2),
    ("outbox_deliveries", {"state": "dead", **TEAM}, 1),
    ("outbox_deliveries", {"state": "pending", "team": "night"}, 0),
    ("outbox_oldest_pending_timestamp_seconds", TEAM, ago(minutes=3).timestamp()),
    ("rate_limit_events", ACCOUNT, 150),
    ("rate_limit_available_events", ACCOUNT, 42),
    ("database_size_bytes", {}, 4096),
    ("database_wal_size_bytes", {}, 512),
    ("clock_skew_seconds", {"service": "betterstack"}, 2.5),
    ("clock_skew_seconds", {"service": "signl4"}, -1),
    ("last_complete_round_timestamp_seconds", {}, ago(seconds=20).timestamp()),
    ("secrets_refused", {}, 1),
    ("open_incidents", {}, 3),
    ("open_alarms", {}, 1),
    ("unreadable_incidents", {}, 1),
    ("round_duration_seconds_count", {"result": "complete"}, 1),
    ("round_duration_seconds_sum", {"result": "failed"}, 15),
    ("round_duration_seconds_bucket", {"result": "complete", "le": "0.25"}, 0),
    ("round_duration_seconds_bucket", {"result": "complete", "le": "0.5"}, 1),
    ("transitions_total", {"kind": "new"}, 1),
    ("detection_delay_seconds_sum", {}, 21),
    ("detection_delay_seconds_bucket", {"le": "30.0"}, 1),
    ("delivery_attempts_total", {"outcome": "delivered", **TEAM}, 1),
    ("delivery_attempts_total", {"outcome": "failed", **TEAM}, 1),
    ("telling_delay_seconds_sum", TEAM, 3.5),
    ("telling_delay_seconds_count", {"team": "night"}, 1),
]


@pytest.mark.parametrize(("name", "labels", "expected"), FIGURES, ids=str)
def test_each_figure_has_its_name(name: str, labels: dict[str, str], expected: float) -> None:
    assert value(whole(), name, **labels) == expected


def test_every_name_is_tried() -> None:
    shown = {re.sub("_(bucket|sum|count)$", "", name) for name, _ in samples(whole())}
    assert shown == {re.sub("_(bucket|sum|count)$", "", name) for name, _, _ in FIGURES}


def test_what_is_not_known_is_missing() -> None:
    text = text_of(Counts(), Readings(Snapshot(), ()))
    assert value(text, "healthy") == 1
    for name in ("last_complete_round_timestamp_seconds", "database_size_bytes", "clock_skew_seconds"):
        assert name not in {shown for shown, _ in samples(text)}


def test_a_database_that_cannot_be_read_leaves_the_rest() -> None:
    text = text_of(Counts(), replace(READINGS, snapshot=None, problems=("the database cannot be read now",)))
    assert value(text, "healthy") == 0
    assert value(text, "open_incidents") is None
    assert value(text, "clock_skew_seconds", service="signl4") == -1


def test_the_time_of_a_round_is_in_seconds() -> None:
    text = text_of(Counts(), replace(READINGS, snapshot=replace(SNAPSHOT, last_complete_round_at=NOW)))
    assert value(text, "last_complete_round_timestamp_seconds") == NOW.timestamp()


@needs_promtool
def test_promtool_has_nothing_to_say_against_the_names() -> None:
    assert complaints("check", "metrics", given=whole() + text_of_process()) == ""


@needs_promtool
def test_promtool_would_say_it() -> None:
    assert complaints("check", "metrics", given=b"# TYPE x_count counter\nx_count 1\n") != ""


def test_the_process_is_shown_apart() -> None:
    """node_exporter has figures of its own under these names."""
    assert value(text_of_process(), "process_resident_memory_bytes")
    assert not [name for name, _ in samples(whole()) if name.startswith("process")]
