"""Looks whether somebody is on duty in SIGNL4: an alert of a team in which nobody is wakes nobody."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol

from daemon.decisions.duty import INTERVAL, manned
from daemon.model.event import Listener
from daemon.model.events import pages as events
from daemon.model.signl4 import Member
from daemon.storage.duty import DutyRoster


class Members(Protocol):
    """What SIGNL4's REST API says of its users."""

    def members(self) -> Collection[Member]:
        """All of them. Raises `Signl4ApiError` and `StoppedError`."""


class Duty:
    """One of the looks of the job `two-way`, where `duty.warn_after` is set. Called by its thread."""

    def __init__(
        self,
        api: Members,
        roster: DutyRoster,
        teams: Collection[str],
        *,
        clock: Callable[[], datetime],
        log: Listener,
    ) -> None:
        """`teams`: those of the account of the API key. `clock` gives aware UTC times."""
        self._api = api
        self._roster = roster
        self._teams = frozenset(teams)
        self._clock = clock
        self._log = log

    def look(self) -> None:
        """Raises `Signl4ApiError`, `StoppedError` and `DatabaseBusyError`."""
        now, looked_at = self._clock(), self._roster.looked_at()
        # A look in the future was stamped by a wrong clock.
        if looked_at is not None and looked_at <= now < looked_at + INTERVAL:
            return
        team_ids = self._roster.team_ids(self._teams)
        found = manned(team_ids, self._api.members()) if team_ids else {}
        begun, ended = self._roster.record(found, self._clock())
        for team in sorted(begun):
            self._log(events.NobodyOnDuty(team))
        for team in sorted(ended):
            self._log(events.OnDutyAgain(team))
