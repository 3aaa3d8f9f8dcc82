"""All verbs of the storage in one place, for tests that play all jobs themselves."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Engine

from daemon.model.delivery import Delivery, DestinationState, Result
from daemon.model.destination import DEFAULT, Destination
from daemon.model.incident import Progress, Unreadable
from daemon.storage.housekeeping import Housekeeping
from daemon.storage.incidents import Incidents
from daemon.storage.outbox import Outbox

HERE = Destination(DEFAULT, "https://signl4.example.com")


class Store(Incidents, Outbox, Housekeeping):
    """With the outbox of one destination."""

    def __init__(self, engine: Engine, destination: Destination = HERE) -> None:
        Incidents.__init__(self, engine)
        Outbox.__init__(self, engine, destination)

    def progress(self) -> Progress:
        """The recorded progress of polling."""
        return self.begin_round().progress

    def set_aside(self) -> Mapping[str, Unreadable]:
        """The incidents whose record cannot be read, by id."""
        return self.begin_round().set_aside

    def destination_state(self) -> DestinationState:
        """The recorded state of the destination."""
        return self.look()[0]

    def event_limit(self) -> int | None:
        """The recorded limit of the account."""
        return self.look()[1]

    def claim(self, delivery: Delivery, now: datetime) -> bool:
        """Claims this delivery alone."""
        return bool(Outbox.settle_and_claim(self, [], [delivery], *self.look()[:2], now).claimed)

    def give_back(self, delivery: Delivery) -> None:
        """Takes back the claim of a delivery, given as it was read before."""
        state, limit, _ = self.look()
        Outbox.settle_and_claim(self, [], [], state, limit, datetime.now(UTC), unsent=[delivery])

    def supersede(self, delivery: Delivery, reason: str) -> None:
        """Supersedes this delivery alone, with all that is pending of its generation."""
        self.put_off([], [(delivery, reason)], datetime.now(UTC))

    def settle(self, result: Result, state: DestinationState, event_limit: int | None = None) -> bool:
        """Records this result alone. Whether it was still wanted."""
        return not Outbox.settle_and_claim(self, [result], [], state, event_limit, result.at).unwanted
