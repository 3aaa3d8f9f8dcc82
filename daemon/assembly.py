"""Where the parts are built and tied together, and the only place that knows them all."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from random import Random
from ssl import SSLContext

from daemon import audit
from daemon.betterstack import BetterStack
from daemon.database import locked, open_engine, upgrade
from daemon.deliver import Deliver
from daemon.events import Log
from daemon.heartbeat import Heartbeat
from daemon.oversee import Oversee
from daemon.poll import Poll
from daemon.settings import Settings
from daemon.signl4 import Signl4
from daemon.stop import Stop
from daemon.store import Store
from daemon.watch import Pulse, SteadyClock
from daemon.wire import Wire, tls_context

MOST_REMARKS = 1000
"""So many different oddities are logged; more would only fill the journal."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the jobs work with."""

    store: Store
    poll: Poll
    deliver: Deliver
    oversee: Oversee


@dataclass(frozen=True, slots=True)
class Pulses:
    """The signs of life of both jobs."""

    poll: Pulse = field(default_factory=Pulse)
    deliver: Pulse = field(default_factory=Pulse)


@contextmanager
def assembled(
    settings: Settings, stop: Stop, pulses: Pulses, clock: SteadyClock, on_told: Callable[[], None], log: Log
) -> Iterator[Parts]:
    """Builds all parts on a locked, migrated database. Raises `ConfigError` and the database's errors."""
    with locked(settings.database.url), ExitStack() as stack:
        upgrade(settings.database.url)
        engine = open_engine(settings.database.url)
        stack.callback(engine.dispose)
        tls = tls_context(settings.http)
        incidents = stack.enter_context(closing(Wire(settings.betterstack.base_url, settings.http, tls)))
        alerts = stack.enter_context(
            closing(Wire(settings.signl4.base_url, settings.http, tls, settings.delivery.concurrency))
        )
        watchers = [stack.enter_context(closing(wire)) for wire in _watchers(settings, tls)]
        store = Store(engine, settings.delivery.gap)
        signl4 = Signl4(alerts, settings.signl4)
        source = BetterStack(incidents, settings.betterstack, _waiting(stop, pulses.poll), _Remarks(log))
        poll = Poll(source, store, settings, clock=clock, log=log, on_told=on_told)
        deliver = Deliver(
            signl4,
            store,
            settings.delivery,
            clock=clock,
            rng=Random(),  # noqa: S311 - jitter, not a secret
            wait=_waiting(stop, pulses.deliver),
            log=log,
        )
        oversee = Oversee(
            lambda: audit.figures(engine),
            store,
            signl4,
            Heartbeat(watchers),
            settings,
            clock=clock,
            monotonic=time.monotonic,
            log=log,
            on_told=on_told,
        )
        yield Parts(store, poll, deliver, oversee)


def _watchers(settings: Settings, tls: SSLContext) -> Iterator[Wire]:
    return (Wire(url.get_secret_value(), settings.http, tls) for url in settings.heartbeat.urls)


def _waiting(stop: Stop, pulse: Pulse) -> Callable[[float], bool]:
    """A wait that ends with the program. Both flows wait between any two steps, which shows that they get on."""

    def wait(seconds: float) -> bool:
        pulse.beat()
        return stop.wait(seconds)

    return wait


class _Remarks:
    """Logs each oddity once."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._made: set[str] = set()

    def __call__(self, sentence: str) -> None:
        if sentence not in self._made and len(self._made) < MOST_REMARKS:
            self._made.add(sentence)
            self._log.warning(sentence)
