"""Better Stack as a target of deliveries: what a person did in SIGNL4 is done there, in that person's name."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from daemon.model.delivery import Answer, Delivery, Scope, TryLater
from daemon.model.incident import Kind
from daemon.model.polling import section_of

BY = "by"
"""The key of a payload that says in whose name it is done."""
ANYBODY = "SIGNL4"
"""In whose name the minimal payload does it."""


class Changes(Protocol):
    """Better Stack's API, as far as it changes incidents."""

    def send(self, incident_id: str, kind: Kind, by: str) -> Answer:
        """Acknowledges or resolves an incident. Network and server errors raise nothing."""


class Accounts:
    """Several accounts as one: each incident is changed in the one that tracks it."""

    def __init__(self, changes: Mapping[str, Changes], tracker_of: Callable[[str], str]) -> None:
        """`changes`: by the name of the account; `tracker_of` gives that of an incident."""
        self._changes = changes
        self._tracker_of = tracker_of

    def send(self, incident_id: str, kind: Kind, by: str) -> Answer:
        """Acknowledges or resolves an incident. Raises what `tracker_of` raises."""
        polled_from = self._tracker_of(incident_id)
        if polled_from not in self._changes:
            section = section_of(polled_from)
            return Answer(TryLater(f"the configuration has no [{section}] any more, which tracks it", Scope.ROW))
        answer = self._changes[polled_from].send(incident_id, kind, by)
        if isinstance(answer.outcome, TryLater) and answer.outcome.scope is Scope.SECRET:
            # That one token may not write says nothing of the others.
            return replace(answer, outcome=replace(answer.outcome, scope=Scope.ROW))
        return answer


class BetterStackWriter:
    """Writes to Better Stack."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    def send(self, delivery: Delivery) -> Answer:
        """Acknowledges or resolves the incident."""
        by = None if delivery.own_fault else (delivery.payload or {}).get(BY)
        return self._changes.send(delivery.incident_id, delivery.kind, by if by and isinstance(by, str) else ANYBODY)

    def minimal(self, delivery: Delivery) -> Mapping[str, Any]:  # noqa: ARG002 - it is the same for all
        """Without a name, which may be what was refused."""
        return {BY: ANYBODY}
