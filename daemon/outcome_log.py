"""Logs what came of each attempt: an error that many deliveries share is told once, and its end as well."""

from dataclasses import replace

from daemon.decisions.outcome import what_came_of
from daemon.model.delivery import DeliveryState, Result
from daemon.model.destination import BETTER_STACK, DEFAULT
from daemon.model.event import Event, Listener
from daemon.model.events import deliveries as events


def naming(team: str, log: Listener) -> Listener:
    """A log whose events name the team, if it is not `default`, or Better Stack."""

    def heard(event: Event) -> None:
        if team == BETTER_STACK and isinstance(event, events.Signl4TakesAgain):
            event = events.BetterStackTakesAgain(event.after)
        log(replace(event, team=team) if isinstance(event, events.OfTeam) else event)

    return log if team == DEFAULT else heard


class OutcomeLog:
    """Called by the thread of `deliver`."""

    def __init__(self, log: Listener) -> None:
        self._log = log
        self._last_error: str | None = None
        self.deaths = 0
        """How many deliveries died."""

    def note(self, result: Result, *, still_wanted: bool) -> None:
        """After a result is recorded. `still_wanted`: whether nobody had dropped the delivery by then."""
        disposition = result.disposition
        if not still_wanted:
            disposition = replace(disposition, state=DeliveryState.SUPERSEDED)
        event = what_came_of(result.delivery, result.answer, disposition, self._last_error, result.at)
        match event:
            case events.Delivered():
                if self._last_error is not None:
                    self._log(events.Signl4TakesAgain(self._last_error))
                self._last_error = None
            case events.NotDelivered():
                self._last_error = event.error
            case events.DeliveryDead():
                self.deaths += 1
        self._log(event)
