"""Whether all is well, by what the database holds: `status` and `watch` say the same."""

from dataclasses import replace
from datetime import datetime

from daemon.config.place import Place
from daemon.decisions import health, rate_limit
from daemon.decisions.health import Health
from daemon.model.snapshot import Presence, Snapshot


def verdict(place: Place, snapshot: Snapshot, silences: int, presence: Presence, now: datetime) -> Health:
    """What both show. `silences`: how many are in force; `presence`: which process works on the database."""
    queue = rate_limit.time_for(snapshot.pending_deliveries - snapshot.held_deliveries, snapshot.event_limit)
    limits = place.poll_interval, place.poll_after, queue
    report = health.report(snapshot, *limits, now, presence, warn_after=place.warn_after)
    return replace(report, silences=silences)
