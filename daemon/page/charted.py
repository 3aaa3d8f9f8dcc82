"""The parts of a report's page that are drawn."""

from collections.abc import Sequence
from datetime import date

from daemon.model.report import Bar, Figures, Lane, Report, Spread
from daemon.page import charts
from daemon.page.markup import Markup, element
from daemon.page.parts import section, tile, tile_of
from daemon.page.words import Clock, counted, day, name, span

_TOOK = {
    "to_alert": ("Alert", "b-alarm"),
    "to_acknowledge": ("Acknowledge", "b-calm"),
    "to_resolve": ("Resolve", "b-calm"),
}


def tiles(report: Report) -> Markup:
    """The few figures that matter."""
    figures, retries = report.figures, report.retries
    still = f"{figures.still_open} still open" if figures.still_open else "all over"
    untold = f"; {figures.untold} never told" if figures.untold else ""
    dead = f"; {retries.dead} dead" if retries.dead else ""
    hours = report.hours_in_gaps
    return element(
        "dl",
        tile("Incidents", f"{figures.incidents:,}", f"{still}{untold}"),
        tile_of("Time to alert", figures.to_alert),
        tile_of("Time to acknowledge", figures.to_acknowledge),
        tile_of("Time to resolve", figures.to_resolve),
        tile(
            "Retried deliveries",
            f"{retries.retried:,}",
            f"of {retries.deliveries:,}{dead}",
            "alarm" if retries.dead else "",
        ),
        tile(
            "Without a round",
            f"{hours:,} h",
            counted(len(report.gaps), "known gap"),
            "alarm" if hours else "good",
        ),
        class_="tiles",
    )


def timeline(report: Report, lanes: Sequence[Lane], slots: int, clock: Clock) -> Markup:
    """When which source was open."""
    length = (report.until - report.since) / slots
    gaps = _gap_slots(report, slots)

    def says(bar: Bar) -> str:
        begins, ends = report.since + bar.begins * length, report.since + bar.ends * length
        number = f", up to {bar.incidents} at once" if bar.incidents > 1 else ""
        return f"{bar.kind}{number}: {clock.minute(begins)} to {clock.minute(ends)}"

    def row(lane: Lane) -> Markup:
        about = f"{name(lane.name)}: {counted(lane.openings, 'opening')}"
        drawn = charts.lane(lane.bars, [says(bar) for bar in lane.bars], gaps, slots, about)
        times = element("span", f" {lane.openings:,}\N{MULTIPLICATION SIGN}", class_="times")
        return element("li", element("span", name(lane.name), times, class_="who"), drawn)

    ticks = [clock.day(report.since + (report.until - report.since) * share / 5) for share in range(6)]
    gap = [("gap", "no complete round")] if gaps else []
    return section(
        "Timeline",
        "The sources that were open longest, and how often each opened.",
        element("ul", *map(row, lanes), class_="lanes"),
        charts.axis(ticks),
        charts.legend(("unacknowledged", "open, nobody on it"), ("acknowledged", "acknowledged"), *gap),
    )


def when(figures: Figures) -> Markup:
    """By day, and by hour and weekday, side by side."""
    return element("div", _by_day(figures), _by_hour(figures), class_="pair")


def took(figures: Figures) -> Markup:
    """How long it took, by hour and by weekday of the beginning."""
    hours = [f"{hour:02} to {hour + 1:02} h" for hour in range(24)]
    parts = list[Markup]()
    for what, (heading, class_) in _TOOK.items():
        by_hour: list[Spread | None] = [getattr(one, what) for one in figures.took_by_hour]
        by_weekday: list[Spread | None] = [getattr(one, what) for one in figures.took_by_weekday]
        slowest = _slowest(by_hour, hours)
        longest = max((one.ninety for one in (*by_hour, *by_weekday) if one), default=0.0)
        parts += [
            element("div", element("div", heading), element("div", slowest, class_="quiet small"), class_="about"),
            charts.columns(by_hour, hours, longest, f"{heading} by hour: {slowest}", class_),
            charts.columns(by_weekday, charts.WEEKDAYS, longest, f"{heading} by weekday", class_),
        ]
    parts += [
        element("div", class_="about"),
        charts.axis(["0", "6", "12", "18", "24 h"]),
        charts.axis([weekday[0] for weekday in charts.WEEKDAYS], centred=True),
    ]
    return section(
        "How long it takes, by hour and weekday",
        "Filled: half of what began then took at most so long. Pale: nine in ten did. On a scale of square roots.",
        element("div", *parts, class_="trio"),
    )


def _slowest(found: Sequence[Spread | None], names: Sequence[str]) -> str:
    """Where the median is longest."""
    known = [(one.median, whose) for one, whose in zip(found, names, strict=True) if one is not None]
    if not known:
        return "nothing to measure"
    median, whose = max(known)
    return f"slowest {whose}: {span(median)}"


def _by_day(figures: Figures) -> Markup:
    dates = [date.fromisoformat(written) for written, _ in figures.by_day]
    counts = [number for _, number in figures.by_day]
    shown = [(day(one), number) for one, number in zip(dates, counts, strict=True)]
    ticks = [day(dates[at]) for at in charts.ticks(0, len(dates) - 1, 5)]
    return section("By day", f"Most on one day: {max(counts)}.", charts.days(shown), charts.axis(ticks))


def _by_hour(figures: Figures) -> Markup:
    most = max(map(max, figures.by_weekday))
    week = [
        element("li", element("span", weekday[:3]), charts.hours(hours, weekday, most))
        for weekday, hours in zip(charts.WEEKDAYS, figures.by_weekday, strict=True)
    ]
    first = next(
        (weekday, hours.index(most))
        for weekday, hours in zip(charts.WEEKDAYS, figures.by_weekday, strict=True)
        if most in hours
    )
    note = f"Most on {first[0]} from {first[1]:02} to {first[1] + 1:02} h: {most}." if most else "No incidents."
    return section(
        "By hour and weekday",
        note,
        element("ul", *week, class_="week"),
        charts.axis(["0", "6", "12", "18", "24 h"]),
        _hours_table(figures),
    )


def _gap_slots(report: Report, slots: int) -> list[tuple[int, int]]:
    """The slots that gaps touch, as runs: from which to which, the latter excluded."""
    whole = report.until - report.since
    touched = bytearray(slots + 1)
    for gap in report.gaps:
        first, last = (min(int((at - report.since) / whole * slots), slots - 1) for at in (gap.begins_at, gap.ends_at))
        touched[first : last + 1] = b"\x01" * (last + 1 - first)
    begins = [at for at in range(slots) if touched[at] and not (at and touched[at - 1])]
    ends = [at for at in range(1, slots + 1) if touched[at - 1] and not touched[at]]
    return list(zip(begins, ends, strict=True))


def _hours_table(figures: Figures) -> Markup:
    """The same numbers to be read: hours below each other, so that it is narrow."""
    head = element(
        "tr", element("th", "hour", scope="col"), *(element("th", day[:3], scope="col") for day in charts.WEEKDAYS)
    )
    rows = [
        element(
            "tr",
            element("th", f"{hour:02}", scope="row"),
            *(element("td", f"{day[hour]:,}") for day in figures.by_weekday),
        )
        for hour in range(24)
    ]
    numbers = element(
        "table", element("caption", "Incidents by hour and weekday"), element("thead", head), element("tbody", *rows)
    )
    return element("details", element("summary", "The numbers"), numbers)
