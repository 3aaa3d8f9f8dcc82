"""Converts one record of Better Stack's incidents API to an `Incident`. Pure.

Only what decisions need must be readable: the incident's id and its phase. Anything else that is missing or odd counts
as absent.
"""

from collections.abc import Mapping
from datetime import datetime

from daemon.clients.record_fields import identifier, parts_of, time_of
from daemon.model.incident import Incident, Phase

_PHASES = {
    "unconfirmed": Phase.UNCONFIRMED,
    "started": Phase.OPEN,
    "validating": Phase.OPEN,
    "acknowledged": Phase.ACKNOWLEDGED,
    "resolved": Phase.RESOLVED,
}


def read_incident(record: object) -> Incident:
    """Reads one record of the API. Raises `ValueError` if its id or its phase cannot be determined."""
    incident_id, attributes, relationships = parts_of(record, "incident")
    status = attributes.get("status")
    status = status.strip() if isinstance(status, str) else ""
    names = ("started_at", "acknowledged_at", "resolved_at", "reopened_at")
    times = {name: time_of(attributes.get(name)) for name in names}
    phase = _phase(status.lower(), times)
    source, source_id = _source(relationships, attributes)
    return Incident(
        id=incident_id,
        phase=phase,
        status=status,
        started_at=times["started_at"],
        acknowledged_at=times["acknowledged_at"],
        resolved_at=times["resolved_at"],
        reopened_at=times["reopened_at"],
        attributes=attributes,
        source=source,
        source_id=source_id,
    )


def _source(relationships: object, attributes: Mapping[str, object]) -> tuple[str, str]:
    """What raised it, and the id of that; both empty if the record names nothing.

    It is documented as `relationships.<source>.data.id`; some records have the id as an attribute instead. Of several,
    a monitor comes first, then a heartbeat, then the integrations by their names, so that each read finds the same one.
    """
    related = relationships if isinstance(relationships, dict) else {}
    for name in ("monitor", "heartbeat", *sorted(name for name in related if name.endswith("_integration"))):
        if found := _related_id(related.get(name)):
            return name, found
    for name in ("monitor", "heartbeat"):
        if found := identifier(attributes.get(f"{name}_id")):
            return name, found
    return "", ""


def _related_id(relationship: object) -> str:
    data = relationship.get("data") if isinstance(relationship, dict) else None
    return identifier(data.get("id")) if isinstance(data, dict) else ""


def _phase(status: str, times: Mapping[str, datetime | None]) -> Phase:
    """The status decides. If it is missing, as in some documented responses, or unknown, the times decide.

    Raises `ValueError` without a status and without any time.
    """
    acknowledged_at, resolved_at, reopened_at = (times[f"{act}_at"] for act in ("acknowledged", "resolved", "reopened"))
    # An acknowledgement stays valid while the recovery is being validated.
    acknowledged = acknowledged_at is not None and (reopened_at is None or acknowledged_at > reopened_at)
    if status in _PHASES:
        return Phase.ACKNOWLEDGED if status == "validating" and acknowledged else _PHASES[status]
    reopened = reopened_at is not None and (resolved_at is None or reopened_at > resolved_at)
    if resolved_at is not None and not reopened:
        return Phase.RESOLVED
    if not status and not any(times.values()):
        raise ValueError("it has neither a status nor a time")
    return Phase.ACKNOWLEDGED if acknowledged else Phase.OPEN


def has_unknown_status(incident: Incident) -> bool:
    """Whether the incident has a status that Better Stack does not document."""
    return bool(incident.status) and incident.status.lower() not in _PHASES
