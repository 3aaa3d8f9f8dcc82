"""Monitors and heartbeats by hand, as they are recorded."""

from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from daemon.model.monitor import MonitorChange, MonitorEvent, MonitorKind, MonitorState
from daemon.storage.monitors import MonitorRecords
from tests.support.values import NOW, ago


def standing(monitor_id: str, **changes: Any) -> MonitorState:
    """One that is up, and that nobody has changed since it was made."""
    values: dict[str, Any] = {
        "kind": MonitorKind.MONITOR,
        "name": "Shop front page",
        "url": "https://shop.example.com/",
        "team_name": "Operations",
        "status": "up",
        "status_since": ago(days=8),
        "created_at": ago(days=30),
        "updated_at": ago(days=8),
        "configuration": {"url": "5f2a91c0"},
    }
    return MonitorState(id=monitor_id, **{**values, **changes})


def changed(
    monitor_id: str,
    what: MonitorEvent,
    at: datetime = NOW,
    detail: str = "",
    kind: MonitorKind = MonitorKind.MONITOR,
) -> MonitorChange:
    """Something that somebody did to it."""
    return MonitorChange(kind, monitor_id, what, at, detail)


def watched(
    engine: Engine, *those: MonitorState, changes: tuple[MonitorChange, ...] = (), read_at: datetime = NOW
) -> None:
    """Records these monitors and heartbeats. `read_at`: when the lists were read to their end."""
    records = MonitorRecords(engine)
    for kind in MonitorKind:
        states = [one for one in those if one.kind is kind]
        records.record(kind, states, [one for one in changes if one.kind is kind], read_at)
