"""Figures to show, with something in each of them."""

from datetime import timedelta
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from daemon.host.exposition import text_of
from daemon.host.metrics import Tally
from daemon.model.events import deliveries, rounds
from daemon.model.incident import Kind, Unreadable
from daemon.model.readings import Headroom, Readings, TeamOutbox
from daemon.model.snapshot import RefusedSecret, Snapshot
from tests.support.values import NOW, ago

SNAPSHOT = Snapshot(
    last_complete_round_at=ago(seconds=20),
    open_incidents=3,
    refused=(RefusedSecret("night", NOW, "unknown"),),
    open_alarms={"alarm": "cannot poll"},
    unreadable=(Unreadable("9", NOW, 1, NOW, "why"),),
    ahead=timedelta(seconds=2.5),
)
READINGS = Readings(
    snapshot=SNAPSHOT,
    problems=("one", "two"),
    outboxes={"default": TeamOutbox(5, 2, 1, ago(minutes=3)), "night": TeamOutbox()},
    headroom={"https://signl4.example.com": Headroom(150, 42)},
    signl4_ahead=timedelta(seconds=-1),
    database_bytes=4096,
    log_bytes=512,
    is_leader=True,
)


def tally() -> Tally:
    """One that has heard something of everything."""
    heard = Tally()
    heard.know(["default", "night"])
    for event in (
        rounds.RoundEnded(rounds.RoundResult.COMPLETE, 0.3),
        rounds.RoundEnded(rounds.RoundResult.FAILED, 15.0),
        rounds.Transitioned("7", Kind.NEW, 1, "why", "name", 21.0),
        rounds.Transitioned("7", Kind.RESOLVED, 1, "why", "name", 5.0),
        deliveries.NotDelivered("7", Kind.NEW, 1, "why"),
        deliveries.Delivered("7", Kind.NEW, 2, "id", 3.5),
        deliveries.Delivered("7", Kind.NEW, 1, "id", 0.5, team="night"),
    ):
        heard(event)
    return heard


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Each value by its name without prefix and its labels."""
    return {
        (sample.name.removeprefix("betterstack_signl4_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(text: bytes, name: str, **labels: Any) -> float | None:
    """One value; `None` if there is none."""
    return samples(text).get((name, tuple(sorted(labels.items()))))


def whole() -> bytes:
    """All figures."""
    return text_of(tally().copy(), READINGS)
