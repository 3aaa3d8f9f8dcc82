"""The records of a world as they were a moment ago, for replicas that lag: kept for a minute and not longer."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.sandbox.record import Record

KEPT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Change:
    """How one incident stood before something happened to it; `None`: there was no record."""

    at: datetime
    incident_id: str
    before: Record | None


class Past:
    """What changed within the last minute. Used under the world's lock."""

    def __init__(self) -> None:
        """Nothing has changed yet."""
        self._changes: deque[_Change] = deque()

    def note(self, at: datetime, incident_id: str, before: Record | None) -> None:
        """At that moment the record became another one."""
        while self._changes and self._changes[0].at < at - KEPT:
            self._changes.popleft()
        self._changes.append(_Change(at, incident_id, before))

    def as_of(self, moment: datetime, records: Mapping[str, Record]) -> dict[str, Record]:
        """What these records were at that moment, or a minute before the last change where that was later."""
        then = dict(records)
        for change in reversed(self._changes):
            if change.at <= moment:
                continue
            if change.before is None:
                then.pop(change.incident_id, None)
            else:
                then[change.incident_id] = change.before
        return then
