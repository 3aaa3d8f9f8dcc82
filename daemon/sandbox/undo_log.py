"""Undo log of records: reconstructs their state within the last minute, for lagging replicas."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

KEPT = timedelta(minutes=1)
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class _Change(Generic[Kept]):
    """One change, with the record before it; `None`: there was no record."""

    at: datetime
    record_id: str
    before: Kept | None


class UndoLog(Generic[Kept]):
    """The changes of the last minute. Used under the world's lock."""

    def __init__(self) -> None:
        """Begins empty."""
        self._changes: deque[_Change[Kept]] = deque()

    def note(self, at: datetime, record_id: str, before: Kept | None) -> None:
        """Records that the record changed at that moment."""
        while self._changes and self._changes[0].at < at - KEPT:
            self._changes.popleft()
        self._changes.append(_Change(at, record_id, before))

    def as_of(self, moment: datetime, records: Mapping[str, Kept]) -> dict[str, Kept]:
        """These records as of that moment; at the earliest as of a minute before the last change."""
        then = dict(records)
        for change in reversed(self._changes):
            if change.at <= moment:
                continue
            if change.before is None:
                then.pop(change.record_id, None)
            else:
                then[change.record_id] = change.before
        return then
