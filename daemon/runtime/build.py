"""The composition root: the only place that knows all components and ties them together."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from ssl import SSLContext
from typing import TYPE_CHECKING

from daemon.clients.http import HttpClient, tls_context
from daemon.config.configuration import Configuration
from daemon.config.settings import Settings
from daemon.deliver import Deliver
from daemon.host.liveness import Liveness
from daemon.in_flight import Receiver
from daemon.model.destination import Destination
from daemon.model.event import Listener
from daemon.runtime.build_sources import Source, Warnings, build_sources
from daemon.runtime.delivery_job import job_of
from daemon.runtime.senders import pager, past_the_database, sender
from daemon.runtime.shared import Shared
from daemon.self_check import SelfCheck, Watchers
from daemon.storage import queries
from daemon.storage.housekeeping import Housekeeping
from daemon.storage.incidents import Incidents
from daemon.storage.outbox import Outbox

if TYPE_CHECKING:
    from daemon.runtime.build_two_way import TwoWayComponents
    from daemon.runtime.look_job import LookJob


@dataclass(frozen=True, slots=True)
class Components:
    """What the jobs of one configuration work with."""

    settings: Settings
    log: Listener
    housekeeping: Housekeeping
    sources: Mapping[str, Source]
    """What polls each account, by its job."""
    senders: Mapping[str, Deliver]
    """Of each team, by its name."""
    self_check: SelfCheck
    clients: ExitStack
    two_way: "TwoWayComponents | None" = None
    """What there is with an API key only."""
    monitors: "LookJob | None" = None
    """What looks at monitors, if that is wanted, or was and an alert is still open."""

    def follow_settings(self, now: datetime) -> None:
        """Gives up what this configuration does not want any more. Raises `DatabaseBusyError`."""
        has_key = self.settings.signl4.api_key is not None
        self.housekeeping.follow_two_way(self.settings.written_back, now, has_key=has_key)
        self.housekeeping.follow_monitors(self.settings.monitors.kinds)

    def close(self) -> None:
        """Closes the connections to the services."""
        self.clients.close()


def build(
    configuration: Configuration,
    shared: Shared,
    log_for: Callable[[Configuration], Listener],
    liveness: Mapping[str, Liveness],
    on_queued: Callable[[], None],
) -> Components:
    """Builds all components. Raises `ConfigError`, and `DatabaseBusyError` if a new team cannot be recorded.

    Nothing is changed then: the log is set up once all else is good. `liveness`: of each job that polls or delivers.
    `on_queued` is called when something was put into the outbox.
    """
    settings, teams = configuration.settings, list(configuration.settings.signl4.every_team())
    with ExitStack() as clients:
        tls = tls_context(settings.http)
        alerts, *watchers = (
            clients.enter_context(closing(client)) for client in _clients(shared, settings, tls, len(teams))
        )
        housekeeping = Housekeeping(shared.engine)
        housekeeping.configure(settings.destinations)
        housekeeping.configure_sources(settings.polled)
        log = log_for(configuration)
        around = shared.surroundings
        receivers = {team.name: around.receiver(alerts, secret, team.name) for team, secret in teams}
        sources = build_sources(shared, settings, tls, clients, log, liveness, on_queued)
        senders = dict[str, Deliver]()
        for team, _ in teams:
            alive = liveness[job_of(team.name)]
            target = pager(shared, settings, team, receivers[team.name], alive, tls, clients)
            senders[team.name] = sender(shared, settings, team, target, alive, log)
        has_lease, called = shared.trusted_until is not None, around.watchers(watchers)
        of_alarms = past_the_database(settings, around, tls, clients) if has_lease else receivers[settings.alarm.team]
        self_check = _self_check(shared, settings, teams[0][0], of_alarms, called, log, on_queued)
        two_way = _two_way(shared, settings, tls, clients, log, on_queued)
        monitors = _monitors(shared, settings, tls, clients, log, on_queued)
        return Components(
            settings, log, housekeeping, sources, senders, self_check, clients.pop_all(), two_way, monitors
        )


def _two_way(
    shared: Shared,
    settings: Settings,
    tls: SSLContext,
    clients: ExitStack,
    log: Listener,
    on_queued: Callable[[], None],
) -> "TwoWayComponents | None":
    if settings.signl4.api_key is None:
        return None
    from daemon.runtime.build_two_way import build_two_way  # noqa: PLC0415 - only who has a key pays for it

    return build_two_way(shared, settings, settings.signl4.api_key, tls, clients, log, on_queued)


def _monitors(
    shared: Shared,
    settings: Settings,
    tls: SSLContext,
    clients: ExitStack,
    log: Listener,
    on_queued: Callable[[], None],
) -> "LookJob | None":
    if not looks_at_monitors(shared, settings):
        return None
    from daemon.runtime.build_monitors import build_monitors  # noqa: PLC0415 - only who wants it pays for it

    return build_monitors(shared, settings, tls, clients, log, Warnings(log), on_queued)


def looks_at_monitors(shared: Shared, settings: Settings) -> bool:
    """Whether that is wanted, or was until now, and an alert may still be open. Raises `DatabaseBusyError`."""
    return bool(settings.monitors.kinds) or Housekeeping(shared.engine).any_monitor_alerts()


def _self_check(
    shared: Shared,
    settings: Settings,
    team: Destination,
    signl4: Receiver,
    watchers: Watchers,
    log: Listener,
    on_queued: Callable[[], None],
) -> SelfCheck:
    return SelfCheck(
        lambda: queries.snapshot(shared.engine),
        Incidents(shared.engine),
        Outbox(shared.engine, team),
        signl4,
        watchers,
        settings,
        shared.notes,
        clock=shared.clock,
        monotonic=time.monotonic,
        log=log,
        on_queued=on_queued,
        host=os.uname().nodename,
    )


def _clients(shared: Shared, settings: Settings, tls: SSLContext, teams: int) -> Iterator[HttpClient]:
    at_once, latest = settings.delivery.concurrency * teams, shared.trusted_until
    yield HttpClient(settings.signl4.base_url, settings.http, tls, at_once, latest=latest)
    for url in settings.heartbeat.urls:
        yield HttpClient(url.reveal(), settings.http, tls)
