"""The deliveries to one team as a job: one pass after the other. No team waits for another."""

from collections.abc import Callable
from datetime import datetime, timedelta

from daemon.deliver import Deliver
from daemon.host.liveness import Liveness
from daemon.model.destination import DEFAULT
from daemon.model.errors import DatabaseBusyError
from daemon.model.event import Listener
from daemon.model.events import deliveries as events

PAUSE = timedelta(seconds=1)
"""After a pass that failed, by the database or by a fault of this program."""
LOOK_AGAIN = timedelta(seconds=10)
"""The longest time between two looks at the outbox: `retry` runs in another process and cannot wake this one."""


UNTRUSTED = "the lease is not renewed, so another host may send by now"


def job_of(team: str) -> str:
    """The name of the job, and of its thread."""
    return "deliver" if team == DEFAULT else f"deliver-{team}"


def drain(deliver: Deliver) -> datetime | None:
    """Sends what is due, as `Deliver.drain`. Raises `DatabaseBusyError`, also while another host may send."""
    if not deliver.trusted():
        raise DatabaseBusyError(UNTRUSTED)
    return deliver.drain()


class DeliveryJob:
    """`run` is called by the thread of the job, `rest` when a run is over, `wake` by any."""

    def __init__(self, deliver: Deliver, liveness: Liveness, log: Listener, clock: Callable[[], datetime]) -> None:
        self.deliver = deliver
        self._liveness = liveness
        self._log = log
        self._clock = clock
        self._wakes = self._wakes_before = 0
        self._next_at: datetime | None = None
        self._last_error: str | None = None

    def wake(self) -> None:
        """Something was put into the outbox."""
        self._wakes += 1
        self.deliver.wake()

    def run(self) -> None:
        """Sends what is due."""
        self._liveness.beat()
        self._wakes_before = self._wakes
        next_at, failed = None, True
        try:
            next_at = drain(self.deliver)
            failed = False
        except DatabaseBusyError as error:
            if str(error) != self._last_error:
                self._log(events.Postponed(str(error)))
            self._last_error = str(error)
        else:
            if self._last_error is not None:
                self._log(events.Resumed(self._last_error))
            self._last_error = None
        finally:
            self._next_at = self._clock() + PAUSE if failed else next_at

    def rest(self) -> float:
        """Seconds until the next run."""
        self._liveness.idle()
        if self._wakes != self._wakes_before:
            # Something arrived during this run.
            return 0
        latest = self._clock() + LOOK_AGAIN
        return (min(self._next_at or latest, latest) - self._clock()).total_seconds()
