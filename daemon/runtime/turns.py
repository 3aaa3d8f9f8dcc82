"""Several hosts on one server take turns: each stands by until it leads, and leads until it stops or another does."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

from daemon.config.configuration import Configuration
from daemon.host.signals import Stop
from daemon.model.errors import AnotherInstanceError, DatabaseBusyError
from daemon.model.event import Listener
from daemon.model.events import lease as events
from daemon.model.snapshot import RunMode
from daemon.notes import Notes
from daemon.runtime.exposure import Exposure
from daemon.runtime.life import Life, lead
from daemon.runtime.renewal import Renewal
from daemon.runtime.shared import Shared, shared_on
from daemon.runtime.standby import LOOK_AGAIN, Standby
from daemon.runtime.surroundings import Surroundings
from daemon.storage.lease import Contender
from daemon.storage.run_mode import record_run_mode
from daemon.storage.term import Term
from daemon.storage.upgrade import upgrade


def take_turns(life: Life, configuration: Configuration, url: str, more_time: Callable[[], None]) -> None:
    """Until the stop. `more_time` is called while an upgrade makes progress. Raises what `Standby.wait` raises."""
    is_start = True
    while True:
        standby = Standby(life, configuration, url, more_time, is_start=is_start)
        if (term := standby.wait()) is None:
            return
        is_start = False
        configuration = _lead(life, standby.configuration, term)


def _lead(life: Life, configuration: Configuration, term: Term) -> Configuration:
    """One term of this host. Returns the configuration that was in force last."""
    log = life.log_for(configuration)
    with life.stop.part() as over, _renewed(term, configuration, over, log) as renewal:
        try:
            shared = _shared(renewal, replace(life.surroundings, stop=over), life.exposure, life.notes, RunMode.RUN)
            return lead(life, configuration, shared, renewal.line)
        except DatabaseBusyError as error:
            log(events.CannotTakeOver(str(error)))
            life.stop.wait(LOOK_AGAIN)
            return configuration


@contextmanager
def leading_once(configuration: Configuration, url: str, surroundings: Surroundings, log: Listener) -> Iterator[Shared]:
    """For a process that leads once, and only if no other does. Raises `AnotherInstanceError`, and the database's."""
    upgrade(url)
    duration = configuration.settings.lease.duration.total_seconds()
    with closing(Contender(url, duration, os.uname().nodename)) as contender:
        standing = contender.look()
        term = contender.take_over() if standing.expired else None
        if term is None:
            raise AnotherInstanceError(
                f"{standing.leader or 'another host'} leads; stop it first, or let it do the work"
            )
        with surroundings.stop.part() as over, _renewed(term, configuration, over, log) as renewal:
            exposure = Exposure(allowed=surroundings.shows_metrics)
            yield _shared(renewal, replace(surroundings, stop=over), exposure, Notes(), RunMode.ONCE)


@contextmanager
def _renewed(term: Term, configuration: Configuration, over: Stop, log: Listener) -> Iterator[Renewal]:
    """Renews the lease while the block runs, and gives it back after it."""
    log(events.Leads(term.epoch))
    with closing(term):
        with Renewal(term, configuration.settings.lease.duration.total_seconds(), over, log) as renewal:
            yield renewal
        # Also a lost one: if it was lost with a server, the row on the next one may still be of this process.
        with suppress(DatabaseBusyError):
            was_lost = term.lost is not None
            term.give_back()
            if not was_lost:
                log(events.LeaseGivenBack(term.epoch))


def _shared(renewal: Renewal, surroundings: Surroundings, exposure: Exposure, notes: Notes, mode: RunMode) -> Shared:
    """What the jobs work with. Raises `DatabaseBusyError`."""
    record_run_mode(renewal.engine, mode)
    return replace(shared_on(renewal, surroundings, exposure, notes), trusted_until=renewal.trusted_until)
