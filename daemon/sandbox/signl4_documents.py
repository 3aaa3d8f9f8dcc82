"""The JSON of SIGNL4's REST API: alerts, what became of an event, users with their duty, and teams.

Shapes are those that public programs read. What v3 shows of a signl besides its status, texts and times is not known;
here it has the keys of an alert of v2.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from daemon.model.signl4 import EventStatus
from daemon.sandbox.history import Alert, Event
from daemon.sandbox.outcomes import Outcome
from daemon.sandbox.people import People, Person, event_source_id, team_id
from daemon.sandbox.record import spelled_time
from daemon.sandbox.signl4_filters import CODES

SUBSCRIPTION = "0acf8014-22f2-4503-88d7-f7d05b46744f"
NO_CATEGORY = {"categoryId": None, "categoryName": None}


def alert_document(alert: Alert) -> dict[str, Any]:
    """An alert of v2, or a signl of v3."""
    return {
        "id": alert.alert_id,
        "eventId": alert.event_id,
        "externalId": alert.external_id,
        "title": alert.title,
        "text": "",
        "status": {"statusCode": CODES[alert.state]},
        "severity": 1,
        "flags": 0,
        "workflowType": 0,
        "requiredAcknowledgements": 1,
        "teamId": team_id(alert.team),
        "subscriptionId": SUBSCRIPTION,
        "eventSourceId": event_source_id(alert.team),
        **NO_CATEGORY,
        "lastModified": spelled_time(alert.last_modified),
        "history": _history(alert),
    }


def _history(alert: Alert) -> dict[str, Any]:
    return {
        "created": spelled_time(alert.created),
        "createdBy": None,
        "createdByName": None,
        "acknowledgedAt": _time(alert.acknowledged_at),
        "acknowledgements": [*alert.acknowledged_by],
        "closedAt": _time(alert.closed_at),
        "closedBy": alert.closed_by,
    }


def overview(event: Event, outcome: Outcome) -> dict[str, Any]:
    """What became of an event."""
    team = team_id(event.team)
    return {
        "id": event.event_id,
        "eventStatus": int(outcome.status),
        "alertId": outcome.raised,
        "acknowledgedAlerts": [*outcome.acknowledged],
        "closedAlerts": [*outcome.closed],
        "teamId": team,
        "eventSourceId": event_source_id(event.team),
        "eventSourceType": 1,
        "eventSourceGroupId": None,
        "eventSourceTeamId": team,
        "categoryId": None,
        "severity": 1,
        "title": event.title,
        "text": "",
        "creationTime": spelled_time(event.at),
        "lastModified": spelled_time(outcome.at),
        "createdByUserId": None,
    }


def event_document(event: Event, outcome: Outcome) -> dict[str, Any]:
    """What became of an event, with its external id and its targets."""
    targets = [] if outcome.status is EventStatus.NO_TARGET else [{"teamId": team_id(event.team)}]
    return {**overview(event, outcome), "externalId": event.external_id, "targets": targets, "processingLog": []}


def user(person: Person, people: People, teams: Iterable[str]) -> dict[str, Any]:
    """Somebody, and in which of these teams he is on duty."""
    duties = [(team, people.duty(person, team)) for team in teams]
    return {
        "id": person.user_id,
        "name": person.name,
        "mail": person.mail,
        "isEnabled": True,
        "timeZone": "Europe/Berlin",
        "dutyInfos": [
            {"teamId": team_id(team), "dutyMode": int(duty.mode), "lastChange": spelled_time(duty.since)}
            for team, duty in duties
        ],
    }


def team_document(team: str) -> dict[str, Any]:
    """A team."""
    return {"id": team_id(team), "name": team}


def _time(moment: datetime | None) -> str | None:
    return spelled_time(moment) if moment else None
