"""One round: see, decide, record.

1. Each page is committed as it arrives, incidents and outbox rows together, so that the first alert of a large outage
   does not wait for the last page.
2. No incident is resolved for being absent: one that vanished from the lists is looked up by its id. So is one that a
   list contradicts: any answer may come from a replica that lags behind.
3. A round is complete only if its lists were read whole. A request that fails does not keep the others from being made;
   the round fails at its end, and the next sweep starts at the last complete one again.
4. A record that cannot be read fails no round, and nothing is concluded about it: it is set aside and asked for again,
   with patience. Several at once fail the round.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from daemon.config.settings import Settings
from daemon.decisions.evidence import Read
from daemon.decisions.payload import Templates, minimal
from daemon.decisions.reconcile import (
    SUSPICION_LASTS,
    Decision,
    Policy,
    Token,
    reconcile,
    reconcile_gone,
    suspect_since,
)
from daemon.decisions.unreadable import least_readable
from daemon.lookups import Lookups
from daemon.model.errors import BetterStackError, TokenRefusedError, TokenSuspectError
from daemon.model.events import Log
from daemon.model.incident import Absence, Incident, IncidentState, Page, Progress, Shown, Transition
from daemon.storage.incidents import Change, Incidents

MANY = 10
"""When more incidents vanished than this, a list is asked before each of them is."""


class Source(Protocol):
    """Better Stack, as a round needs it. Each raises `BetterStackError`."""

    def open_pages(self) -> Iterable[Page]:
        """The incidents that are not over."""

    def pages_since(self, day: date) -> Iterable[Page]:
        """The incidents that started on that day or later."""

    def lookup(self, incident_id: str) -> Incident | Absence:
        """One incident by its own record."""


@dataclass(slots=True)
class _RoundProgress:
    """What one round has seen so far."""

    policy: Policy
    tracked: Mapping[str, IncidentState]
    began_at: datetime
    doubted_before: frozenset[str]
    """What its own record left in doubt, in an earlier round."""
    seen: set[str] = field(default_factory=set)
    recognised: set[str] = field(default_factory=set)
    """What was seen and had been recorded before this round."""
    spoilt: tuple[str, ...] = ()
    """Why each of the records in the list of open incidents that cannot be read could not be."""
    in_doubt: set[str] = field(default_factory=set)
    """What the incident's own record is to settle."""
    doubted: set[str] = field(default_factory=set)
    """What its own record left in doubt, in this round."""
    gone: list[str] = field(default_factory=list)
    errors: list[BetterStackError] = field(default_factory=list)

    @property
    def to_look_up(self) -> set[str]:
        """Those whose own record must be read."""
        return self.missing | self.in_doubt | self.doubted_before

    @property
    def missing(self) -> set[str]:
        return self.tracked.keys() - self.seen


