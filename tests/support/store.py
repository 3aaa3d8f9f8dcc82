"""All verbs of the storage in one place, for tests that play all jobs themselves."""

from sqlalchemy import Engine

from daemon.model.destination import DEFAULT, Destination
from daemon.storage.housekeeping import Housekeeping
from daemon.storage.incidents import Incidents
from daemon.storage.outbox import Outbox

HERE = Destination(DEFAULT, "https://signl4.example.com")


class Store(Incidents, Outbox, Housekeeping):
    """With the outbox of one destination."""

    def __init__(self, engine: Engine, destination: Destination = HERE) -> None:
        Outbox.__init__(self, engine, destination)
