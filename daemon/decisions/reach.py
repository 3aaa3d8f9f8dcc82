"""Whether SIGNL4 reaches people, in sentences with their mend. Pure.

None of it stops a heartbeat: the program works, and says so itself.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from daemon.decisions.duty import INTERVAL
from daemon.model.destination import DEFAULT
from daemon.model.drift import Drift, DriftKind
from daemon.model.monitor import is_alert_id
from daemon.model.page_proof import Unpaged
from daemon.model.snapshot import Snapshot

MOST_NAMED = 5
"""At most so many of a kind are named."""


def problems(snapshot: Snapshot, warn_after: timedelta | None, now: datetime) -> Iterator[str]:
    """Each problem as a sentence. `warn_after`: `duty.warn_after`."""
    for one in snapshot.unpaged[:MOST_NAMED]:
        yield f"nobody was paged for {_name(one)}{_at(one.team)}: {one.why}"
    if more := snapshot.unpaged[MOST_NAMED:]:
        yield f"nobody was paged for {len(more)} more; the log and `why` say why"
    yield from _off_duty(snapshot, warn_after, now)
    yield from _drift(snapshot)


def unpaged_sentence(snapshot: Snapshot) -> str | None:
    """The sentence of the alarm. An alarm of our own raises none: it would have to take the same way."""
    unpaged = [one for one in snapshot.unpaged if not one.is_alarm]
    if not unpaged:
        return None
    first, others = unpaged[0], f", and for {len(unpaged) - 1} more" if len(unpaged) > 1 else ""
    return f"Nobody was paged for {_name(first)}{_at(first.team)}{others}: {first.why}"


def _off_duty(snapshot: Snapshot, warn_after: timedelta | None, now: datetime) -> Iterator[str]:
    for one in snapshot.off_duty:
        # What was not looked at lately is not known: the key may be gone, or SIGNL4 out of reach.
        is_known = abs(now - one.looked_at) <= 3 * INTERVAL
        if warn_after is not None and is_known and one.looked_at - one.since >= warn_after:
            yield (
                f"nobody is on duty in team {one.team} since {one.since:%Y-%m-%d %H:%M} UTC, so an alert wakes nobody; "
                "put somebody on duty in SIGNL4"
            )


def _drift(snapshot: Snapshot) -> Iterator[str]:
    unpaged = {(one.incident_id, one.team) for one in snapshot.unpaged}
    # Of what paged nobody there is no alert, and that has a sentence above.
    drift = [one for one in snapshot.drift if (one.incident_id, one.team) not in unpaged]
    for one in drift[:MOST_NAMED]:
        yield _does_not_agree(one)
    if more := drift[MOST_NAMED:]:
        yield f"{len(more)} more alerts of SIGNL4 do not agree with our incidents; look at: reconcile"


def _does_not_agree(drift: Drift) -> str:
    if drift.kind is DriftKind.LEFT_OPEN:
        return (
            f"{_alert_of(drift.incident_id)}{_at(drift.team)} is still open in SIGNL4, although its end was "
            "told again; close it there"
        )
    return (
        f"SIGNL4 has no alert of incident {drift.incident_id}{_at(drift.team)}, which is open and was told; send it "
        "again with: reconcile --repair"
    )


def _name(one: Unpaged) -> str:
    return f"the alarm {one.incident_id}" if one.is_alarm else _called(one.incident_id)


def _alert_of(incident_id: str) -> str:
    return _called(incident_id) if is_alert_id(incident_id) else f"the alert of {_called(incident_id)}"


def _called(incident_id: str) -> str:
    """Of an alert about a monitor there is no incident."""
    return f"the alert {incident_id}" if is_alert_id(incident_id) else f"incident {incident_id}"


def _at(team: str) -> str:
    return "" if team == DEFAULT else f" at team {team}"
