"""`monitors`: what Better Stack watches, what somebody changed about it, and the alerts about it that are open."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.options import as_text, json_option, placed, say, utc_option
from daemon.cli.proposals import monitor_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from daemon.cli.times import Times
    from daemon.config.place import Place
    from daemon.model.monitor import MonitorKind, MonitorListed, MonitorLooks, MonitorState


def _texts(context: click.Context, option: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    return tuple(as_text(context, option, value) or "" for value in values)


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...", callback=_texts, shell_complete=monitor_ids)
@utc_option
@json_option
@placed
def monitors(place: Place, ids: tuple[str, ...], utc: bool, as_json: bool) -> None:
    """List what Better Stack watches, in the order of the names, with what somebody changed last.

    ID: only the monitor or heartbeat with this id in Better Stack. What is looked at, [monitors] of the configuration
    says.
    """
    from daemon.cli.times import Times
    from daemon.host.clock import utc_now
    from daemon.storage.engine import listing_reader
    from daemon.storage.monitors import listing

    found, looks = listing(listing_reader(place.url), ids)
    if as_json:
        from daemon.cli.as_json import array

        for part in array(map(_for_programs, found)):
            click.echo(part, nl=False)
        click.echo()
    else:
        _show(found, Times(utc, utc_now()))
    there = {one.state.id for one in found}
    missing = [monitor_id for monitor_id in dict.fromkeys(ids) if monitor_id not in there]
    for sentence in (*_not_found(missing), *_out_of_date(place.looked_at, found, looks)):
        say(sentence, err=True)
    if missing:
        sys.exit(1)


def _show(found: Sequence[MonitorListed], times: Times) -> None:
    from daemon.cli.tables import MONITORS, lines

    rows = map(_row, found)
    if not found:
        click.echo("none")
    elif sys.stdout.isatty():
        from daemon.cli.render import show_table

        show_table(MONITORS, rows, times)
    else:
        for part in lines(MONITORS, rows, times):
            click.echo(part)


def _row(one: MonitorListed) -> dict[str, Any]:
    """What the table shows."""
    change: dict[str, Any] = {"change": None, "changed_at": None}
    if one.changes:
        latest = one.changes[-1]
        change["change"] = f"{latest.what}: {latest.detail}" if latest.detail else latest.what
        change["changed_at"] = latest.at
    return {**_values(one.state), **change, "alerts": " ".join(one.alerts)}


def _for_programs(one: MonitorListed) -> dict[str, Any]:
    changes = [{"what": change.what, "at": change.at, "detail": change.detail} for change in one.changes]
    return {**_values(one.state), "changes": changes, "alerts": list(one.alerts)}


def _values(state: MonitorState) -> dict[str, Any]:
    """What is recorded, without the digests that serve to see a change."""
    return {name: value for name, value in asdict(state).items() if name != "configuration"}


def _not_found(missing: Iterable[str]) -> Iterator[str]:
    for monitor_id in missing:
        yield f"there is no monitor or heartbeat {monitor_id} here; `monitors` lists those there are"


def _out_of_date(
    looked_at: Sequence[MonitorKind], found: Sequence[MonitorListed], looks: MonitorLooks
) -> Iterator[str]:
    """Why what is listed may not be so any more, with the mend."""
    from daemon.config.monitors import SWITCHES
    from daemon.model.monitor import MonitorKind

    for kind in () if not looked_at else MonitorKind:
        if kind not in looked_at and any(one.state.kind is kind for one in found):
            yield f"{kind}s are not looked at any more, so they are listed as they were; set {SWITCHES[kind]} = true"
    if not looked_at:
        listed = "; what is listed is as it was" if found else ""
        ways = " or ".join(f"{switch} = true" for switch in SWITCHES.values())
        yield f"neither monitors nor heartbeats are looked at{listed}; set {ways}, then reload"
    elif looks.last_error is not None:
        yield f"they cannot be read now, so what is listed may be out of date: {looks.last_error}"
    elif not found and all(looks.read_at(kind) is None for kind in looked_at):
        yield "they were not read yet; a daemon that runs with this configuration does it within monitors.interval"
