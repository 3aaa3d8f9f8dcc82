"""`drop --source`: gives up the incidents of an account that is not polled any more."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from daemon.cli.options import say

if TYPE_CHECKING:
    from datetime import datetime

    from daemon.model.incident import IncidentState
    from daemon.storage.incidents import Change

MOST_LISTED = 20


def give_up(url: str, name: str, *, yes: bool) -> None:
    """Counts them as over, after a confirmation at the terminal or with `--yes`; SIGNL4 is told.

    Nothing else may say so: no account that is polled shows them. Raises `DatabaseUnusableError`.
    """
    from daemon.decisions.poll_health import DASH
    from daemon.host.clock import utc_now
    from daemon.model.polling import UNNAMED, section_of
    from daemon.storage import queries
    from daemon.storage.engine import writer
    from daemon.storage.incidents import Incidents

    polled_from = UNNAMED if name == DASH else name
    engine = writer(url, "drop")
    found = {one.polled_from: one.ids for one in queries.snapshot(engine).untracked}
    if polled_from not in found:
        others = ", ".join(one or DASH for one in found)
        say(
            f"nothing is to be given up of [{section_of(polled_from)}]: it is polled, or none of its incidents is open"
            f"{f'; there is something of {others}' if others else ''}",
            err=True,
        )
        sys.exit(1)
    incidents = Incidents(engine, polled_from)
    known = incidents.known(found[polled_from])
    if not yes:
        _ask(list(known.values()))
    now = utc_now()
    incidents.record([_given_up(one, now) for one in known.values()], now)
    for incident_id in known:
        say(f"incident {incident_id} is given up, and counts as over")


def _ask(known: list[IncidentState]) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask at; add --yes to give these incidents up unasked")
    for one in known[:MOST_LISTED]:
        say(f"incident {one.id} ({one.name}) counts as over, and who was told of it is told so")
    if more := known[MOST_LISTED:]:
        say(f"and {len(more)} more")
    click.confirm("Give up what is listed here?", abort=True)


def _given_up(state: IncidentState, now: datetime) -> Change:
    from daemon.decisions.payload import minimal
    from daemon.decisions.reconcile import reconcile_given_up
    from daemon.storage.incidents import Change, Message

    decision = reconcile_given_up(state, now)
    messages = (
        Message(one, minimal(one.kind, state.id, state.external_id) | {"Note": one.note}, to.team)
        for one in decision.transitions
        for to in state.recipients
    )
    return Change(decision.after, tuple(messages))
