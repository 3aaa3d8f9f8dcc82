"""Monitors and heartbeats as values, with sensible defaults, and the two lists of Better Stack at their seam."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from daemon.model.errors import BetterStackError
from daemon.model.incident import Absence
from daemon.model.monitor import Monitor, MonitorChange, MonitorEvent, MonitorKind, MonitorList, MonitorState
from tests.support.values import NOW, ago

MONITOR, HEARTBEAT = MonitorKind
SET: dict[str, str] = {"url": "11", "check_frequency": "22", "request_headers": "33"}
"""Digests of what people set."""


def monitor(monitor_id: str = "77", kind: MonitorKind = MONITOR, **values: Any) -> Monitor:
    """A record as it was read: up, and old."""
    known: dict[str, Any] = {
        "name": "Shop front page",
        "url": "https://shop.example.com/",
        "team_name": "Operations",
        "status": "up",
        "paused_at": None,
        "created_at": ago(days=300),
        "updated_at": ago(days=30),
        "configuration": SET,
    }
    return Monitor(kind, monitor_id, **{**known, **values})


def state(monitor_id: str = "77", kind: MonitorKind = MONITOR, **values: Any) -> MonitorState:
    """What is recorded of such a one."""
    known: dict[str, Any] = {
        "name": "Shop front page",
        "url": "https://shop.example.com/",
        "team_name": "Operations",
        "status": "up",
        "status_since": ago(days=2),
        "created_at": ago(days=300),
        "updated_at": ago(days=30),
        "configuration": SET,
        "first_seen_at": ago(days=2),
    }
    return MonitorState(kind, monitor_id, **{**known, **values})


def change(what: MonitorEvent, at: datetime = NOW, detail: str = "", monitor_id: str = "77") -> MonitorChange:
    """What happened to it."""
    return MonitorChange(MONITOR, monitor_id, what, at, detail)


class FakeLists:
    """Better Stack, as a look uses it."""

    def __init__(self) -> None:
        self.records: dict[tuple[MonitorKind, str], Monitor] = {}
        self.hidden: set[str] = set()
        """Their lists lack them."""
        self.unreadable: set[str] = set()
        self.fails: Callable[[str], bool] = lambda _: False
        """Whether this request fails: `list monitor`, or `lookup 77`."""
        self.asked: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        """Called with each request before it is answered."""

    def has(self, *monitor_ids: str, kind: MonitorKind = MONITOR, **values: Any) -> None:
        """From now on there are these, with these values."""
        for monitor_id in monitor_ids:
            self.records[kind, monitor_id] = monitor(monitor_id, kind, **values)

    def had(self, *monitor_ids: str, kind: MonitorKind = MONITOR) -> None:
        """From now on there is no record of these."""
        for monitor_id in monitor_ids:
            del self.records[kind, monitor_id]

    def listed(self, kind: MonitorKind) -> MonitorList:
        self._request(f"list {kind}")
        unseen = self.hidden | self.unreadable
        shown = tuple(one for one in self.records.values() if one.kind is kind and one.id not in unseen)
        return MonitorList(shown, len(self.unreadable))

    def lookup(self, kind: MonitorKind, monitor_id: str) -> Monitor | Absence:
        self._request(f"lookup {monitor_id}")
        if monitor_id in self.unreadable:
            return Absence.UNREADABLE
        return self.records.get((kind, monitor_id), Absence.NO_SUCH_RECORD)

    def _request(self, request: str) -> None:
        self.asked.append(request)
        self.before(request)
        if self.fails(request):
            raise BetterStackError(f"{request} failed")
