"""`status`, `incidents` and `deliveries`: show the database, whether or not a daemon runs."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from daemon.cli.options import configured, json_option, show
from daemon.model.delivery import DeliveryState

if TYPE_CHECKING:
    from daemon.config.load import Configuration


@click.command()
@json_option
@configured(offline=True)
def status(configuration: Configuration, as_json: bool) -> None:
    """Say whether all is well; exit 1 if not."""
    from daemon.cli import render
    from daemon.decisions import health, rate_limit
    from daemon.host.clock import utc_now
    from daemon.model.snapshot import Presence, Snapshot
    from daemon.storage import queries
    from daemon.storage.engine import reader
    from daemon.storage.instance import holder
    from daemon.storage.log_hold import held_log

    process = holder(configuration.settings.database.url)
    presence = Presence(process, held_log(configuration.settings.database.url, process))
    engine = reader(configuration.settings.database.url)
    snapshot = queries.snapshot(engine) if engine else Snapshot()
    settings = configuration.settings
    queue = rate_limit.time_for(snapshot.pending_deliveries, snapshot.event_limit)
    report = health.report(snapshot, settings.poll.interval, settings.alarm.poll_after, queue, utc_now(), presence)
    show(asdict(report) if as_json else report, render.show_status, as_json=as_json)
    if not report.healthy:
        sys.exit(1)


@click.command()
@click.option("--open", "open_only", is_flag=True, help="Only those that are not over.")
@json_option
@configured(offline=True)
def incidents(configuration: Configuration, open_only: bool, as_json: bool) -> None:
    """List what is known of each incident, the latest to change first."""
    from daemon.cli import render
    from daemon.storage import queries
    from daemon.storage.engine import reader

    engine = reader(configuration.settings.database.url)
    rows = queries.incidents(engine, open_only=open_only) if engine else []
    show(rows, render.show_incidents, as_json=as_json)


@click.command()
@click.option("--state", type=click.Choice([str(state) for state in DeliveryState]), help="Only those in this state.")
@json_option
@configured(offline=True)
def deliveries(configuration: Configuration, state: str | None, as_json: bool) -> None:
    """List the outbox, newest first."""
    from daemon.cli import render
    from daemon.storage import queries
    from daemon.storage.engine import reader

    engine = reader(configuration.settings.database.url)
    rows = queries.deliveries(engine, DeliveryState(state) if state else None) if engine else []
    show(rows, render.show_deliveries, as_json=as_json)
