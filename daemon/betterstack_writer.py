"""Better Stack as a target of deliveries: what a person did in SIGNL4 is done there, in that person's name."""

from collections.abc import Mapping
from typing import Any, Protocol

from daemon.model.delivery import Answer, Delivery
from daemon.model.incident import Kind

BY = "by"
"""The key of a payload that says in whose name it is done."""
ANYBODY = "SIGNL4"
"""In whose name the minimal payload does it."""


class Changes(Protocol):
    """Better Stack's API, as far as it changes incidents."""

    def send(self, incident_id: str, kind: Kind, by: str) -> Answer:
        """Acknowledges or resolves an incident. Network and server errors raise nothing."""


class BetterStackWriter:
    """Writes to one account of Better Stack."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    def send(self, delivery: Delivery) -> Answer:
        """Acknowledges or resolves the incident."""
        by = None if delivery.own_fault else (delivery.payload or {}).get(BY)
        return self._changes.send(delivery.incident_id, delivery.kind, by if by and isinstance(by, str) else ANYBODY)

    def minimal(self, delivery: Delivery) -> Mapping[str, Any]:  # noqa: ARG002 - it is the same for all
        """Without a name, which may be what was refused."""
        return {BY: ANYBODY}
