"""Reads the documents of SIGNL4's REST API, v2 and v3 alike: alerts, what became of an event, users. Pure.

Every field may be missing or of another type; what cannot be read counts as absent. Only an id must be there. Where a
list has records and none can be read, `ValueError` says so: that is a changed format, not an empty list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from daemon.model.signl4 import AlertPhase, EventOutcome, EventStatus, Member, SeenAlert

_ACKNOWLEDGED, _CLOSED = 2, 4
"""Bits of `statusCode`. All others (open, no reply, failed, error) leave an alert open."""
_LISTS = ("results", "data")
_YEARS = range(2000, 9000)
"""Of real times. .NET writes the first or the last day that it knows where nothing has happened."""


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One page of a list of alerts."""

    alerts: tuple[SeenAlert, ...]
    modified: Mapping[str, datetime]
    """The time of the latest change, by the ids of the alerts that show it."""
    following: Mapping[str, Any] | None
    """What the body of the next request has besides the filters; `None` at the end of the list."""


def read_page(document: object) -> AlertPage:
    """A page of alerts. Raises `ValueError` if it is no list, or none of its records can be read."""
    records = _held(document)
    found = [(alert, record) for record in records if (alert := _alert(record)) is not None]
    if records and not found:
        raise ValueError("none of its alerts can be read")
    modified = {alert.id: at for alert, record in found if (at := _time(record.get("lastModified"))) is not None}
    return AlertPage(tuple(alert for alert, _ in found), modified, _following(_object(document)))


def read_outcome(document: object) -> EventOutcome:
    """What became of an event. Raises `ValueError` if it does not say."""
    fields = _object(document)
    status, alert_id = _code(fields.get("eventStatus")), _id(fields.get("alertId"))
    if status is None:
        if alert_id is None:
            raise ValueError("it says nothing of what became of the event")
        status = EventStatus.RAISED
    return EventOutcome(status, alert_id, _id(fields.get("eventSourceId")), _id(fields.get("teamId")))


def read_members(document: object) -> tuple[Member, ...]:
    """The users; those whose account is disabled come last. Raises `ValueError` if it is no list of users."""
    records = document if isinstance(document, list) else _held(document)
    found = [(_object(record), member) for record in records if (member := _member(_object(record))) is not None]
    if records and not found:
        raise ValueError("none of its users can be read")
    return tuple(member for _, member in sorted(found, key=lambda one: one[0].get("isEnabled") is False))


def is_error(document: object) -> bool:
    """Whether it is SIGNL4's error object, not that of another server."""
    return {"code", "requestId"} <= _object(document).keys()


def _held(document: object) -> list[Any]:
    """The records of a list, under whichever name. With errors beside them (207) they are not all."""
    if _object(document).get("errors"):
        raise ValueError("it is incomplete: it names errors")
    lists = [held for name in _LISTS if isinstance(held := _object(document).get(name), list)]
    if not lists:
        raise ValueError("it holds no list")
    return lists[0]


def _following(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """v3 has a plain text as its token. v2 has an object, whose keys some clients put into the body itself."""
    token = document.get("continuationToken")
    if document.get("hasMore") is False:
        return None
    if isinstance(token, str) and token:
        return {"continuationToken": token}
    if isinstance(token, dict) and any(token.values()):
        keys = ("nextPartitionKey", "nextRowKey")
        return {"continuationToken": token, **{key: token[key] for key in keys if key in token}}
    return None


def _alert(record: object) -> SeenAlert | None:
    fields = _object(record)
    alert_id = _id(fields.get("id"))
    if alert_id is None:
        return None
    history = _object(fields.get("history"))
    code = _code(fields.get("status")) or 0
    acknowledged_at, closed_at = _time(history.get("acknowledgedAt")), _time(history.get("closedAt"))
    # The times come first: what is in `status` is documented nowhere.
    if closed_at is not None or code & _CLOSED:
        phase = AlertPhase.CLOSED
    else:
        is_acknowledged = acknowledged_at is not None or code & _ACKNOWLEDGED
        phase = AlertPhase.ACKNOWLEDGED if is_acknowledged else AlertPhase.OPEN
    people = history.get("acknowledgements")
    return SeenAlert(
        id=alert_id,
        external_id=_id(fields.get("externalId")) or "",
        phase=phase,
        event_id=_id(fields.get("eventId")),
        event_source=_id(fields.get("eventSourceId")),
        created_at=_time(history.get("created")),
        acknowledged_at=acknowledged_at,
        acknowledged_by=tuple(filter(None, map(_person, people))) if isinstance(people, list) else (),
        closed_at=closed_at,
        closed_by=_person(history.get("closedBy")),
    )


def _member(fields: Mapping[str, Any]) -> Member | None:
    user_id, name, duties = _id(fields.get("id")), fields.get("name"), fields.get("dutyInfos")
    if user_id is None:
        return None
    modes = [
        (team, mode)
        for duty in (duties if isinstance(duties, list) else [])
        if (team := _id(_object(duty).get("teamId"))) and (mode := _code(_object(duty).get("dutyMode"))) is not None
    ]
    return Member(
        user_id,
        name.strip() if isinstance(name, str) else "",
        on_duty=frozenset(team for team, mode in modes if mode),
        off_duty=frozenset(team for team, mode in modes if not mode),
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _id(value: object) -> str | None:
    return (str(value) or None) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _person(value: object) -> str | None:
    """The id of a user, bare or in an object."""
    return _id(_object(value).get("userId", _object(value).get("id"))) if isinstance(value, dict) else _id(value)


def _code(value: object) -> int | None:
    """A number, bare or under `statusCode`."""
    code = _object(value).get("statusCode") if isinstance(value, dict) else value
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _time(value: object) -> datetime | None:
    """An ISO 8601 time, in UTC; `None` if it cannot be read, or stands for no time."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        found = None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and found.year in _YEARS else None
