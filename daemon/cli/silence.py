"""`silence`: for a while, nobody is told of new incidents that match.

Only the database is written; a running daemon finds it there.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.options import as_text, json_option, placed, say, span, utc_option
from daemon.cli.proposals import silence_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from daemon.cli.times import Times
    from daemon.config.place import Place
    from daemon.model.silence import Silence

CONSEQUENCE = (
    "what was told already still gets its `resolved`; what opens inside and is still open at the end is told then"
)
LONGEST_TEXT = 200
"""Characters of a comment, which is kept with each message that is held, and of a name."""
RECORDED = {"name", "cause", "url"}
"""The fields of a match that the database has of each incident."""


def _texts(context: click.Context, option: click.Parameter, values: Sequence[str]) -> list[str]:
    return [as_text(context, option, value) or "" for value in values]


@click.group()
def silence() -> None:
    """Tell nobody of new incidents that match, for a while."""


@silence.command()
@click.option("--match", "conditions", multiple=True, callback=_texts, metavar="FIELD=PATTERN", help="What it matches.")
@click.option("--for", "lasts", callback=span, metavar="2h", help="How long it lasts.")
@click.option("--until", callback=as_text, metavar="TIME", help="When it ends, as in 06:00 or '2026-11-30 06:00'.")
@click.option("--start", callback=as_text, metavar="TIME", help="When it begins; otherwise now.")
@click.option("--comment", callback=as_text, required=True, help="Why; shown wherever something is held.")
@click.option("--by", callback=as_text, metavar="NAME", help="Who wants it; otherwise your login name.")
@placed
def add(
    place: Place,
    conditions: list[str],
    lasts: timedelta | None,
    until: str | None,
    start: str | None,
    comment: str,
    by: str | None,
) -> None:
    """Make a silence, as in: silence add --match name='db-*' --for 2h --comment 'new disks'.

    Of different fields all must match; of one field, given twice, either pattern. name!='db-*' is all others.
    """
    from daemon.cli.silence_match import as_table
    from daemon.cli.silence_times import window
    from daemon.host.clock import utc_now
    from daemon.model.printable import is_visible
    from daemon.model.silence import Silence

    now = utc_now()
    try:
        match, (starts_at, ends_at) = as_table(conditions), window(now, start, until, lasts)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if not is_visible(comment):
        raise click.UsageError("--comment is empty; say why, for whoever wonders")
    if max(len(comment), len(by or "")) > LONGEST_TEXT:
        raise click.UsageError(f"--comment and --by are at most {LONGEST_TEXT} characters; shorten them")
    silence = Silence(0, match, starts_at, ends_at, comment.strip(), (by or "").strip() or caller(), now)
    for is_warning, sentence in made(place.url, silence):
        say(sentence, err=is_warning)


@silence.command("list")
@click.option("--all", "over", is_flag=True, help="Also those that are over.")
@utc_option
@json_option
@placed
def listing(place: Place, over: bool, utc: bool, as_json: bool) -> None:
    """List the silences in force and to come, and how many messages each holds; newest last, with --json first."""
    from daemon.cli.as_json import spelled
    from daemon.cli.silence_match import described
    from daemon.cli.tables import SILENCES, lines
    from daemon.cli.times import Times
    from daemon.host.clock import utc_now
    from daemon.storage import silences
    from daemon.storage.engine import listing_reader

    now = utc_now()
    rows = [_row(one, held, now) for one, held in silences.every(listing_reader(place.url), now, over=over)]
    if as_json:
        click.echo(spelled(rows[::-1]))
        return
    shown = [{**row, "match": described(row["match"])} for row in rows]
    if not shown:
        click.echo("none")
    elif sys.stdout.isatty():
        from daemon.cli.render import show_table

        show_table(SILENCES, shown, Times(utc, now))
    else:
        for part in lines(SILENCES, shown, Times(utc, now)):
            click.echo(part)


@silence.command()
@click.argument("ids", nargs=-1, type=int, required=True, metavar="ID...", shell_complete=silence_ids)
@placed
def expire(place: Place, ids: tuple[int, ...]) -> None:
    """End silences before their time."""
    from daemon.cli.times import Times
    from daemon.host.clock import utc_now
    from daemon.storage import silences
    from daemon.storage.engine import writer

    engine, times = writer(place.url, "expire"), Times(utc=False, now=utc_now())
    ended = [_say_expired(silence_id, silences.expire(engine, silence_id, times.now), times) for silence_id in ids]
    if not all(ended):
        sys.exit(1)


def made(url: str, silence: Silence) -> Iterator[tuple[bool, str]]:
    """Records it. What follows from that, a sentence each, and whether that is a warning.

    Raises `DatabaseUnusableError` and `DatabaseBusyError`.
    """
    from daemon.cli.silence_match import described
    from daemon.cli.times import Times
    from daemon.storage import listings, silences
    from daemon.storage.engine import writer
    from daemon.storage.instance import holder

    # Asked first: once the database is open here, this would drop SQLite's locks.
    daemon = holder(url)
    engine = writer(url, "silence")
    number, times = silences.add(engine, silence), Times(utc=False, now=silence.created_at)
    yield False, f"silence {number}: {described(silence.match)}"
    yield False, f"from {times.whole(silence.starts_at)} to {times.whole(silence.ends_at)}"
    if silence.alarm is None:
        yield from _what_matches(silence, listings.incidents(engine, open_only=True).newest_first())
    yield False, CONSEQUENCE
    yield False, "the daemon sees it at its next round" if daemon else "no daemon runs; once one does, it sees it"


def _what_matches(silence: Silence, opened: Iterable[Mapping[str, Any]]) -> Iterator[tuple[bool, str]]:
    """How many of the open incidents; and a warning if it is every incident."""
    from daemon.config.match import read_match
    from daemon.decisions.matching import mismatch

    match = read_match(silence.match)
    if all("*" in condition.patterns and not condition.negated for _, condition in match.conditions):
        yield True, "warning: it matches every incident, so nobody is woken at all meanwhile"
    if unknown := sorted(silence.match.keys() - RECORDED):
        yield False, f"how many open incidents match is not known: {' and '.join(unknown)} is not recorded of them"
        return
    facts = [{field: [row[field]] if row[field] else [] for field in RECORDED} for row in opened]
    found = [one for one in facts if mismatch(match, one) is None]
    yield False, f"it matches {len(found)} of {len(facts)} open incidents"


def _row(silence: Silence, held: int, now: datetime) -> dict[str, Any]:
    """A silence as the list has it."""
    return {**asdict(silence), "state": silence.stage(now), "held_deliveries": held}


def _say_expired(silence_id: int, before: Silence | None, times: Times) -> bool:
    """What became of it. Returns whether there was anything to end. `before`: as it was then, if there is one."""
    from daemon.model.silence import Stage

    if before is None:
        say(f"there is no silence {silence_id}; `silence list --all` lists them", err=True)
        return False
    match before.stage(times.now):
        case Stage.IN_FORCE:
            say(f"silence {silence_id} is over; a running daemon looks again at what it held within ten seconds")
        case Stage.TO_COME:
            say(f"silence {silence_id} is over before it began")
        case Stage.OVER | Stage.EXPIRED:
            since = times.whole(before.expired_at or before.ends_at)
            say(f"silence {silence_id} is over already, since {since}", err=True)
            return False
    return True


def caller() -> str:
    """Who runs this, behind sudo as well."""
    from getpass import getuser

    try:
        return os.environ.get("SUDO_USER") or getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
