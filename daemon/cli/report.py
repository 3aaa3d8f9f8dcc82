"""`report`: what happened in a period, as a page, as a table or as figures; and our books against SIGNL4's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.options import json_option, placed, say
from daemon.cli.proposals import teams

if TYPE_CHECKING:
    from datetime import datetime

    from daemon.config.place import Place
    from daemon.page.words import Clock

DEFAULT = "30d"


@click.command()
@click.option("--since", metavar="30d", help="From so long ago, or from a date or time. Default: 30d.")
@click.option("--until", metavar="DATE", help="To then; otherwise to now.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page for people into FILE.")
@click.option("--csv", "as_csv", is_flag=True, help="A line for each opening of an incident.")
@click.option("--audit", type=click.Path(path_type=Path), metavar="FILE", help="Compare with SIGNL4's audit file.")
@click.option(
    "--team",
    metavar="NAME",
    shell_complete=teams,
    help="With --audit: the team whose file it is; otherwise `default`.",
)
@click.option("--utc", is_flag=True, help="Times, hours and days in UTC; otherwise in the local time zone.")
@json_option
@placed
def report(
    place: Place,
    since: str | None,
    until: str | None,
    html: Path | None,
    as_csv: bool,
    audit: Path | None,
    team: str | None,
    utc: bool,
    as_json: bool,
) -> None:
    """Say what happened: incidents, how long they took, what flapped, what was retried."""
    _check(html, audit, team, has_period=bool(since or until), as_csv=as_csv, as_json=as_json)
    from daemon.cli.report_times import clock, period
    from daemon.host.clock import utc_now

    now = utc_now()
    if audit is not None:
        from daemon.cli.report_audit import compare

        sys.exit(compare(place, audit, team, clock(now, utc=utc), as_json=as_json))
    try:
        begins, ends = period(now, since or DEFAULT, until)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if as_csv:
        _print_csv(place.url, begins, ends)
        return
    _report(place, (begins, ends, now), clock(now, utc=utc), html, as_json=as_json)


def _check(
    html: Path | None, audit: Path | None, team: str | None, *, has_period: bool, as_csv: bool, as_json: bool
) -> None:
    """Raises `UsageError` for options that exclude each other."""
    if (html is not None) + as_csv + as_json > 1:
        raise click.UsageError("give one of --html FILE, --csv and --json, or none for a summary")
    if audit is not None and (html is not None or as_csv):
        raise click.UsageError("--audit goes with --json, or with none of --html and --csv")
    if audit is not None and has_period:
        raise click.UsageError("--audit takes its month from the file, so leave out --since and --until")
    if team is not None and audit is None:
        raise click.UsageError("--team says whose audit file it is, so give --audit FILE as well")
    if html is not None and str(html) == "-":
        raise click.UsageError("`-` is no file: a page is complete or absent, which a stream cannot be; name a file")


def _report(
    place: Place,
    times: tuple[datetime, datetime, datetime],
    clock: Clock,
    html: Path | None,
    *,
    as_json: bool,
) -> None:
    from dataclasses import asdict

    from daemon.cli.as_json import spelled
    from daemon.cli.report_reading import gather
    from daemon.cli.report_text import summary

    found, timeline = gather(place.url, *times, place.poll_after, clock)
    if as_json:
        click.echo(spelled(asdict(found)))
    elif html is None:
        for line in summary(found, clock):
            say(line)
    else:
        from daemon.cli.report_file import write_page
        from daemon.decisions.report_timeline import SLOTS
        from daemon.page.document import page

        write_page(html, page(found, timeline.lanes(), SLOTS, clock))
        say(f"written to {html}")


def _print_csv(url: str, since: datetime, until: datetime) -> None:
    from daemon.cli.report_csv import parts
    from daemon.cli.report_reading import episodes

    for part in parts(episodes(url, since, until)):
        click.echo(part, nl=False)
