"""The record of one incident in Better Stack's format, and its phase.

Records are immutable; each change makes a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from daemon.model.incident import Phase

TEAM = "Operations"
"""The team of an incident, where no other is named."""
BLANK: Mapping[str, Any] = {
    "name": None,
    "url": None,
    "http_method": None,
    "cause": None,
    "incident_group_id": None,
    "started_at": None,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "resolved_at": None,
    "resolved_by": None,
    "status": "Started",
    "team_name": TEAM,
    "response_content": None,
    "response_options": "{}",
    "regions": None,
    "response_url": None,
    "screenshot_url": None,
    "origin_url": None,
    "escalation_policy_id": None,
    "call": False,
    "sms": False,
    "email": True,
    "push": True,
    "critical_alert": False,
    "metadata": {},
}
UNTIL_REOPENED = ("status", "team_name", "critical_alert", "metadata")
"""What the documented record of a reopened incident lacks."""
OF_ONE_GENERATION = ("acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "reopened_at", "reopened_by")


@dataclass(frozen=True, slots=True)
class Record:
    """The state of one incident."""

    id: str
    team_name: str
    generation: int
    attributes: Mapping[str, Any] = field(repr=False)
    source: tuple[str, str] = ("", "")
    """The type and the id of what raised it; both empty if nothing that is known did."""

    @property
    def phase(self) -> Phase:
        """The phase that the record means."""
        match str(self.attributes.get("status") or "").lower():
            case "":
                return _phase_by_times(self.attributes)
            case "resolved" | "acknowledged" | "unconfirmed" as status:
                return Phase(status)
            case "validating" if _is_acknowledged(self.attributes):
                return Phase.ACKNOWLEDGED
            case _:
                return Phase.OPEN

    def changed(self, **attributes: object) -> "Record":
        """The record with these attributes replaced."""
        return replace(self, attributes={**self.attributes, **attributes})

    def acknowledged(self, at: datetime, by: str | None) -> "Record":
        """The record after an acknowledgement; during validation of the recovery the status stays."""
        validating = str(self.attributes.get("status")).lower() == "validating"
        status = self.attributes["status"] if validating else "Acknowledged"
        return self.changed(status=status, acknowledged_at=spelled_time(at), acknowledged_by=by)

    def resolved(self, at: datetime, by: str | None) -> "Record":
        """The record after a resolution."""
        return self.changed(status="Resolved", resolved_at=spelled_time(at), resolved_by=by)

    def reopened(self, at: datetime, by: str | None) -> "Record":
        """The next generation in the documented form: the old times stay."""
        kept = {key: value for key, value in self.attributes.items() if key not in UNTIL_REOPENED}
        times = {"reopened_at": spelled_time(at), "reopened_by": by}
        return replace(self, generation=self.generation + 1, attributes={**kept, **times})

    def reopened_afresh(self) -> "Record":
        """The next generation in the other form: it looks like an incident that was never resolved."""
        kept = {key: value for key, value in self.attributes.items() if key not in OF_ONE_GENERATION}
        given = {**BLANK, "team_name": self.team_name, **kept, "status": "Started"}
        return replace(self, generation=self.generation + 1, attributes=given)


def _phase_by_times(attributes: Mapping[str, Any]) -> Phase:
    resolved, reopened = attributes.get("resolved_at"), attributes.get("reopened_at")
    if resolved and not (reopened and reopened > resolved):
        return Phase.RESOLVED
    return Phase.ACKNOWLEDGED if _is_acknowledged(attributes) else Phase.OPEN


def _is_acknowledged(attributes: Mapping[str, Any]) -> bool:
    """Whether this generation is acknowledged: an acknowledgement before a reopening does not count."""
    acknowledged, reopened = attributes.get("acknowledged_at"), attributes.get("reopened_at")
    return bool(acknowledged) and not (reopened and reopened > acknowledged)


def spelled_time(moment: datetime) -> str:
    """The time in Better Stack's format: UTC, to the millisecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
