"""Handles the answer "no such record": a deletion, unless it comes for all incidents at once.

In that case the token is suspected: with another team's token every incident answers like that.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from daemon.config.settings import Settings
from daemon.decisions.reconcile import reconcile_gone
from daemon.decisions.suspicion import SUSPICION_LASTS, Token, suspect_since
from daemon.model.errors import TokenSuspectError
from daemon.model.incident import Progress
from daemon.model.polling import section_of
from daemon.recording import Recording
from daemon.round_progress import RoundProgress
from daemon.storage.incidents import Incidents


class Deletions:
    """Called only by the thread that polls."""

    def __init__(
        self,
        incidents: Incidents,
        recording: Recording,
        settings: Settings,
        clock: Callable[[], datetime],
        their_clock: Callable[[], datetime],
    ) -> None:
        """The arguments are those of `Poll`."""
        self._incidents = incidents
        self._recording = recording
        self._gone_after = settings.poll.gone_after
        self._fingerprint = settings.betterstack.fingerprint
        self._clock = clock
        self._their_clock = their_clock

    def settle(self, this_round: RoundProgress, progress: Progress) -> None:
        """Records the deletions that this round proves. Raises `TokenSuspectError` while the token is suspected."""
        now, theirs = self._clock(), self._their_clock()
        suspected, token = progress.token_suspect_since, self._token(this_round, progress)
        since = suspect_since(this_round.start, this_round.seen, this_round.gone, suspected, now, token)
        if token is Token.RECOGNISED or (suspected is not None and since is None):
            self._incidents.know_token(self._fingerprint)
        # While the token is suspected, the first answer is recorded, but no second one proves a deletion.
        proof = timedelta.max if since is not None else self._gone_after
        known = self._incidents.known(this_round.gone).values()
        decided = [(one, one.as_incident(), reconcile_gone(one, proof, now, theirs)) for one in known]
        self._recording.apply(decided, now)
        if since != suspected:
            self._incidents.suspect_token(since)
        if since is not None:
            what = f"all {len(this_round.start.tracked)} open incidents answer"
            if token is Token.NEW:
                lost = sorted(this_round.start.tracked.intersection(this_round.gone))
                what = f"the token is another one than before, and open incidents ({', '.join(lost)}) answer"
            token_of = section_of(self._incidents.polled_from)
            raise TokenSuspectError(
                f'{what} "no such record", as if {token_of}.token were another team\'s; check it '
                f"(these count as deletions from {since + SUSPICION_LASTS:%Y-%m-%d %H:%M} UTC on)"
            )

    def _token(self, this_round: RoundProgress, progress: Progress) -> Token:
        """What is known of the token. With nothing tracked, a new one is accepted: it could end no incident."""
        if progress.token_fingerprint == self._fingerprint and progress.token_changed_at is None:
            return Token.KNOWN
        if progress.token_fingerprint == self._fingerprint or not this_round.start.tracked:
            self._incidents.know_token(self._fingerprint)
            return Token.KNOWN
        if progress.token_changed_at is None:
            self._incidents.token_changed(this_round.began_at)
            return Token.RECOGNISED if this_round.recognised else Token.NEW
        of_old = self._incidents.recorded_before(progress.token_changed_at)
        return Token.NEW if of_old.isdisjoint(this_round.recognised) else Token.RECOGNISED
