"""A report in a few lines for people."""

from collections.abc import Iterator

from daemon.model.report import Report, Spread
from daemon.page.words import Clock, counted, name, span

MOST_NAMED = 5


def summary(report: Report, clock: Clock) -> Iterator[str]:
    """One fact a line."""
    figures, retries = report.figures, report.retries
    yield f"from {clock.minute(report.since)} to {clock.minute(report.until)} ({clock.zone})"
    yield f"incidents            {figures.incidents:,}, {figures.still_open:,} still open, {figures.untold:,} untold"
    yield f"time to alert        {_spread(figures.to_alert)}"
    yield f"time to acknowledge  {_spread(figures.to_acknowledge)}"
    yield f"time to resolve      {_spread(figures.to_resolve)}"
    yield f"deliveries           {retries.deliveries:,}, {retries.retried:,} needed retries, {retries.dead:,} dead"
    gaps = "none known" if not report.gaps else f"{counted(len(report.gaps), 'known gap')}"
    yield f"without a round      {counted(report.hours_in_gaps, 'whole hour')}; {gaps}"
    for heading, found in (("most incidents", figures.sources), ("flaps", figures.flapping)):
        for at, one in enumerate(found[:MOST_NAMED]):
            often = f"{one.most_in_an_hour:,} within an hour" if heading == "flaps" else f"{one.openings:,}"
            yield f"{'' if at else heading:<20} {name(one.name)}: {often}"
    yield "a page for people: --html FILE; every opening: --csv; all figures: --json"


def _spread(found: Spread | None) -> str:
    if found is None:
        return "nothing to measure"
    return f"{span(found.median)} (median), {span(found.ninety)} (90 %), {span(found.longest)} (longest)"