class Poll:
    """Asks Better Stack, and writes down what is true and what must therefore be told."""

    def __init__(
        self,
        source: Source,
        incidents: Incidents,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        log: Log,
        on_told: Callable[[], None],
        their_clock: Callable[[], datetime] | None = None,
        shown: list[Shown] | None = None,
    ) -> None:
        """`clock` gives aware UTC times, `their_clock` those of Better Stack's clock.

        `on_told` is called after each commit that put something into the outbox. `shown` is where the source notes what
        each list came to.
        """
        self._source = source
        self._incidents = incidents
        self._settings = settings
        self._templates = Templates(settings)
        self._clock = clock
        self._their_clock = their_clock or clock
        self._log = log
        self._on_told = on_told
        self._fingerprint = settings.betterstack.fingerprint
        self._shown = [] if shown is None else shown
        self._lookups = Lookups(source, incidents, settings, clock, log)

    def round(self, *, sweep: bool) -> None:
        """One complete round. Raises `BetterStackError` if it failed, `StoppedError`, `DatabaseBusyError`."""
        progress = self._incidents.progress()
        this_round = _RoundProgress(
            self._policy(progress), self._incidents.tracked(), self._clock(), self._incidents.doubted()
        )
        self._shown.clear()
        try:
            self._gather(this_round, progress, sweep=sweep)
            self._settle_gone(this_round, progress)
            if this_round.errors:
                raise this_round.errors[0]
        except BetterStackError as error:
            refused = any(isinstance(one, TokenRefusedError) for one in (error, *this_round.errors))
            self._incidents.fail_round(str(error), self._clock(), token_refused=refused)
            raise
        shown = least_readable(self._shown)
        self._incidents.complete_round(self._clock(), self._their_clock() - self._clock(), shown)

    def _gather(self, this_round: _RoundProgress, progress: Progress, *, sweep: bool) -> None:
        with _collect_errors(this_round):
            for page in self._source.open_pages():
                self._take(page, this_round)
        this_round.spoilt = self._shown[0].unreadable if self._shown else ()
        if sweep:
            self._sweep(this_round, progress)
        if len(this_round.missing) > MANY:
            self._catch_up(this_round)
        self._look_up(this_round)

    def _sweep(self, this_round: _RoundProgress, progress: Progress) -> None:
        """Finds what opened and closed between two rounds."""
        now = self._clock()
        unwatched = now - min(progress.last_complete_round_at or now, now)
        since = self._their_clock() - unwatched - timedelta(days=1)
        with _collect_errors(this_round):
            for page in self._source.pages_since(since.date()):
                self._take(page, this_round)

    def _catch_up(self, this_round: _RoundProgress) -> None:
        """Reads pages from the oldest of many that vanished on, as long as that is less work than lookups."""
        lookups = len(this_round.missing)
        starts = [
            at for incident_id in this_round.missing if (at := this_round.tracked[incident_id].started_at) is not None
        ]
        with _collect_errors(this_round):
            for number, page in enumerate(self._source.pages_since(min(starts, default=self._clock()).date()), 1):
                self._take(page, this_round)
                if not this_round.missing or number >= lookups:
                    return

    def _look_up(self, this_round: _RoundProgress) -> None:
        found = self._lookups.read(
            this_round.to_look_up,
            this_round.spoilt,
            lambda incident: self._take((incident,), this_round, own=True),
            lists_failed=bool(this_round.errors),
        )
        this_round.gone += found.gone
        this_round.errors += found.errors
        self._look_twice(this_round)

    def _look_twice(self, this_round: _RoundProgress) -> None:
        """What was in doubt before this round, and is so again, is believed if one more look says the same.

        Where one answer in twenty is stale, one incident in thousands would else be told of for nothing.
        """
        for incident_id in sorted(this_round.doubted & this_round.doubted_before):
            # What cannot be read this time stays in doubt.
            with suppress(BetterStackError):
                found = self._source.lookup(incident_id)
                if isinstance(found, Incident):
                    self._take((found,), this_round, own=True)

    def _take(self, page: Page, this_round: _RoundProgress, *, own: bool = False) -> None:
        """Decides on each incident of a page, or on one by its `own` record, and commits what follows."""
        incidents = {incident.id: incident for incident in page}
        known = self._incidents.known(incidents.keys())
        this_round.recognised |= known.keys() - this_round.seen
        decided = [
            self._decide(known.get(incident.id), incident, this_round, own=own) for incident in incidents.values()
        ]
        self._commit([change for change in decided if change is not None], self._clock())
        this_round.seen |= incidents.keys()

    def _decide(
        self, before: IncidentState | None, seen: Incident, this_round: _RoundProgress, *, own: bool
    ) -> Change | None:
        external_id = self._templates.external_id(seen) if before is None else before.external_id
        read = _read(before, this_round) if own else Read.LISTED
        decision = reconcile(before, seen, external_id, this_round.policy, self._their_clock(), read)
        if decision.in_doubt:
            (this_round.doubted if own else this_round.in_doubt).add(seen.id)
        return self._change(before, seen, decision)

    def _settle_gone(self, this_round: _RoundProgress, progress: Progress) -> None:
        """Takes answers "no such record" for deletions, unless all incidents got one at once."""
        now, theirs = self._clock(), self._their_clock()
        suspected, token = progress.token_suspect_since, self._token(this_round, progress)
        since = suspect_since(this_round.tracked, this_round.seen, this_round.gone, suspected, now, token)
        if token is Token.RECOGNISED or (suspected is not None and since is None):
            self._incidents.know_token(self._fingerprint)
        # While the token is suspect, time proves nothing: the first answer is noted, and no second one is believed.
        proof = timedelta.max if since is not None else self._settings.poll.gone_after
        known = self._incidents.known(this_round.gone)
        decisions = [(before, reconcile_gone(before, proof, now, theirs)) for before in known.values()]
        changes = [self._change(before, before.as_incident(), decision) for before, decision in decisions]
        self._commit([change for change in changes if change is not None], now)
        if since != suspected:
            self._incidents.suspect_token(since)
        if since is not None:
            what = f"all {len(this_round.tracked)} open incidents answer"
            if token is Token.NEW:
                lost = sorted(this_round.tracked.keys() & set(this_round.gone))
                what = f"the token is another one than before, and open incidents ({', '.join(lost)}) answer"
            raise TokenSuspectError(
                f'{what} "no such record", as if betterstack.token were another team\'s; check it '
                f"(these count as deletions from {since + SUSPICION_LASTS:%Y-%m-%d %H:%M} UTC on)"
            )

    def _token(self, this_round: _RoundProgress, progress: Progress) -> Token:
        """What is known of the token. Where nothing is tracked there is nothing that a wrong one could end."""
        if progress.token_fingerprint == self._fingerprint and progress.token_changed_at is None:
            return Token.KNOWN
        if progress.token_fingerprint == self._fingerprint or not this_round.tracked:
            self._incidents.know_token(self._fingerprint)
            return Token.KNOWN
        if progress.token_changed_at is None:
            self._incidents.token_changed(this_round.began_at)
            return Token.RECOGNISED if this_round.recognised else Token.NEW
        of_old = self._incidents.recorded_before(progress.token_changed_at)
        return Token.NEW if of_old.isdisjoint(this_round.recognised) else Token.RECOGNISED

    def _change(self, before: IncidentState | None, seen: Incident, decision: Decision) -> Change | None:
        if decision.after == before and not decision.transitions:
            return None
        after = decision.after
        return Change(after, tuple((told, self._payload(told, seen, after)) for told in decision.transitions))

    def _payload(self, transition: Transition, seen: Incident, after: IncidentState) -> dict[str, Any]:
        try:
            return self._templates.payload(transition.kind, seen, after.external_id, transition.note)
        except Exception as error:  # noqa: BLE001 - whatever a template does, somebody must be woken
            self._log.warning("template failed", incident=seen.id, kind=transition.kind, error=repr(error))
            return minimal(transition.kind, seen.id, after.external_id)

    def _commit(self, changes: list[Change], now: datetime) -> None:
        if not changes:
            return
        self._incidents.record(changes, now)
        if any(change.transitions for change in changes):
            self._on_told()
        for change in changes:
            for transition, _ in change.transitions:
                self._log.info(
                    "transition",
                    incident=change.after.id,
                    kind=transition.kind,
                    generation=transition.generation,
                    reason=transition.reason,
                    name=change.after.name,
                )

    def _policy(self, progress: Progress) -> Policy:
        return Policy(
            first_start=progress.last_complete_round_at is None,
            baseline=self._settings.poll.initial == "baseline",
            stale_after=self._settings.delivery.stale_after,
            acknowledged=self._settings.delivery.acknowledged,
        )


def _read(before: IncidentState | None, this_round: _RoundProgress) -> Read:
    """Only what was in doubt before this round is looked at again in it."""
    return Read.OWN_LATER if before is not None and before.id in this_round.doubted else Read.OWN


@contextmanager
def _collect_errors(this_round: _RoundProgress) -> Iterator[None]:
    """Notes a failed request and lets the round go on, unless Better Stack asked to be left alone."""
    try:
        yield
    except BetterStackError as error:
        if error.retry_after is not None:
            raise
        this_round.errors.append(error)
