"""Single records: which of them to read in a round, and what is made of those that cannot be read.

1. One that cannot be read fails no round, and nothing is concluded about it: it is set aside and asked for again, with
   patience, until it can be read, is gone, or nobody needs to know any more.
2. Several at once fail the round, and are asked for in each one after it; so is the rest, first.
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
    """Better Stack, as far as single records go."""

    def lookup(self, incident_id: str) -> Incident | Absence:
        """One incident by its own record. Raises `BetterStackError`."""


@dataclass(slots=True)
class Found:
    """What the lookups of a round came to, besides incidents."""

    gone: list[str] = field(default_factory=list)
    """Those of which there is no record."""
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
        self, wanted: Collection[str], spoilt: Sequence[str], take: Callable[[Incident], None], *, lists_failed: bool
    ) -> Found:
        """Reads the records that are `wanted`, save those it is too early to ask for again; `take` gets what is read.

        `spoilt`: why each of the records in the list of open incidents could not be read that could not. Raises
        `BetterStackError` where Better Stack asks to be left alone.
        """
        aside, found = self._incidents.set_aside(), Found()
        failed, answered = self._ask(set(wanted), aside, take, found)
        needed = {*wanted, unreadable.IN_OPEN_LIST} - answered
        before = {one.id: one for one in aside.values() if one.id in needed}
        if lists_failed or any(map(_refuses_token, failed.values())):
            # Whose fault it is that they failed, nobody can say.
            found.errors += failed.values()
            self._set_aside(aside, before)
        else:
            whys = {incident_id: _why(error) for incident_id, error in failed.items()}
            verdict = unreadable.judge(before, whys, spoilt, self._patience, self._clock())
            found.errors += [BetterStackError(verdict.fault)] if verdict.fault else []
            self._set_aside(aside, verdict.aside)
        for error in failed.values():
            if error.retry_after is not None:
                raise error
        return found

    def _ask(
        self, wanted: set[str], aside: Mapping[str, Unreadable], take: Callable[[Incident], None], found: Found
    ) -> tuple[dict[str, BetterStackError], set[str]]:
        """Those that could not be read, and those that could."""
        failed: dict[str, BetterStackError] = {}
        answered: set[str] = set()

        def ask(incident_ids: Iterable[str]) -> None:
            for incident_id in incident_ids:
                try:
                    self._look_at(incident_id, take, found)
                    answered.add(incident_id)
                except BetterStackError as error:
                    failed[incident_id] = error
                    if error.retry_after is not None or len(failed) == AT_ONCE:
                        return

        now = self._clock()
        resting = wanted & {one.id for one in aside.values() if not unreadable.is_due(one, self._patience, now)}
        # Those that failed before come last, so that one bad record never keeps the rest waiting.
        last = {*self._failed, *aside}
        ask(sorted(wanted - resting, key=lambda incident_id: (incident_id in last, incident_id)))
        if 0 < len(failed) < AT_ONCE <= len(failed) + len(resting) and not _left_alone(failed):
            # Together they would be the fault of the service, and some of them may be well again.
            ask(sorted(resting))
        self._failed = failed.keys()
        return failed, answered

    def _look_at(self, incident_id: str, take: Callable[[Incident], None], found: Found) -> None:
        """Reads one record. Raises `BetterStackError`."""
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


def _left_alone(failed: Mapping[str, BetterStackError]) -> bool:
    return any(error.retry_after is not None for error in failed.values())


def _refuses_token(error: BetterStackError) -> bool:
    """403 for one record, with a token that was good for the lists, is not the token's fault."""
    return isinstance(error, TokenRefusedError) and not isinstance(error, ForbiddenError)


def _why(error: BetterStackError) -> str:
    return f"Better Stack refused it: {error.said}" if isinstance(error, ForbiddenError) else str(error)
