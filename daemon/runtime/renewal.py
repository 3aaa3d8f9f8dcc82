"""Renews the lease of a leader in a thread of its own: no job, however long it takes, delays that.

Trust is counted, never assumed: if the thread dies or stands still, trusted time runs out and nothing more is sent.
"""

from collections.abc import Callable
from datetime import datetime
from threading import Event as Flag
from threading import Thread
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from daemon.host.clock import boottime
from daemon.host.signals import Stop
from daemon.model.errors import DaemonError, DatabaseBusyError
from daemon.model.event import Listener
from daemon.model.events import lease as events
from daemon.model.events.process import Warned
from daemon.storage.term import Term

RENEWALS = 6
"""In the duration of a lease, so that a single one may fail, or take long."""
AGAIN = 1.0
"""Seconds between two attempts to renew it, after one that failed."""
PATIENCE = 15.0
"""Seconds that an attempt under way gets to end: longer than its own deadline."""
UNTRUSTED = "the lease cannot be renewed, so nothing is sent"


class Renewal:
    """A context, in which the lease is renewed; its end does not give it back."""

    def __init__(self, term: Term, duration: float, over: Stop, log: Listener) -> None:
        """`duration`: of the lease, in seconds. `over` is set once the lease is lost."""
        self._term = term
        self._every = duration / RENEWALS
        self._over = over
        self._log = log
        self._done = Flag()
        self._thread = Thread(target=self._renew_always, name="lease", daemon=True)
        self._failed: str | None = None
        self._remark: str | None = None

    def __enter__(self) -> Self:
        """Raises `DaemonError` if no thread can be started."""
        try:
            self._thread.start()
        except RuntimeError as error:
            raise DaemonError(f"no thread can be started to renew the lease ({error}); look at TasksMax=") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join(PATIENCE)

    @property
    def engine(self) -> Engine:
        """Of which a write fails once another host has taken over."""
        return self._term.engine

    def trusted_until(self) -> float:
        """Until when no other host may send, on CLOCK_BOOTTIME in seconds. Called by any thread."""
        return boottime() + self._term.trusted()

    def repair(self, _log: Listener, _on_progress: Callable[[], None]) -> None:
        """Between two rounds: raises `DatabaseBusyError` while nothing may be sent, so that this is not overlooked."""
        if self._term.trusted() <= 0:
            raise DatabaseBusyError(self._why())

    def note_checkpoint(self, at: datetime) -> None:
        """A server sees to its log itself."""

    def line(self) -> str:
        """For the service manager's status."""
        leads = f"leads with epoch {self._term.epoch}"
        return leads if self._term.trusted() > 0 else f"{leads}, but {self._why()}"

    def _why(self) -> str:
        return f"{UNTRUSTED}: {reason}" if (reason := self._failed or self._term.remark) else UNTRUSTED

    def _renew_always(self) -> None:
        pause = self._every
        while not self._done.wait(pause):
            pause = self._renew()
            if self._term.lost is not None:
                self._log(events.LeaseLost(self._term.lost))
                self._over.set()
                return

    def _renew(self) -> float:
        """Seconds until the next attempt."""
        try:
            self._term.renew()
        except DatabaseBusyError as error:
            if self._failed != str(error) and self._term.lost is None:
                self._log(events.LeaseNotRenewed(str(error)))
            self._failed = str(error)
            return AGAIN
        if self._failed is not None:
            self._log(events.LeaseRenewed())
        self._failed = None
        if (remark := self._term.remark) != self._remark and remark is not None:
            self._log(Warned(remark))
        self._remark = remark
        return self._every if remark is None else AGAIN
