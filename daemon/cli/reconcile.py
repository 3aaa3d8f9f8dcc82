"""`reconcile`: holds SIGNL4's open alerts against our open incidents, also while the daemon runs."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.options import configured, json_option, say
from daemon.model.drift import DriftKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daemon.config.configuration import Configuration
    from daemon.model.drift import Reconciled


@click.command()
@click.option("--repair", is_flag=True, help="Send again what is open and has no alert in SIGNL4; it wakes people.")
@json_option
@configured()
def reconcile(configuration: Configuration, repair: bool, as_json: bool) -> None:
    """Hold SIGNL4's open alerts against our open incidents; exit 1 if something is missing.

    An alert that is still open although its incident is over is closed: its end is sent again.
    """
    from daemon.cli.signl4_rest import rest_api
    from daemon.drift import Reconciliation
    from daemon.host.clock import utc_now
    from daemon.storage.drift import DriftRecords
    from daemon.storage.engine import writer

    settings = configuration.settings
    teams = settings.signl4.teams_of_key()
    with rest_api(settings) as api:
        records = DriftRecords(writer(settings.database.url, "reconcile"), teams)
        done = Reconciliation(api, records, clock=utc_now, log=_unheard, on_queued=_nobody_waits).reconcile(
            at_once=True, repair=repair
        )
    if as_json:
        from daemon.cli.as_json import spelled

        click.echo(spelled([_for_programs(one) for one in done]))
    else:
        _show(done)
    if any(one.drift.kind is DriftKind.MISSING and not one.mended for one in done):
        sys.exit(1)


def _show(done: Sequence[Reconciled]) -> None:
    if not done:
        say("SIGNL4's alerts and the incidents here agree")
    for one in done:
        say(_told(one))


def _told(one: Reconciled) -> str:
    """One sentence, with what was done or is to be done."""
    drift = one.drift
    what = f"incident {drift.incident_id}, team {drift.team}"
    if drift.kind is DriftKind.LEFT_OPEN:
        done = "its end is sent again" if one.mended else "but it has changed meanwhile; nothing is sent"
        return f"{what}: over, but its alert is still open in SIGNL4; {done}"
    if one.mended:
        return f"{what}: open, but SIGNL4 has no alert of it; it is sent again"
    return f"{what}: open, but SIGNL4 has no alert of it; send it again with: reconcile --repair"


def _for_programs(one: Reconciled) -> dict[str, Any]:
    return {**asdict(one.drift), "mended": one.mended}


def _unheard(_: object) -> None:
    """What the log would say is printed."""


def _nobody_waits() -> None:
    """A daemon looks into the outbox by itself."""
