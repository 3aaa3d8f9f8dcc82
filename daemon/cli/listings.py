"""`status`, `incidents` and `deliveries`: show the database, whether or not a daemon runs.

For people the newest row is the last, where they see it; for programs it is the first.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.options import as_text, json_option, limit_option, placed, say, since_option, utc_option
from daemon.cli.proposals import incident_ids
from daemon.model.delivery import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime, timedelta

    from daemon.cli.tables import Table
    from daemon.config.place import Place
    from daemon.model.incident import Unreadable
    from daemon.storage.listings import Listing


@click.command()
@utc_option
@json_option
@placed
def status(place: Place, utc: bool, as_json: bool) -> None:
    """Say whether all is well; exit 1 if not."""
    from daemon.cli.as_json import spelled
    from daemon.cli.verdict import verdict
    from daemon.host.clock import utc_now
    from daemon.model.snapshot import Snapshot
    from daemon.storage import queries, silences
    from daemon.storage.engine import reader
    from daemon.storage.instance import presence
    from daemon.storage.revision import nothing_to

    now = utc_now()
    found = presence(place.url)
    # A daemon has read the file from end to end at its start.
    engine = reader(place.url, checked=found.holder is None)
    snapshot = queries.snapshot(engine) if engine else Snapshot()
    in_force = silences.count_in_force(engine, now) if engine else 0
    report = verdict(place, snapshot, in_force, found, now)
    if engine is None:
        report = replace(report, problems=[nothing_to("show", place.url), *report.problems])
    if as_json:
        click.echo(spelled(asdict(report)))
    else:
        from daemon.cli.render import show_status
        from daemon.cli.times import Times

        show_status(report, Times(utc, now))
    if not report.healthy:
        sys.exit(1)


@click.command()
@click.option("--open", "open_only", is_flag=True, help="Only those that are not over.")
@click.option("--name", "pattern", metavar="PATTERN", help="Only those with such a name.")
@since_option("that changed")
@limit_option
@utc_option
@json_option
@placed
def incidents(
    place: Place,
    open_only: bool,
    pattern: str | None,
    since: timedelta | None,
    limit: int,
    utc: bool,
    as_json: bool,
) -> None:
    """List what is known of each incident, and why nobody was told of it; the latest to change last.

    A PATTERN is a word that is anywhere in the name, or the whole name with the shell's wildcards, as in 'shop*'.
    Capital and small letters are alike. With --json the latest to change is first.
    """
    from daemon.cli.tables import INCIDENTS
    from daemon.storage import listings
    from daemon.storage.engine import listing_reader

    engine = listing_reader(place.url)
    named = None if pattern is None else _matching(pattern)
    listing = listings.incidents(engine, open_only=open_only, named=named, since=_ago(since), limit=limit)
    _show(listing, INCIDENTS, _explained, utc=utc, as_json=as_json)


@click.command()
@click.option("--state", type=click.Choice([str(state) for state in DeliveryState]), help="Only those in this state.")
@click.option(
    "--incident",
    "incident_id",
    callback=as_text,
    metavar="ID",
    shell_complete=incident_ids,
    help="Only of this incident.",
)
@since_option("that were created or tried")
@limit_option
@utc_option
@json_option
@placed
def deliveries(
    place: Place,
    state: str | None,
    incident_id: str | None,
    since: timedelta | None,
    limit: int,
    utc: bool,
    as_json: bool,
) -> None:
    """List the outbox, newest last; with --json, newest first."""
    from daemon.cli.tables import DELIVERIES
    from daemon.storage import listings, queries
    from daemon.storage.engine import listing_reader

    engine = listing_reader(place.url)
    in_state = None if state is None else DeliveryState(state)
    listing = listings.deliveries(engine, state=in_state, incident_id=incident_id, since=_ago(since), limit=limit)
    _show(listing, DELIVERIES, dict, utc=utc, as_json=as_json)
    if incident_id is not None and state is None and since is None and not len(listing):
        found, unread = listings.incidents(engine, incident_id=incident_id), queries.snapshot(engine).unreadable
        say(_why_none(incident_id, found, unread), err=True)


def _why_none(incident_id: str, found: Listing, unread: Iterable[Unreadable]) -> str:
    """Why there is no delivery of an incident. `found`: that incident, if there is one."""
    for row in map(_explained, found.newest_first()):
        return f"nobody was told of incident {incident_id}: {row['silent_because'] or 'its deliveries are missing'}"
    for one in unread:
        if one.id == incident_id:
            return f"nothing is known of incident {incident_id}: its record cannot be read ({one.why})"
    return f"there is no incident {incident_id} here; `incidents` lists those there are"


def _matching(pattern: str) -> Callable[[str], bool]:
    """Whether a name is one that the pattern means."""
    import re
    from fnmatch import translate

    folded = pattern.casefold()
    if not set(folded) & set("*?["):
        return lambda name: folded in name.casefold()
    matches = re.compile(translate(folded)).match
    return lambda name: matches(name.casefold()) is not None


def _ago(span: timedelta | None) -> datetime | None:
    """The moment so long ago; `None` if that was before all time."""
    from daemon.host.clock import utc_now

    try:
        return None if span is None else utc_now() - span
    except OverflowError:
        return None


def _explained(row: Mapping[str, Any]) -> dict[str, Any]:
    """An incident with the reason why nobody was told that it began, if nobody was."""
    from daemon.decisions.untold import why_untold

    values = {name: value for name, value in row.items() if name != "alert"}
    why = why_untold(row["told"], row["silent_because"], row["alert"])
    return {**values, "told": why is None, "silent_because": why}


def _show(
    listing: Listing, table: Table, value: Callable[[Mapping[str, Any]], dict[str, Any]], *, utc: bool, as_json: bool
) -> None:
    """Prints the rows, each as `value` makes it, and says if older ones were left out."""
    from daemon.cli.as_json import array
    from daemon.cli.tables import lines
    from daemon.cli.times import Times
    from daemon.host.clock import utc_now

    times = Times(utc, utc_now())
    if as_json:
        for part in array(map(value, listing.newest_first())):
            click.echo(part, nl=False)
        click.echo()
    elif not len(listing):
        click.echo("none")
    elif sys.stdout.isatty():
        from daemon.cli.render import show_table

        show_table(table, map(value, listing.newest_last()), times)
    else:
        for part in lines(table, map(value, listing.newest_last()), times):
            click.echo(part)
    if listing.left_out:
        others = f"{listing.left_out} older {'one is' if listing.left_out == 1 else 'ones are'} left out"
        say(f"these are the newest {len(listing)}; {others}, --limit 0 shows all", err=True)
