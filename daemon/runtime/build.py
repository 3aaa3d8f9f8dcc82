"""Where the components are built and tied together, and the only place that knows them all."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from ssl import SSLContext

from sqlalchemy import Engine

from daemon.clients.betterstack import BetterStack
from daemon.clients.heartbeat import Heartbeat
from daemon.clients.http import HttpClient, tls_context
from daemon.clients.signl4 import Signl4
from daemon.config.load import Configuration
from daemon.config.settings import Settings
from daemon.deliver import Deliver
from daemon.host.clock import SteadyClock, TheirClock
from daemon.host.liveness import Liveness
from daemon.host.signals import Stop
from daemon.model.events import Log
from daemon.model.incident import Shown
from daemon.model.snapshot import Duty
from daemon.poll import Poll
from daemon.self_check import Notes, SelfCheck
from daemon.storage import queries
from daemon.storage.duty import take_up
from daemon.storage.engine import locked, open_engine
from daemon.storage.keeper import Keeper
from daemon.storage.store import Store
from daemon.storage.upgrade import upgrade

MOST_WARNINGS = 1000
"""So many different oddities are logged; more would only fill the journal."""


@dataclass(frozen=True, slots=True)
class JobsLiveness:
    """The signs of life of both jobs."""

    poll: Liveness = field(default_factory=Liveness)
    deliver: Liveness = field(default_factory=Liveness)


@dataclass(frozen=True, slots=True)
class Shared:
    """What stays as it is when the settings change."""

    engine: Engine
    stop: Stop
    clock: SteadyClock
    on_told: Callable[[], None]
    their_clock: TheirClock
    liveness: JobsLiveness = field(default_factory=JobsLiveness)
    notes: Notes = field(default_factory=Notes)
    keep: Callable[[Log, Callable[[], None]], None] = lambda _log, _on_progress: None
    """Looks after the database file, between two rounds."""


@dataclass(frozen=True, slots=True)
class Components:
    """What the jobs work with, made for one configuration."""

    settings: Settings
    log: Log
    clock: Callable[[], datetime]
    store: Store
    source: BetterStack
    poll: Poll
    deliver: Deliver
    self_check: SelfCheck
    clients: ExitStack

    def inherit(self, old: "Components") -> None:
        """Takes over what both services said to the old one."""
        self.source.inherit(old.source)
        self.deliver.inherit(old.deliver)

    def close(self) -> None:
        """Gives the connections to the services back."""
        self.clients.close()


@contextmanager
def opened(url: str, on_progress: Callable[[], None] = lambda: None, duty: Duty | None = None) -> Iterator[Keeper]:
    """The database, locked, migrated and kept. `on_progress` is called while that gets on.

    `duty`: as what this process polls, if it does. Raises the database's errors.
    """
    with locked(url) as lock:
        upgrade(url, on_progress)
        with closing(Keeper(url, open_engine(url), lock)) as keeper:
            if duty is not None:
                take_up(keeper.engine, duty)
            yield keeper


def share(keeper: Keeper, stop: Stop, on_told: Callable[[], None]) -> Shared:
    """What one process has for all its configurations. Raises `DatabaseBusyError`."""
    clock = SteadyClock()
    ahead = queries.snapshot(keeper.engine).ahead
    return Shared(keeper.engine, stop, clock, on_told, TheirClock(clock, ahead), keep=keeper.look)


def build(configuration: Configuration, shared: Shared, log_for: Callable[[Configuration], Log]) -> Components:
    """Builds all components. Raises `ConfigError`, with nothing changed: the log is set up when all else is good."""
    settings = configuration.settings
    with ExitStack() as clients:
        tls = tls_context(settings.http)
        incidents, alerts, *watchers = (clients.enter_context(closing(client)) for client in _clients(settings, tls))
        log = log_for(configuration)
        store = Store(shared.engine, settings.delivery.gap)
        signl4 = Signl4(alerts, settings.signl4)
        waiting = _waiting(shared.stop, shared.liveness.poll)
        shown: list[Shown] = []
        source = BetterStack(
            incidents, settings.betterstack, waiting, _Warnings(log), shared.their_clock, report=shown.append
        )
        clocks: dict[str, Callable[[], datetime]] = {"clock": shared.clock, "their_clock": shared.their_clock}
        poll = Poll(source, store, settings, log=log, on_told=shared.on_told, shown=shown, **clocks)
        deliver = Deliver(
            signl4,
            store,
            settings.delivery,
            rng=Random(),  # noqa: S311 - jitter, not a secret
            wait=_waiting(shared.stop, shared.liveness.deliver),
            log=log,
            **clocks,
        )
        self_check = SelfCheck(
            lambda: queries.snapshot(shared.engine),
            store,
            signl4,
            Heartbeat(watchers),
            settings,
            shared.notes,
            clock=shared.clock,
            monotonic=time.monotonic,
            log=log,
            on_told=shared.on_told,
        )
        return Components(settings, log, shared.clock, store, source, poll, deliver, self_check, clients.pop_all())


def _clients(settings: Settings, tls: SSLContext) -> Iterator[HttpClient]:
    yield HttpClient(settings.betterstack.base_url, settings.http, tls)
    yield HttpClient(settings.signl4.base_url, settings.http, tls, settings.delivery.concurrency)
    for url in settings.heartbeat.urls:
        yield HttpClient(url.get_secret_value(), settings.http, tls)


def _waiting(stop: Stop, liveness: Liveness) -> Callable[[float], bool]:
    """A wait that ends with the program. Both flows wait between any two steps, which shows that they get on."""

    def wait(seconds: float) -> bool:
        liveness.beat()
        return stop.wait(seconds)

    return wait


class _Warnings:
    """Logs each oddity once."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._made: set[str] = set()

    def __call__(self, sentence: str) -> None:
        if sentence not in self._made and len(self._made) < MOST_WARNINGS:
            self._made.add(sentence)
            self._log.warning(sentence)
