"""A host that does not lead: it looks every second whether it may, and does nothing else.

Run by the main thread. A database that cannot be reached is no reason to end: this host takes over once it is back.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from daemon.clients.http import tls_context
from daemon.config.configuration import Configuration, differences
from daemon.host.clock import utc_now
from daemon.host.startup import HANGUP
from daemon.model.errors import ConfigError, DatabaseBusyError, DatabaseUnusableError
from daemon.model.event import Listener
from daemon.model.events import lease as events
from daemon.model.events import process
from daemon.model.readings import Readings
from daemon.runtime.life import Life
from daemon.runtime.reload import check_database
from daemon.runtime.senders import past_the_database
from daemon.state_alarm import StateAlarm
from daemon.storage.lease import Contender, Leader, Standing
from daemon.storage.revision import revision_of
from daemon.storage.standbys import StandbyNote
from daemon.storage.term import Term
from daemon.storage.upgrade import upgrade

LOOK_AGAIN = 1.0
"""Seconds between two looks at the lease."""
LOOKS_PER_NOTE = 10
"""So many, and others are told again that this process stands by."""


class Standby:
    """From the start of the process, or the end of a term, to the next term of this host."""

    def __init__(
        self, life: Life, configuration: Configuration, url: str, more_time: Callable[[], None], *, is_start: bool
    ) -> None:
        """`more_time` is called while an upgrade makes progress. `is_start`: what is wrong is raised, not only said."""
        self.configuration = configuration
        self._life = life
        self._url = url
        self._more_time = more_time
        self._is_start = is_start
        self._is_made = False
        self._looks = 0
        self._leader: Leader | None = None
        self._error: str | None = None
        self._refused: str | None = None

    def wait(self) -> Term | None:
        """The term that this host begins; `None` at the stop.

        Raises `ConfigError`, and at the start `DatabaseUnusableError`.
        """
        bell = HANGUP.listen()
        while not self._life.stop.wait(0):
            with self._in_force() as (contender, alarm, log):
                while not HANGUP.asked():
                    if (term := self._look(contender, alarm, log)) is not None:
                        return term
                    self._life.systemd.alive()
                    self._life.systemd.status(self._line())
                    if self._life.stop.wait(LOOK_AGAIN, bell):
                        return None
            self._reload()
        return None

    @contextmanager
    def _in_force(self) -> Iterator[tuple[Contender, StateAlarm, Listener]]:
        """What the configuration in force needs. Raises `ConfigError`."""
        settings, life = self.configuration.settings, self._life
        log = life.exposure.heard(settings, life.log_for(self.configuration))
        duration, host = settings.lease.duration.total_seconds(), os.uname().nodename
        with ExitStack() as opened:
            contender = opened.enter_context(closing(Contender(self._url, duration, host)))
            self._note = opened.enter_context(closing(StandbyNote(self._url, host)))
            tls = tls_context(settings.http)
            alarm = StateAlarm(
                past_the_database(settings, life.surroundings, tls, opened),
                life.notes,
                settings.alarm.poll_after,
                clock=utc_now,
                monotonic=time.monotonic,
                log=log,
                host=host,
            )
            life.exposure.begin(life.exposure.prepare(settings, self._readings), log)
            yield contender, alarm, log

    def _look(self, contender: Contender, alarm: StateAlarm, log: Listener) -> Term | None:
        """The term that this host begins now, if it does. Raises, at the start, `DatabaseUnusableError`."""
        try:
            standing = self._standing(contender)
            if standing.expired and (term := contender.take_over()) is not None:
                return term
        except DatabaseBusyError as error:
            self._cannot(str(error), log)
            alarm.failed(str(error))
        except DatabaseUnusableError as error:
            if self._is_start:
                raise
            self._cannot(str(error), log)
        else:
            self._can(log)
            alarm.works()
            self._follow(standing.leader, log)
        alarm.look()
        self._is_start = False
        return None

    def _standing(self, contender: Contender) -> Standing:
        """Who leads. Makes the tables where there are none, and upgrades them once nobody leads.

        Raises `DatabaseBusyError` and `DatabaseUnusableError`.
        """
        if not self._is_made:
            if revision_of(self._url) is None:
                upgrade(self._url, self._more_time)
            self._is_made = True
        standing = contender.look()
        if standing.expired:
            upgrade(self._url, self._more_time)
        return standing

    def _cannot(self, why: str, log: Listener) -> None:
        if why != self._error:
            log(events.CannotTakeOver(why))
            self._life.systemd.ready()
        self._error = why

    def _can(self, log: Listener) -> None:
        if self._error is not None:
            log(events.CanTakeOver())
        self._error = None

    def _follow(self, leader: Leader | None, log: Listener) -> None:
        """Says who leads, if that is news, and notes that this host stands by."""
        if leader is not None and (self._leader is None or leader.epoch != self._leader.epoch):
            log(events.StandsBy(str(leader)))
            self._life.systemd.ready()
        self._leader = leader
        if self._looks % LOOKS_PER_NOTE == 0:
            self._note.renew()
        self._looks += 1

    def _line(self) -> str:
        """For the service manager's status."""
        stands_by = "stands by" if self._leader is None else f"stands by; {self._leader} leads"
        cannot = None if self._error is None else f"cannot take over: {self._error}"
        return "; ".join(filter(None, (stands_by, cannot, self._refused)))

    def _readings(self) -> Readings:
        """For the metrics."""
        return Readings(None, () if self._error is None else (f"cannot take over: {self._error}",), is_leader=False)

    def _reload(self) -> None:
        """SIGHUP: reads the configuration again."""
        log, read_at = self._life.log_for(self.configuration), time.monotonic()
        if HANGUP.terminal_closed():
            log(process.TerminalClosed())
            self._life.stop.set()
            return
        self._life.systemd.reloading()
        try:
            later = self._life.read()
            check_database(later.settings.database.url, self.configuration.settings.database.url)
        except ConfigError as error:
            refused = process.ConfigurationRefused("; ".join(error.problems))
            log(refused)
            self._refused = refused.text()
        else:
            changed = differences(self.configuration.settings, later.settings)
            log(process.ConfigurationReloaded("; ".join(changed) or "nothing"))
            self.configuration, self._refused = later, None
        self._life.systemd.ready()
        self._life.outcome.leave(read_at, refused=self._refused is not None)
