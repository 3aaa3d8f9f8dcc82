"""Builds what polls each account of Better Stack, with connections of its own: none waits for another."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from ssl import SSLContext

from daemon.clients.betterstack import BetterStack
from daemon.clients.http import HttpClient
from daemon.config.settings import Settings
from daemon.decisions.route import Routes
from daemon.host.liveness import Liveness
from daemon.model.event import Listener
from daemon.model.events import process as events
from daemon.model.of_source import naming_source
from daemon.model.page import KnownPages, Shown
from daemon.model.polling import UNNAMED
from daemon.poll import Poll
from daemon.runtime.senders import waiting
from daemon.runtime.shared import Shared
from daemon.storage.housekeeping import Housekeeping
from daemon.storage.incidents import Incidents

MOST_WARNINGS = 1000
"""At most so many different warnings are logged; more would only fill the journal."""


@dataclass(frozen=True, slots=True)
class Source:
    """What polls one account."""

    polled_from: str
    settings: Settings
    """As they hold for this account."""
    poll: Poll
    log: Listener
    is_alone: bool
    """Whether no other account is polled."""


def poll_job(polled_from: str) -> str:
    """The name of the job, and of its thread."""
    return "poll" if polled_from == UNNAMED else f"poll-{polled_from}"


def build_sources(
    shared: Shared,
    settings: Settings,
    tls: SSLContext,
    clients: ExitStack,
    log: Listener,
    liveness: Mapping[str, Liveness],
    on_queued: Callable[[], None],
) -> Mapping[str, Source]:
    """What polls each account, by its job. `clients` closes the connections, `liveness` is that of each job."""
    routes = Routes(settings.route)
    names = settings.polled.keys()
    found = dict[str, Source]()
    for name in names:
        own, told = settings.of(name), naming_source(name, log)
        http = clients.enter_context(closing(HttpClient(own.betterstack.base_url, own.http, tls)))
        incidents = Incidents(shared.engine, name, names - {name})
        alive = liveness[poll_job(name)]
        poll = _poll(shared, own, http, incidents, told, alive, on_queued, routes)
        found[poll_job(name)] = Source(name, own, poll, told, is_alone=len(names) == 1)
    return found


def _poll(
    shared: Shared,
    settings: Settings,
    http: HttpClient,
    incidents: Incidents,
    log: Listener,
    liveness: Liveness,
    on_queued: Callable[[], None],
    routes: Routes,
) -> Poll:
    shown: list[Shown] = []
    known_pages: KnownPages = {}
    betterstack = BetterStack(
        http,
        settings.betterstack,
        waiting(shared.stop, liveness),
        Warnings(log),
        shared.their_clock,
        report=shown.append,
        quiet=shared.quiet[settings.betterstack.fingerprint],
        known=known_pages,
        polled_from=incidents.polled_from,
    )
    return Poll(
        betterstack,
        incidents,
        settings,
        log=log,
        on_queued=on_queued,
        shown=shown,
        known_pages=known_pages,
        clock=shared.clock,
        their_clock=shared.their_clock,
        routes=routes,
        untracked=Housekeeping(shared.engine).untracked,
    )


class Warnings:
    """Logs each warning once. Called by one thread."""

    def __init__(self, log: Listener) -> None:
        self._log = log
        self._made: set[str] = set()

    def __call__(self, sentence: str) -> None:
        """Logs it, unless it was logged before."""
        if sentence not in self._made and len(self._made) < MOST_WARNINGS:
            self._made.add(sentence)
            self._log(events.Warned(sentence))
