"""One record of Better Stack's incidents API in, one `Incident` out. Pure.

Only what decisions hang on must be readable: which incident it is, and where it stands. Anything else may be missing or
odd, and is taken for absent.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from daemon.model.incident import Incident, Phase

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PHASES = {
    "unconfirmed": Phase.UNCONFIRMED,
    "started": Phase.OPEN,
    "validating": Phase.OPEN,
    "acknowledged": Phase.ACKNOWLEDGED,
    "resolved": Phase.RESOLVED,
}


def read_incident(record: object) -> Incident:
    """One record of the API. Raises `ValueError` if it cannot be told which incident it is or what state it is in."""
    if not isinstance(record, dict):
        raise ValueError("it is no object")
    given = record.get("id")
    incident_id = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    if not _ID.fullmatch(incident_id):
        # What is neither text nor number may be of any depth, and is not spelled out.
        raise ValueError(f"its id is {incident_id[:40] or type(given).__name__!r}")
    attributes = record.get("attributes")
    if not isinstance(attributes, dict) or not attributes:
        raise ValueError(f"incident {incident_id} has no attributes")
    status = attributes.get("status")
    status = status.strip() if isinstance(status, str) else ""
    names = ("started_at", "acknowledged_at", "resolved_at", "reopened_at")
    times = {name: _time(attributes.get(name)) for name in names}
    phase = _phase(status.lower(), times)
    return Incident(id=incident_id, phase=phase, status=status, **times, attributes=attributes)


def _phase(status: str, times: Mapping[str, datetime | None]) -> Phase:
    """The status decides; the times do where it is missing or unknown, as in the documented answers that have none."""
    acknowledged_at, resolved_at, reopened_at = (times[f"{act}_at"] for act in ("acknowledged", "resolved", "reopened"))
    # Whoever acknowledged it goes on with it while the recovery is being validated.
    acknowledged = acknowledged_at is not None and (reopened_at is None or acknowledged_at > reopened_at)
    if status in _PHASES:
        return Phase.ACKNOWLEDGED if status == "validating" and acknowledged else _PHASES[status]
    reopened = reopened_at is not None and (resolved_at is None or reopened_at > resolved_at)
    if resolved_at is not None and not reopened:
        return Phase.RESOLVED
    if not status and not any(times.values()):
        raise ValueError("it has neither a status nor a time")
    return Phase.ACKNOWLEDGED if acknowledged else Phase.OPEN


def _time(value: object) -> datetime | None:
    """An ISO 8601 time; one that cannot be read decides nothing and is taken for absent."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def has_unknown_status(incident: Incident) -> bool:
    """Whether it has a status that is none of those Better Stack documents."""
    return bool(incident.status) and incident.status.lower() not in _PHASES
