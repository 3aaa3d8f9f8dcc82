"""SIGNL4 as a target of deliveries: one event each, and no second alert where a look shows that the first is there.

Without a finder every delivery is sent. With one, a `new` that SIGNL4 may have taken without a word of it is looked up
first. If SIGNL4 cannot be asked, or does not clearly have it, it is sent: twice is better than never.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from daemon.decisions.payload import minimal
from daemon.in_flight import Receiver
from daemon.model.delivery import Answer, Delivered, Delivery
from daemon.model.errors import StoppedError
from daemon.model.incident import Kind
from daemon.model.signl4 import SeenAlert

CLOCKS_APART = timedelta(seconds=2)
"""How far a time of SIGNL4's may be off after its clock was compared with ours."""


class Finder(Protocol):
    """SIGNL4's REST API, as look-ups use it. Called by several threads at a time, and waits for nobody."""

    def alerts_of(self, external_id: str) -> tuple[SeenAlert, ...]:
        """The alerts with this external id, in any phase. Raises `Signl4ApiError`."""

    @property
    def ahead(self) -> timedelta | None:
        """How far SIGNL4's clock is ahead of ours, if that is known."""


class Pager:
    """One team of SIGNL4."""

    def __init__(
        self,
        receiver: Receiver,
        finder: Finder | None = None,
        *,
        alone: bool = True,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """`alone`: whether no other team gets events with the same external ids. `stopped`: whether the program stops.

        Without a `finder` nothing is looked up.
        """
        self._receiver = receiver
        self._finder = finder
        self._alone = alone
        self._stopped = stopped

    @property
    def looks_up(self) -> bool:
        """Whether it asks for what SIGNL4 may have taken."""
        return self._finder is not None

    def send(self, delivery: Delivery) -> Answer:
        """Sends one event, unless SIGNL4 has it. Raises `StoppedError` if the program stops after a look-up."""
        if self._finder is not None and delivery.maybe_taken and delivery.kind is Kind.NEW:
            alert = self._found(self._finder, delivery)
            if alert is not None:
                return Answer(Delivered(alert.event_id, found=True))
            if self._stopped():
                raise StoppedError
        full = None if delivery.own_fault else delivery.payload
        return self._receiver.send(full or self.minimal(delivery))

    def minimal(self, delivery: Delivery) -> Mapping[str, Any]:
        """The smallest body that alerts."""
        return minimal(delivery.kind, delivery.incident_id, delivery.external_id)

    def _found(self, finder: Finder, delivery: Delivery) -> SeenAlert | None:
        """The alert that this delivery raised; `None` if there is none, or if that cannot be known."""
        try:
            alerts = finder.alerts_of(delivery.external_id)
            ahead = finder.ahead or timedelta(0)
        except Exception:  # noqa: BLE001 - whatever goes wrong there, also by a fault of this program: it is sent
            return None
        return next((alert for alert in alerts if self._is_of(delivery, alert, ahead)), None)

    def _is_of(self, delivery: Delivery, alert: SeenAlert, ahead: timedelta) -> bool:
        """Whether it cannot be another team's, nor that of an earlier generation."""
        known = delivery.event_source is not None and alert.event_source is not None
        is_ours = alert.event_source == delivery.event_source if known else self._alone
        if not is_ours or alert.external_id != delivery.external_id or alert.created_at is None:
            return False
        if alert.event_id is not None and alert.event_id == delivery.event_before:
            return False
        return alert.created_at - ahead >= _earliest(delivery) - CLOCKS_APART


def _earliest(delivery: Delivery) -> datetime:
    """Before then this delivery cannot have raised anything."""
    return max(delivery.created_at, delivery.previous_at or delivery.created_at)
