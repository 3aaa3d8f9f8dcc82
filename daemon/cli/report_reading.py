"""Reads what a report is made of, once from beginning to end, and hands each opening to those who count it."""

from __future__ import annotations

import sys
from array import array
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from daemon.decisions import report_gaps
from daemon.decisions.report_figures import Collector
from daemon.decisions.report_timeline import Timeline
from daemon.model.report import Gap, Report
from daemon.storage import report as stored
from daemon.storage.engine import listing_reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from daemon.model.report import Episode
    from daemon.page.words import Clock

LATE = timedelta(minutes=10)
"""What is first seen later than this after it began proves a gap; `alarm.poll_after` if that is longer."""
MANY = 5_000
"""From so many incidents on, reading them takes a second, and a terminal shows how far it is."""


def gather(
    url: str, since: datetime, until: datetime, now: datetime, poll_after: timedelta, clock: Clock
) -> tuple[Report, Timeline]:
    """The report and what its timeline is drawn from. Raises `NoDatabaseError` and `DatabaseBusyError`."""
    engine = listing_reader(url)
    rounds = stored.rounds(engine)
    figures, timeline = Collector(since, until, clock.local), Timeline(since, until)
    late, sightings = list[Gap](), array("d")
    for episode in episodes(url, since, until):
        figures.take(episode)
        timeline.take(episode)
        sightings.append(episode.seen_at.timestamp())
        if gap := report_gaps.gap_seen_late(episode, rounds, max(LATE, poll_after)):
            late.append(gap)
    # An alarm of the time after the period proves that the last minutes of the period had no round.
    alarms = stored.alarms(engine, since, until + poll_after)
    late = report_gaps.unrefuted(late, sorted(sightings))
    gaps = report_gaps.within(report_gaps.gaps(alarms, late, rounds, poll_after, now), since, until)
    found = Report(
        since,
        until,
        now,
        figures.figures(),
        stored.retries(engine, since, until),
        gaps,
        report_gaps.whole_hours(gaps),
        tuple(one for one in alarms if one.raised_at < until),
        rounds,
    )
    return found, timeline


def episodes(url: str, since: datetime, until: datetime) -> Iterator[Episode]:
    """The openings that lie in the period; a terminal shows on standard error how far reading is."""
    openings = stored.Openings(listing_reader(url), since, until)
    if len(openings) < MANY or not sys.stderr.isatty():
        for _, batch in openings.batches():
            yield from batch
        return
    with click.progressbar(length=len(openings), label="incidents read", file=sys.stderr) as bar:
        for done, batch in openings.batches():
            bar.update(done - bar.pos)
            yield from batch
