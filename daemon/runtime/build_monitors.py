"""Builds what looks at monitors and heartbeats, with connections of its own."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from ssl import SSLContext

from daemon.clients.betterstack import BetterStack
from daemon.clients.http import HttpClient
from daemon.clients.monitors import Monitors
from daemon.config.settings import Settings
from daemon.host.clock import TheirClock
from daemon.model.event import Listener
from daemon.model.events import monitors as events
from daemon.poll_monitors import PollMonitors
from daemon.recording import Recording
from daemon.runtime.look_job import Breath, LookJob, Said
from daemon.runtime.shared import Shared
from daemon.storage.incidents import Incidents
from daemon.storage.monitors import MonitorRecords
from daemon.telling import Telling

SAID = Said(events.MonitorLooksFail, events.MonitorLooksSucceed, events.MonitorLooksHang)


def build_monitors(
    shared: Shared,
    settings: Settings,
    tls: SSLContext,
    clients: ExitStack,
    log: Listener,
    warning: Callable[[str], None],
    on_queued: Callable[[], None],
) -> LookJob:
    """`clients` closes the connections."""
    breath, records, incidents = Breath(shared.stop), MonitorRecords(shared.engine), Incidents(shared.engine)
    client = HttpClient(settings.betterstack.base_url, settings.http, tls, observe=lambda _: breath.liveness.beat())
    http = clients.enter_context(closing(client))
    # A pause that Better Stack asks of these requests is none of the rounds, which page people.
    betterstack = BetterStack(http, settings.betterstack, breath, warning, TheirClock(shared.clock))
    telling = Telling(settings, incidents, clock=shared.clock, log=log)
    recording = Recording(
        incidents,
        telling,
        clock=shared.clock,
        their_clock=shared.their_clock,
        log=log,
        on_queued=on_queued,
        known_pages={},
    )
    look = PollMonitors(Monitors(betterstack), records, incidents, recording, settings, clock=shared.clock, log=log)
    return LookJob(
        [look],
        records,
        breath,
        SAID,
        interval=settings.monitors.interval.total_seconds(),
        timeout=settings.http.timeout.total_seconds(),
        clock=shared.clock,
        log=log,
    )
