"""Records what a round reads: decide, tell, commit.

Incidents and outbox rows are committed together, and only then the sender is woken.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from daemon.decisions.evidence import Read
from daemon.decisions.reconcile import Decision, reconcile
from daemon.model.event import Listener
from daemon.model.events import rounds as events
from daemon.model.incident import Incident, IncidentState
from daemon.model.page import KnownPages, Page, Unchanged
from daemon.model.polling import section_of
from daemon.round_progress import RoundProgress
from daemon.storage.incidents import Change, Incidents
from daemon.telling import Ignored, Telling


class Recording:
    """Called by one thread."""

    def __init__(
        self,
        incidents: Incidents,
        telling: Telling,
        *,
        clock: Callable[[], datetime],
        their_clock: Callable[[], datetime],
        log: Listener,
        on_queued: Callable[[], None],
        known_pages: KnownPages,
    ) -> None:
        """The arguments are those of `Poll`. Pages that change nothing become known, until something is recorded."""
        self._incidents = incidents
        self._telling = telling
        self._clock = clock
        self._their_clock = their_clock
        self._log = log
        self._on_queued = on_queued
        self._known_pages = known_pages
        self._left_to: set[str] = set()
        """The accounts that were named as tracking what this one shows, too."""

    def take(self, page: Page, this_round: RoundProgress) -> None:
        """Decides on each incident of a page, and commits the result."""
        if page.unchanged is not None:
            this_round.recognised |= page.unchanged - this_round.seen
            this_round.seen |= page.unchanged
            return
        changed = self._take(page.incidents, this_round, own=False)
        if page.digest and not changed and not page.ids & this_round.in_doubt:
            self._known_pages[page.digest] = Unchanged(page.ids, page.is_last)

    def take_own(self, incident: Incident, this_round: RoundProgress) -> None:
        """Decides on an incident by its own record, and commits the result."""
        self._take((incident,), this_round, own=True)

    def _take(self, page: Iterable[Incident], this_round: RoundProgress, *, own: bool) -> bool:
        """Whether anything had to be recorded, or will have to be decided anew."""
        incidents = {incident.id: incident for incident in page}
        known = self._incidents.known(incidents.keys())
        left = self._leave(incidents, known) if self._incidents.others else False
        this_round.recognised |= known.keys() - this_round.seen
        self._telling.begin_page()
        decided = [
            self._decide(known.get(incident.id), incident, this_round, own=own) for incident in incidents.values()
        ]
        changed = self._commit(decided, self._clock())
        this_round.seen |= incidents.keys()
        return changed or left

    def _leave(self, incidents: dict[str, Incident], known: dict[str, IncidentState]) -> bool:
        """Takes out what another account tracks. Whether there was any: the other one may be left out one day."""
        others = {state.id: state for state in known.values() if state.polled_from in self._incidents.others}
        for incident_id, state in others.items():
            del incidents[incident_id], known[incident_id]
            if state.polled_from not in self._left_to:
                self._left_to.add(state.polled_from)
                self._log(events.SeenTwice(incident_id, section_of(state.polled_from)))
        return bool(others)

    def _decide(
        self, before: IncidentState | None, seen: Incident, this_round: RoundProgress, *, own: bool
    ) -> list[Change] | Ignored:
        external_id = self._telling.external_id(seen) if before is None else before.external_id
        read = _read(before, this_round) if own else Read.LISTED
        decision = reconcile(before, seen, external_id, this_round.policy, self._their_clock(), read)
        if decision.in_doubt:
            (this_round.doubted if own else this_round.in_doubt).add(seen.id)
        elif decision.after.doubted_at is None:
            this_round.doubted_before.discard(seen.id)
        return self._telling.changes(before, seen, decision)

    def apply(self, decided: Iterable[tuple[IncidentState | None, Incident, Decision]], now: datetime) -> None:
        """Commits decisions on what no list shows: what was recorded, what is told of it, and the decision."""
        self._commit([self._telling.changes(*one) for one in decided], now)

    def end_flapping(self) -> None:
        """Closes the alerts that a source flaps, where that is over."""
        self._commit([self._telling.flapped()], self._clock())

    def _commit(self, decided: Sequence[list[Change] | Ignored], now: datetime) -> bool:
        """Whether there was anything to commit, or was ignored: a route may decide otherwise at another time."""
        changes = [change for found in decided if not isinstance(found, Ignored) for change in found]
        if not changes:
            return any(isinstance(found, Ignored) for found in decided)
        self._known_pages.clear()
        changes = list(self._incidents.record(changes, now))
        if any(change.messages for change in changes):
            self._on_queued()
        for change in changes:
            after = change.after
            for transition in dict.fromkeys(message.transition for message in change.messages):
                what = after.id, transition.kind, transition.generation
                delay = None if after.is_alarm else (self._their_clock() - transition.occurred_at).total_seconds()
                self._log(events.Transitioned(*what, transition.reason, after.name, delay))
        return True


def _read(before: IncidentState | None, this_round: RoundProgress) -> Read:
    """How an own record was read: `OWN_LATER` if an earlier lookup of this round left it in doubt."""
    return Read.OWN_LATER if before is not None and before.id in this_round.doubted else Read.OWN
