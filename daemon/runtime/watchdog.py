"""Checks that the jobs make progress. A hang ends the process: a restart is always safe. An outage does not."""

import time

from daemon.host.output import end_at_once
from daemon.host.systemd import Systemd
from daemon.model.events.process import Stuck
from daemon.runtime.jobs import Jobs
from daemon.storage.place import is_postgresql

STANDSTILL = 3.0
"""If the main thread itself wakes this late (s), the process was suspended: no job is hung."""
SERVER_PATIENCE = 30.0
"""Seconds that a transaction on a server may take besides: to connect, to end, and to ask what became of a COMMIT."""
EXIT_STUCK = 70
LAST_WORDS = 0.2
"""Seconds that the log gets for its last lines."""


class Watchdog:
    """Called by the main thread, which does no work and so cannot hang itself."""

    def __init__(self, systemd: Systemd) -> None:
        self._systemd = systemd
        self._looked = time.monotonic()

    def look(self, jobs: Jobs, tick: float) -> None:
        """Tells systemd that all jobs make progress, or ends the process. `tick`: seconds between two looks."""
        suspended = time.monotonic() - self._looked > tick + STANDSTILL
        self._looked = time.monotonic()
        for liveness in jobs.liveness.values() if suspended else ():
            liveness.reset()
        settings = jobs.components.settings
        limit = 3 * settings.poll.interval.total_seconds() + 2 * settings.http.timeout.total_seconds()
        limit += SERVER_PATIENCE if is_postgresql(settings.database.url) else 0
        hung = next((name for name, liveness in jobs.liveness.items() if liveness.silent_for() > limit), None)
        if hung is not None:
            jobs.components.log(Stuck(hung, f"{limit:.0f}s"))
            end_at_once(LAST_WORDS, EXIT_STUCK)
        self._systemd.alive()
