"""The names of the people at SIGNL4, by the ids of users that alerts give."""

from collections.abc import Callable
from typing import Protocol

from daemon.model.errors import Signl4ApiError
from daemon.model.signl4 import Member

LASTS = 3600.0
"""Seconds after which they are read again."""
AGAIN = 60.0
"""Seconds between two readings for ids that are not known."""


class Directory(Protocol):
    """SIGNL4, as names need it."""

    def members(self) -> tuple[Member, ...]:
        """Everybody with an account. Raises `Signl4ApiError`, `StoppedError`."""


class People:
    """Called by the thread of the job `two-way`."""

    def __init__(self, directory: Directory, monotonic: Callable[[], float]) -> None:
        """`monotonic` gives seconds."""
        self._directory = directory
        self._monotonic = monotonic
        self._names: dict[str, str] = {}
        self._read_at: float | None = None
        self._searched_at: float | None = None
        """When they were last read for an id that was not known."""

    def read(self) -> None:
        """Reads them, which also proves the API key. Raises `Signl4ApiError`, `StoppedError`."""
        self._read_at = self._monotonic()
        self._names = {member.id: member.name for member in self._directory.members()}

    def name(self, user: str | None) -> str | None:
        """The name of a user, `None` if it cannot be found out: nothing waits for a name. Raises `StoppedError`."""
        if user is None:
            return None
        if self._is_due() if user in self._names else self._may_search():
            try:
                self.read()
            except Signl4ApiError:
                return self._names.get(user)
        return self._names.get(user) or None

    def _is_due(self) -> bool:
        return self._read_at is None or self._monotonic() - self._read_at >= LASTS

    def _may_search(self) -> bool:
        """Somebody may have joined right after they were read."""
        now = self._monotonic()
        if self._searched_at is not None and now - self._searched_at < AGAIN:
            return False
        self._searched_at = now
        return True
