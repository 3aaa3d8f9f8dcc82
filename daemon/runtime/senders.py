"""Builds what sends deliveries: to a team of SIGNL4, or to Better Stack."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from random import Random
from ssl import SSLContext

from daemon.clients.http import HttpClient
from daemon.config.settings import Settings
from daemon.decisions.holds import Holds
from daemon.deliver import Deliver
from daemon.due_list import DueList
from daemon.host.liveness import Liveness
from daemon.host.signals import Stop
from daemon.in_flight import Receiver, Target
from daemon.model.destination import Destination
from daemon.model.event import Listener
from daemon.outcome_log import naming
from daemon.pager import Pager
from daemon.runtime.shared import Shared
from daemon.runtime.surroundings import Surroundings
from daemon.storage.outbox import Outbox

LONGEST_LOOK_UP = timedelta(seconds=5)
"""For each of the few requests with which SIGNL4 is asked whether it has an alert: that delays the alert."""


def pager(
    shared: Shared,
    settings: Settings,
    team: Destination,
    receiver: Receiver,
    liveness: Liveness,
    tls: SSLContext,
    clients: ExitStack,
) -> Pager:
    """With an API key of the team's account it looks up what SIGNL4 may have taken."""
    key, teams = settings.signl4.api_key, settings.signl4.teams_of_key()
    if key is None or team.name not in teams:
        return Pager(receiver)
    from daemon.clients.signl4_api import Signl4Api  # noqa: PLC0415 - only who has a key pays for it

    section = replace(settings.http, timeout=min(settings.http.timeout / 2, LONGEST_LOOK_UP))
    http = HttpClient(
        settings.signl4.base_url, section, tls, settings.delivery.concurrency, observe=lambda _: liveness.beat()
    )
    finder = Signl4Api(clients.enter_context(closing(http)), key, shared.api_pace, wait=None)
    wait, trusted = waiting(shared.stop, liveness), shared.trusts(settings)
    return Pager(receiver, finder, alone=len(teams) == 1, stopped=lambda: wait(0) or not trusted())


def past_the_database(settings: Settings, surroundings: Surroundings, tls: SSLContext, clients: ExitStack) -> Receiver:
    """The webhook for what does not wait for the database, nor for the lease: on connections of its own."""
    http = clients.enter_context(closing(HttpClient(settings.signl4.base_url, settings.http, tls)))
    secret = next(secret for team, secret in settings.signl4.every_team() if team.name == settings.alarm.team)
    return surroundings.receiver(http, secret, settings.alarm.team)


def sender(
    shared: Shared, settings: Settings, team: Destination, target: Target, liveness: Liveness, log: Listener
) -> Deliver:
    """What sends the deliveries to one destination."""
    outbox, told = Outbox(shared.engine, team), naming(team.name, log)
    due = DueList(
        outbox,
        settings.delivery,
        Holds(settings),
        clock=shared.clock,
        their_clock=shared.their_clock,
        log=told,
        looks_up=isinstance(target, Pager) and target.looks_up,
    )
    return Deliver(
        target,
        outbox,
        due,
        settings.delivery,
        rng=Random(),  # noqa: S311 - jitter, not a secret
        wait=waiting(shared.stop, liveness),
        log=told,
        trusted=shared.trusts(settings),
        limiter=shared.limiters[team.account],
        team=team.name,
        clock=shared.clock,
    )


def waiting(stop: Stop, liveness: Liveness) -> Callable[[float], bool]:
    """A wait that a stop ends. Both flows call it between any two steps, which shows that they make progress."""

    def wait(seconds: float) -> bool:
        liveness.beat()
        return stop.wait(seconds)

    return wait
