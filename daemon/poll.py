"""One polling round of one account: read, decide, record.

1. Each page is committed as it arrives, incidents and outbox rows together, so that the first alert of a large outage
   does not wait for the last page.
2. Absence never resolves an incident: one that vanished from the lists is looked up by its id. So is one whose recorded
   state a list contradicts: the list may come from a lagging replica.
3. A round is complete only if its lists were read completely. After a failed request the others are still made; the
   round fails at its end, and the next sweep still reaches back to the last complete round.
4. An unreadable record does not fail the round and proves nothing: it is set aside and fetched again with a back-off.
   Several at once fail the round.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Protocol

from daemon.config.settings import Settings
from daemon.decisions.reconcile import Policy
from daemon.decisions.route import Routes
from daemon.decisions.unreadable import least_readable
from daemon.deletions import Deletions
from daemon.lookups import Lookups
from daemon.model.errors import BetterStackError, TokenRefusedError
from daemon.model.event import Listener
from daemon.model.incident import Absence, Incident, Progress
from daemon.model.page import KnownPages, Page, Shown
from daemon.model.snapshot import Snapshot
from daemon.recording import Recording
from daemon.round_progress import RoundProgress
from daemon.storage.incidents import Incidents
from daemon.telling import Telling

MANY = 10
"""If more incidents than this vanished, a list is read before they are looked up one by one."""
MOST_ADOPTED = 10
"""At each sweep, so many incidents that no account tracks are looked up."""


class Source(Protocol):
    """Better Stack, as a round uses it. Each method raises `BetterStackError`."""

    def open_pages(self) -> Iterable[Page]:
        """The unresolved incidents."""

    def pages_since(self, day: date) -> Iterable[Page]:
        """The incidents that started on that day or later."""

    def lookup(self, incident_id: str) -> Incident | Absence:
        """The record of one incident."""


class Poll:
    """Polls Better Stack; records the states of incidents and the deliveries that follow from them."""

    def __init__(
        self,
        source: Source,
        incidents: Incidents,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        log: Listener,
        on_queued: Callable[[], None],
        their_clock: Callable[[], datetime] | None = None,
        shown: list[Shown] | None = None,
        known_pages: KnownPages | None = None,
        routes: Routes | None = None,
        untracked: Callable[[], Iterable[str]] = lambda: (),
    ) -> None:
        """`clock` gives aware UTC times, `their_clock` those of Better Stack's clock.

        `on_queued` is called after each commit that added to the outbox. The source appends the counts of each list to
        `shown`, and gives `known_pages` unread. `routes`: those of the settings, which all accounts share.
        `untracked`: the open incidents that no account tracks any more.
        """
        self._source = source
        self._incidents = incidents
        self._settings = settings
        self._clock = clock
        self._their_clock = theirs = their_clock or clock
        self._shown = [] if shown is None else shown
        self._untracked = untracked
        self._lookups = Lookups(source, incidents, settings, clock, log)
        self._known_pages = known = {} if known_pages is None else known_pages
        self._known_under: tuple[Policy, datetime | None] | None = None
        """The policy, and the last complete round, under which the known pages changed nothing."""
        telling = Telling(settings, incidents, clock=clock, log=log, routes=routes)
        self._recording = Recording(
            incidents, telling, clock=clock, their_clock=theirs, log=log, on_queued=on_queued, known_pages=known
        )
        self._deletions = Deletions(incidents, self._recording, settings, clock, theirs)

    def round(self, *, sweep: bool) -> Snapshot:
        """Runs one round; returns the figures after it.

        Raises `BetterStackError` if it failed, `StoppedError` at a stop, and `DatabaseBusyError`.
        """
        start = self._incidents.begin_round()
        progress = start.progress
        this_round = RoundProgress(self._policy(progress), start, self._clock())
        self._shown.clear()
        if self._known_under != (this_round.policy, progress.last_complete_round_at):
            self._known_pages.clear()
        try:
            self._gather(this_round, progress, sweep=sweep)
            self._deletions.settle(this_round, progress)
            if start.any_flaps:
                self._recording.end_flapping()
            if this_round.errors:
                raise this_round.errors[0]
        except BetterStackError as error:
            refused = any(isinstance(one, TokenRefusedError) for one in (error, *this_round.errors))
            self._incidents.fail_round(str(error), self._clock(), token_refused=refused)
            raise
        shown, now = least_readable(self._shown), self._clock()
        snapshot = self._incidents.complete_round(now, self._their_clock() - now, shown)
        self._known_under = this_round.policy, now
        return snapshot

    def _gather(self, this_round: RoundProgress, progress: Progress, *, sweep: bool) -> None:
        with this_round.collect_errors():
            for page in self._source.open_pages():
                self._recording.take(page, this_round)
        this_round.unreadable_listed = self._shown[0].unreadable if self._shown else ()
        if sweep:
            self._sweep(this_round, progress)
        if len(this_round.missing) > MANY:
            self._catch_up(this_round)
        self._look_up(this_round)
        self._confirm_doubts(this_round)
        if sweep:
            self._adopt(this_round)

    def _sweep(self, this_round: RoundProgress, progress: Progress) -> None:
        """Finds incidents that opened and closed between two rounds."""
        now = self._clock()
        unwatched = now - min(progress.last_complete_round_at or now, now)
        since = self._their_clock() - unwatched - timedelta(days=1)
        with this_round.collect_errors():
            for page in self._source.pages_since(since.date()):
                self._recording.take(page, this_round)

    def _catch_up(self, this_round: RoundProgress) -> None:
        """Reads pages from the oldest vanished incident on, as long as that takes fewer requests than lookups."""
        lookups = len(this_round.missing)
        starts = self._incidents.started(this_round.missing)
        with this_round.collect_errors():
            for number, page in enumerate(self._source.pages_since(min(starts, default=self._clock()).date()), 1):
                self._recording.take(page, this_round)
                if not this_round.missing or number >= lookups:
                    return

    def _look_up(self, this_round: RoundProgress) -> None:
        found = self._lookups.read(
            this_round.to_look_up,
            this_round.start.set_aside,
            this_round.unreadable_listed,
            lambda incident: self._recording.take_own(incident, this_round),
            lists_failed=bool(this_round.errors),
        )
        this_round.gone += found.gone
        this_round.errors += found.errors

    def _confirm_doubts(self, this_round: RoundProgress) -> None:
        """Looks up again what was in doubt before this round and still is; the same answer again decides.

        Without this second lookup, 5 % stale responses would cause a false alert for one incident in thousands.
        """
        # After an error the incident stays in doubt.
        self._take_own(sorted(this_round.doubted & this_round.doubted_before), this_round)

    def _adopt(self, this_round: RoundProgress) -> None:
        """Looks up what no account tracks any more. If this one sees it, it tracks it from now on."""
        # An error proves nothing, and least that there is no such incident: other accounts may see it.
        self._take_own(islice(self._untracked(), MOST_ADOPTED), this_round)

    def _take_own(self, ids: Iterable[str], this_round: RoundProgress) -> None:
        """Takes the own records of these incidents, as far as they can be read."""
        for incident_id in ids:
            with suppress(BetterStackError):
                found = self._source.lookup(incident_id)
                if isinstance(found, Incident):
                    self._recording.take_own(found, this_round)

    def _policy(self, progress: Progress) -> Policy:
        return Policy(
            first_start=progress.last_complete_round_at is None,
            baseline=self._settings.poll.initial == "baseline",
            stale_after=self._settings.delivery.stale_after,
            acknowledged=self._settings.tells_acknowledged,
        )
