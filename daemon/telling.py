"""Who is told of the transitions of an incident, and in which words.

1. Who is told is decided when an incident opens, and kept with it: whoever got the `new` gets what follows, whatever
   the configuration says by then. An incident that opens again is decided on anew; its earlier end goes where its
   earlier beginning went.
2. A faulty template loses no alert: the minimal body takes its place.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from daemon.config.settings import Settings
from daemon.decisions.facts import facts
from daemon.decisions.payload import NOTHING, Templates, minimal
from daemon.decisions.reconcile import Decision
from daemon.decisions.route import Routes
from daemon.flapping import Flapping
from daemon.model.destination import DEFAULT
from daemon.model.event import Listener
from daemon.model.events import rounds as events
from daemon.model.history import Entry, Happening
from daemon.model.incident import Incident, IncidentState, Kind, Transition
from daemon.model.routing import Recipient, Routing
from daemon.model.subject import Subject
from daemon.storage.incidents import Change, Incidents, Message


@dataclass(frozen=True, slots=True)
class Ignored:
    """A route says that the incident is not recorded. The next look at it decides anew."""


class Telling:
    """Called by one thread."""

    def __init__(
        self,
        settings: Settings,
        incidents: Incidents,
        *,
        clock: Callable[[], datetime],
        log: Listener,
        routes: Routes | None = None,
    ) -> None:
        """The arguments are those of `Poll`. Raises `ConfigError` for an invalid template."""
        self._flapping = Flapping(incidents, settings.route)
        self._templates = Templates(settings)
        self._routes = routes or Routes(settings.route)
        self._polled_from = incidents.polled_from
        tells = settings.betterstack.tells
        self._unrouted = None if tells == DEFAULT else Routing.to(tells)
        self._acknowledged = settings.delivery.acknowledged
        self._clock = clock
        self._log = log

    def external_id(self, incident: Incident) -> str:
        """The external id of a new incident; it never changes afterwards."""
        return self._templates.external_id(incident)

    def begin_page(self) -> None:
        """Decisions follow that are recorded together."""
        self._flapping.begin_page()

    def changes(self, before: IncidentState | None, seen: Incident, decision: Decision) -> list[Change] | Ignored:
        """What is recorded of a decision."""
        after = (decision.after if before is None else decision.after.routed_as(before)).tracked_by(self._polled_from)
        opening = next((one for one in decision.transitions if one.kind is Kind.NEW), None)
        if opening is not None:
            return self._open(before, seen, after, decision.transitions)
        if after == before and not decision.transitions:
            return []
        return [Change(after, tuple(self._messages(decision.transitions, seen, after)))]

    def flapped(self) -> list[Change]:
        """The ends of alerts that a source flaps."""
        ended = self._flapping.ended(self._clock())
        return [Change(state, tuple(self._messages([over], state.as_incident(), state))) for state, over in ended]

    def _open(
        self, before: IncidentState | None, seen: Incident, after: IncidentState, transitions: Iterable[Transition]
    ) -> list[Change] | Ignored:
        """Decides who is told of a generation that begins."""
        ended = [one for one in transitions if one.generation < after.generation]
        begun = [one for one in transitions if one.generation == after.generation]
        now, found = self._clock(), facts(seen)
        verdict = self._routes.decide(found, now, self._unrouted)
        if verdict.is_ignored and before is None:
            return Ignored()
        why = [Entry(after.id, after.generation, now, Happening.ROUTED, reason) for reason in verdict.reasons]
        messages = list(self._messages(ended, seen, after))
        if verdict.silent_because is not None:
            silent = replace(after, alerted=False, silent_because=verdict.silent_because)
            return [Change(silent, tuple(messages), tuple(why))]
        recipients = (verdict.routing or Routing()).recipients
        after = replace(after, routing=verdict.routing, source=self._flapping.source(seen, recipients))
        flapping = self._flapping.routes(after.source, after.recipients, begun[0].occurred_at)
        subjects = {one.route: Subject(found, one.route, one.route in flapping) for one in after.recipients}
        told = Change(after, (*messages, *self._messages(begun, seen, after, subjects)), tuple(why))
        return [told, *self._flap(seen, after, flapping, Subject(found))]

    def _flap(self, seen: Incident, after: IncidentState, routes: frozenset[str], subject: Subject) -> Iterator[Change]:
        if after.source is None:
            return
        for state, begun in self._flapping.begun(seen, after.source, after.recipients, routes, self._clock()):
            subjects = {one.route: subject for one in state.recipients}
            yield Change(state, tuple(self._messages([begun], seen, state, subjects)))

    def _messages(
        self,
        transitions: Iterable[Transition],
        seen: Incident,
        state: IncidentState,
        subjects: Mapping[str, Subject] = NOTHING,
    ) -> Iterator[Message]:
        """`subjects`: by route, where a generation begins, what rules are compared with."""
        for transition in transitions:
            for recipient in state.recipients:
                if transition.kind is Kind.ACKNOWLEDGED and not self._wants_acknowledged(recipient):
                    continue
                body = self._payload(transition, seen, state.external_id, recipient)
                subject = subjects[recipient.route].written() if transition.kind is Kind.NEW else None
                yield Message(transition, body, recipient.team, subject)

    def _wants_acknowledged(self, recipient: Recipient) -> bool:
        return self._acknowledged if recipient.acknowledged is None else recipient.acknowledged

    def _payload(
        self, transition: Transition, seen: Incident, external_id: str, recipient: Recipient
    ) -> dict[str, Any]:
        kind = transition.kind
        try:
            overlay = recipient.overlay.get(kind, {})
            return self._templates.payload(kind, seen, external_id, transition.note, overlay)
        except Exception as error:  # noqa: BLE001 - a faulty template must not lose the alert
            self._log(events.TemplateFailed(seen.id, kind, repr(error)))
            return minimal(kind, seen.id, external_id)
