"""Builds what looks at SIGNL4 and what writes to Better Stack, each with connections of its own."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext

from daemon.betterstack_writer import Accounts, BetterStackWriter, Changes
from daemon.clients.http import HttpClient
from daemon.clients.signl4_api import Signl4Api
from daemon.config.settings import Settings
from daemon.deliver import Deliver
from daemon.drift import Reconciliation
from daemon.duty import Duty
from daemon.findings import Findings
from daemon.host.liveness import Liveness
from daemon.model.destination import BETTER_STACK, Destination
from daemon.model.event import Listener
from daemon.model.events import two_way as events
from daemon.model.incident import Kind
from daemon.model.secret import Secret
from daemon.page_proof import PageProof
from daemon.people import People
from daemon.runtime.look_job import Breath, Look, LookJob, Said
from daemon.runtime.senders import sender
from daemon.runtime.shared import Shared
from daemon.storage import queries
from daemon.storage.alerts import Alerts
from daemon.storage.drift import DriftRecords
from daemon.storage.duty import DutyRoster
from daemon.storage.page_proofs import PageProofs
from daemon.storage.two_way import TwoWayProgress
from daemon.write_back import WriteBacks

SAID = Said(events.LooksFail, events.LooksSucceed, events.LooksHang, events.KeyRefused)


@dataclass(frozen=True, slots=True)
class TwoWayComponents:
    """What there is with an API key only."""

    job: LookJob
    sender: Deliver | None
    """To Better Stack; `None` if nothing is written back."""


def build_two_way(
    shared: Shared,
    settings: Settings,
    key: Secret,
    tls: SSLContext,
    clients: ExitStack,
    log: Listener,
    on_queued: Callable[[], None],
) -> TwoWayComponents:
    """`clients` closes the connections."""
    breath, progress, wanted = Breath(shared.stop), TwoWayProgress(shared.engine), settings.written_back
    client = HttpClient(settings.signl4.base_url, settings.http, tls, observe=lambda _: breath.liveness.beat())
    http = clients.enter_context(closing(client))
    api = Signl4Api(http, key, shared.api_pace, breath)
    people = People(api, time.monotonic)
    job = LookJob(
        _looks(shared, settings, api, people, progress, wanted, log, on_queued),
        progress,
        breath,
        SAID,
        interval=settings.write_back.interval.total_seconds(),
        timeout=settings.http.timeout.total_seconds(),
        clock=shared.clock,
        log=log,
        prove=people.read,
    )
    return TwoWayComponents(job, _sender(shared, settings, tls, clients, log) if wanted else None)


def _looks(
    shared: Shared,
    settings: Settings,
    api: Signl4Api,
    people: People,
    progress: TwoWayProgress,
    wanted: frozenset[Kind],
    log: Listener,
    on_queued: Callable[[], None],
) -> Sequence[Look]:
    """In this order."""
    teams = settings.signl4.teams_of_key()
    findings = Findings(people.name, settings.write_back.by, log)
    alerts, clock = Alerts(shared.engine, teams), shared.clock
    write_backs = WriteBacks(api, alerts, progress, findings, wanted=wanted, clock=clock, log=log, on_queued=on_queued)
    looks: list[Look] = [
        write_backs,
        PageProof(api, PageProofs(shared.engine, teams), clock=clock, log=log),
        Reconciliation(api, DriftRecords(shared.engine, teams), clock=clock, log=log, on_queued=on_queued),
    ]
    if settings.duty.warn_after is not None:
        looks.append(Duty(api, DutyRoster(shared.engine), teams, clock=clock, log=log))
    return looks


def _sender(shared: Shared, settings: Settings, tls: SSLContext, clients: ExitStack, log: Listener) -> Deliver:
    account, concurrency = settings.betterstack.base_url, settings.delivery.concurrency
    changes = dict[str, Changes]()
    for name in settings.polled:
        section = settings.of(name).betterstack
        client = HttpClient(section.base_url, settings.http, tls, concurrency, latest=shared.trusted_until)
        changes[name] = shared.surroundings.changes(clients.enter_context(closing(client)), section, name)
    only = next(iter(changes.values())) if len(changes) == 1 else None
    target = BetterStackWriter(only or Accounts(changes, partial(queries.tracker_of, shared.engine)))
    # No watchdog looks at these signs of life: that nothing is written back is no reason to restart.
    return sender(shared, settings, Destination(BETTER_STACK, account), target, Liveness(), log)
