"""The record of one monitor or heartbeat in Better Stack's format.

Records are immutable; each change makes a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from daemon.model.monitor import MonitorKind, MonitorStatus
from daemon.sandbox.record import spelled_time

AUTH_PASSWORD, HEARTBEAT_TOKEN = "sandbox-monitor-password", "sandbox-heartbeat-token"
_COMMON: Mapping[str, Any] = {
    "team_name": "Operations",
    "call": True,
    "sms": True,
    "email": True,
    "push": True,
    "critical_alert": False,
    "team_wait": None,
    "policy_id": None,
    "sort_index": None,
    "paused_at": None,
    "maintenance_from": None,
    "maintenance_to": None,
    "maintenance_timezone": "UTC",
    "maintenance_days": [],
}
BLANK: Mapping[MonitorKind, Mapping[str, Any]] = {
    MonitorKind.MONITOR: {
        **_COMMON,
        "url": "https://shop.example.com/",
        "monitor_type": "status",
        "monitor_group_id": None,
        "last_checked_at": None,
        "status": "up",
        "expiration_policy_id": None,
        "required_keyword": None,
        "verify_ssl": True,
        "check_frequency": 180,
        "http_method": "get",
        "request_timeout": 30,
        "recovery_period": 180,
        "request_headers": [],
        "request_body": "",
        "auth_username": "jane",
        "auth_password": AUTH_PASSWORD,
        "ssl_expiration": None,
        "domain_expiration": None,
        "regions": ["us", "eu", "as", "au"],
        "expected_status_codes": [],
        "port": None,
        "confirmation_period": 0,
        "follow_redirects": True,
        "remember_cookies": True,
        "playwright_script": None,
        "environment_variables": {},
    },
    MonitorKind.HEARTBEAT: {
        **_COMMON,
        "url": f"https://uptime.betterstack.com/api/v1/heartbeat/{HEARTBEAT_TOKEN}",
        "heartbeat_group_id": None,
        "period": 86400,
        "grace": 300,
        "status": "up",
    },
}
"""What a record has besides its name and its times. Values that are secret in a real one are there as well."""
NAME: Mapping[MonitorKind, str] = {MonitorKind.MONITOR: "pronounceable_name", MonitorKind.HEARTBEAT: "name"}
"""The attribute that holds the name."""


@dataclass(frozen=True, slots=True)
class MonitorRecord:
    """The state of one monitor or heartbeat."""

    kind: MonitorKind
    id: str
    attributes: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Its name; empty if it has none."""
        return str(self.attributes.get(NAME[self.kind]) or "")

    @property
    def is_paused(self) -> bool:
        """Whether somebody paused it."""
        return self.attributes["paused_at"] is not None

    def paused(self, at: datetime) -> "MonitorRecord":
        """The record after somebody paused it."""
        return self.updated(at, {"paused_at": spelled_time(at), "status": str(MonitorStatus.PAUSED)})

    def unpaused(self, at: datetime, status: str) -> "MonitorRecord":
        """The record after somebody let it go on."""
        return self.updated(at, {"paused_at": None, "status": status})

    def updated(self, at: datetime, attributes: Mapping[str, object]) -> "MonitorRecord":
        """The record after a person's change of these attributes."""
        return self.changed({**attributes, "updated_at": spelled_time(at)})

    def changed(self, attributes: Mapping[str, object]) -> "MonitorRecord":
        """The record with these attributes replaced."""
        return replace(self, attributes={**self.attributes, **attributes})

    def document(self, now: datetime) -> dict[str, Any]:
        """The record as answers hold it. A monitor was checked at this very moment, unless nobody checks it."""
        attributes = dict(self.attributes)
        if self.kind is MonitorKind.MONITOR and attributes["status"] not in tuple(MonitorStatus):
            attributes["last_checked_at"] = spelled_time(now)
        return {"id": self.id, "type": str(self.kind), "attributes": attributes}
