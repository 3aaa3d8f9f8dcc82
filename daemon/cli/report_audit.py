"""`report --audit`: our deliveries against SIGNL4's own records of a month."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from daemon.cli.as_json import spelled
from daemon.cli.audit_file import read
from daemon.cli.options import say
from daemon.decisions.report_audit import NEAR, proven
from daemon.decisions.report_audit import compare as compared
from daemon.model.destination import DEFAULT
from daemon.model.errors import DaemonError
from daemon.page.words import MISSING, counted, name, span
from daemon.storage import report_told
from daemon.storage.engine import listing_reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from daemon.config.place import Place
    from daemon.model.audit import Audit, AuditFile, Pair
    from daemon.page.words import Clock

MOST_LISTED = 20
"""So many of each kind are listed for people; `--json` has all."""


def compare(place: Place, file: Path, team: str | None, clock: Clock, *, as_json: bool) -> int:
    """Prints how they differ. The exit code: 1 if something that was told is not there. Raises `DaemonError`."""
    from daemon.cli.progress import progress

    with progress() as report:
        report("reading SIGNL4's file", None)
        theirs = read(file)
        report("comparing it with what was told", None)
        found = _compared(place.url, theirs, team or DEFAULT)
    if as_json:
        click.echo(spelled(asdict(found)))
    else:
        for line in _lines(found, clock):
            say(line)
    return 1 if found.missing or found.not_closed else 0


def _compared(url: str, theirs: AuditFile, team: str) -> Audit:
    engine = listing_reader(url)
    teams = report_told.teams(engine)
    if teams and team not in teams:
        raise DaemonError(f"nothing was ever told to team {team}; --team takes one of: {', '.join(sorted(teams))}")
    begins_at, ends_at = proven(theirs)
    return compared(report_told.told(engine, team, begins_at - NEAR, ends_at + NEAR), theirs, team)


def _lines(found: Audit, clock: Clock) -> Iterator[str]:
    yield (
        f"team {found.team}, from {clock.minute(found.begins_at)} to {clock.minute(found.ends_at)} ({clock.zone}): "
        f"{counted(found.told, 'alert')} told, {found.alerts:,} in the file, {found.paired:,} in both"
    )
    if found.unreadable_lines:
        yield f"{counted(found.unreadable_lines, 'line')} of the file could not be read, so more may be there"
    if found.difference is not None:
        yield (
            f"the two times of an alert differ by {span(found.difference.median)} (median), "
            f"{span(found.difference.ninety)} (90 %), {span(found.difference.longest)} (most)"
        )
    yield from _listed(
        "told, but not there",
        [f"{_second(one.told_at, clock)}  {one.incident_id}  {name(one.title)}" for one in found.missing],
        "look at: why ID",
    )
    yield from _listed(
        "told that it is over, but not closed there",
        [f"{_pair(one, clock)}" for one in found.not_closed],
        "look at: why ID, and close it in SIGNL4 by hand",
    )
    yield from _listed(
        "there with a title of ours, but under an event id that we do not know",
        [f"{_second(one.created_at, clock)}  {name(one.title)}" for one in found.likely_ours],
        "mostly an answer was lost, and the alert was sent again",
    )
    others = [f"{one.alerts:>6,}  {name(one.title)}" for one in found.others]
    yield from _listed("there, but not from us", others, "other sources of the team", found.other_alerts)
    if not (found.missing or found.not_closed):
        yield "all that was told is there" if found.told else "nothing was told to that team in that time"


def _listed(what: str, lines: list[str], hint: str, count: int | None = None) -> Iterator[str]:
    number = len(lines) if count is None else count
    if number:
        yield f"{number:,} {what} ({hint}):"
        yield from (f"  {line}" for line in lines[:MOST_LISTED])
        if len(lines) > MOST_LISTED:
            yield f"  and {len(lines) - MOST_LISTED:,} more; --json has all"


def _pair(one: Pair, clock: Clock) -> str:
    return f"{_second(one.resolved_at, clock)}  {one.incident_id}  {name(one.title)}"


def _second(moment: datetime | None, clock: Clock) -> str:
    return MISSING if moment is None else f"{clock.local(moment):%Y-%m-%d %H:%M:%S}"
