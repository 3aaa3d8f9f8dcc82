"""Lookups of single records in a round, and the handling of unreadable ones.

1. An unreadable record does not fail the round and proves nothing: it is set aside and fetched again with a back-off,
   until it can be read, is gone, or is no longer needed.
2. Several at once fail the round. They are fetched again in every following round, after all others.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from daemon.config.settings import Settings
from daemon.decisions import unreadable
from daemon.decisions.unreadable import AT_ONCE, Patience
from daemon.model.errors import BetterStackError, ForbiddenError, TokenRefusedError
from daemon.model.event import Listener
from daemon.model.events import rounds as events
from daemon.model.incident import Absence, Incident, Unreadable
from daemon.storage.incidents import Incidents


class Records(Protocol):
    """Better Stack, as lookups use it."""

    def lookup(self, incident_id: str) -> Incident | Absence:
        """The record of one incident. Raises `BetterStackError`."""


@dataclass(slots=True)
class Found:
    """The results of a round's lookups, besides incidents."""

    gone: list[str] = field(default_factory=list)
    """Incidents without a record."""
    errors: list[BetterStackError] = field(default_factory=list)
    """Why the round fails."""


class Lookups:
    """Reads single records, round by round."""

    def __init__(
        self, source: Records, incidents: Incidents, settings: Settings, clock: Callable[[], datetime], log: Listener
    ) -> None:
        """`clock` gives aware UTC times."""
        self._source = source
        self._incidents = incidents
        self._patience = Patience(settings.poll.active_interval, settings.alarm.poll_after)
        self._clock = clock
        self._log = log
        self._failed: Collection[str] = ()

    def read(
        self,
        wanted: Collection[str],
        aside: Mapping[str, Unreadable],
        unreadable_listed: Sequence[str],
        take: Callable[[Incident], None],
        *,
        lists_failed: bool,
    ) -> Found:
        """Reads the `wanted` records, except those whose back-off has not passed, and passes each incident to `take`.

        `aside`: the records that were set aside before; `unreadable_listed`: the reason for each unreadable record in
        the list of open incidents. Raises `BetterStackError` if Better Stack asks to wait.
        """
        found = Found()
        failed, answered = self._ask(set(wanted), aside, take, found)
        needed = {*wanted, unreadable.IN_OPEN_LIST} - answered
        before = {one.id: one for one in aside.values() if one.id in needed}
        if lists_failed or any(map(_refuses_token, failed.values())):
            # The cause of the failures is unknown, so no record is set aside for them.
            found.errors += failed.values()
            self._set_aside(aside, before)
        else:
            whys = {incident_id: _why(error) for incident_id, error in failed.items()}
            verdict = unreadable.judge(before, whys, unreadable_listed, self._patience, self._clock())
            found.errors += [BetterStackError(verdict.fault)] if verdict.fault else []
            self._set_aside(aside, verdict.aside)
        for error in failed.values():
            if error.retry_after is not None:
                raise error
        return found

    def _ask(
        self, wanted: set[str], aside: Mapping[str, Unreadable], take: Callable[[Incident], None], found: Found
    ) -> tuple[dict[str, BetterStackError], set[str]]:
        """Reads the records. Returns the errors by id, and the ids that were answered."""
        failed: dict[str, BetterStackError] = {}
        answered: set[str] = set()

        def ask(incident_ids: Iterable[str]) -> None:
            for incident_id in incident_ids:
                try:
                    self._read_one(incident_id, take, found)
                    answered.add(incident_id)
                except BetterStackError as error:
                    failed[incident_id] = error
                    if error.retry_after is not None or len(failed) == AT_ONCE:
                        return

        now = self._clock()
        resting = wanted & {one.id for one in aside.values() if not unreadable.is_due(one, self._patience, now)}
        # Records that failed before come last, so that a bad record never delays the others.
        last = {*self._failed, *aside}
        ask(sorted(wanted - resting, key=lambda incident_id: (incident_id in last, incident_id)))
        if 0 < len(failed) < AT_ONCE <= len(failed) + len(resting) and not _asked_to_wait(failed):
            # Together they would count as a fault of the service, but some of them may be readable again.
            ask(sorted(resting))
        self._failed = failed.keys()
        return failed, answered

    def _read_one(self, incident_id: str, take: Callable[[Incident], None], found: Found) -> None:
        """Reads one record. Raises `BetterStackError`, also if it is unreadable."""
        read = self._source.lookup(incident_id)
        if isinstance(read, Incident):
            take(read)
        elif read is Absence.NO_SUCH_RECORD:
            found.gone.append(incident_id)
        else:
            raise BetterStackError("it does not say which incident it is, or where it stands")

    def _set_aside(self, before: Mapping[str, Unreadable], now: Mapping[str, Unreadable]) -> None:
        if now == before:
            return
        self._incidents.put_aside(now.values())
        for one in now.values():
            if one.id not in before:
                self._log(events.RecordSetAside(unreadable.spelled(one.id), one.why))
        for incident_id in before.keys() - now.keys():
            self._log(events.RecordReadAgain(unreadable.spelled(incident_id)))


def _asked_to_wait(failed: Mapping[str, BetterStackError]) -> bool:
    return any(error.retry_after is not None for error in failed.values())


def _refuses_token(error: BetterStackError) -> bool:
    """Whether the token is refused. A 403 for one record does not count: the token worked for the lists."""
    return isinstance(error, TokenRefusedError) and not isinstance(error, ForbiddenError)


def _why(error: BetterStackError) -> str:
    return f"Better Stack refused it: {error.said}" if isinstance(error, ForbiddenError) else str(error)
