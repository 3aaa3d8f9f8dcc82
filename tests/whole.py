"""All verbs of the storage in one place, for tests that play all jobs themselves."""

from daemon.storage.housekeeping import Housekeeping
from daemon.storage.incidents import Incidents
from daemon.storage.outbox import Outbox


class Store(Incidents, Outbox, Housekeeping):
    """Each takes an engine, and nothing else."""
