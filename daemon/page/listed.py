"""The parts of a report's page that are listed."""

from collections.abc import Sequence

from daemon.model.delivery import DeliveryState
from daemon.model.destination import DEFAULT
from daemon.model.report import Figures, Report, Retried, Source, Spread
from daemon.page import charts
from daemon.page.markup import NOTHING, Child, Markup, element
from daemon.page.parts import section, table
from daemon.page.words import MISSING, Clock, counted, name, span

MOST_ROWS = 20
MOST_TEXT = 300
_TOOK = {"to_alert": "Alert", "to_acknowledge": "Acknowledge", "to_resolve": "Resolve"}
_COLOURS = {"to_alert": "b-alarm", "to_acknowledge": "b-calm", "to_resolve": "b-calm"}


def sources(figures: Figures) -> Markup:
    """How long it took, by source."""
    longest = {what: _longest(figures.sources, what) for what in _TOOK}
    rows: list[list[Child]] = [
        [
            name(one.name),
            f"{one.openings:,}",
            *(_took(getattr(one, what), longest[what], _COLOURS[what]) for what in _TOOK),
            span(one.open_seconds),
        ]
        for one in figures.sources
    ]
    more = f" {counted(figures.more_sources, 'more source')} opened less often." if figures.more_sources else ""
    held = f" Not counted: {counted(figures.held, 'alert')} that a rule held." if figures.held else ""
    headings = ["Source", "Opened", *_TOOK.values(), "Open in all"]
    return section(
        "By source",
        f"The median, and the time within which nine in ten were done.{held}{more}",
        table("Times by source", headings, rows),
    )


def flapping(found: Sequence[Source]) -> Markup:
    """What opened again and again."""
    rows = [
        [
            name(one.name),
            f"{one.most_in_an_hour:,}",
            f"{one.openings:,}",
            span(one.to_resolve.median if one.to_resolve else None),
        ]
        for one in found
    ]
    return section(
        "What flaps",
        "Sources that opened at least three times within an hour.",
        table("Flapping sources", ["Source", "Most within an hour", "Opened in all", "Open for (median)"], rows),
        empty="Nothing opened three times within an hour.",
    )


def retried(report: Report) -> Markup:
    """Deliveries that were not accepted at once."""
    retries = report.retries

    def row(one: Retried) -> list[Child]:
        state = element("strong", one.state) if one.state == DeliveryState.DEAD else one.state
        kind = one.kind if one.team == DEFAULT else f"{one.kind} to {one.team}"
        return [
            name(one.incident_name or one.incident_id),
            f"{one.delivery_id}",
            kind,
            f"{one.tries}",
            span(one.waited),
            state,
            (one.last_error or MISSING)[:MOST_TEXT],
        ]

    headings = ["Incident", "Delivery", "Message", "Tries", "Waited", "State", "Last error"]
    # What is dead was mostly tried more than once, so it is among the retried.
    are_all = len(retries.worst) >= max(retries.retried, retries.dead)
    note = "Those with the most tries first." if are_all else f"The {len(retries.worst)} with the most tries."
    return section(
        "Deliveries that needed retries",
        note,
        table("Retried deliveries", headings, [row(one) for one in retries.worst]),
        empty="Every delivery was accepted at the first try.",
    )


def rounds(report: Report, clock: Clock) -> Markup:
    """When incidents may have gone unseen."""
    rows: list[list[Child]] = [
        [
            _whole(clock.minute(gap.begins_at)),
            _whole(clock.minute(gap.ends_at)),
            _whole(span((gap.ends_at - gap.begins_at).total_seconds())),
            gap.evidence[:MOST_TEXT],
        ]
        for gap in report.gaps[:MOST_ROWS]
    ]
    first = report.rounds.first_record_at
    known = f" Nothing is recorded before {clock.minute(first)}." if first is not None and first > report.since else ""
    return section(
        "Hours without a complete round",
        "Single rounds are not recorded. What proves these gaps: the alarm that Better Stack cannot be polled, "
        f"incidents that were first seen long after they began, and the last complete round."
        f"{known}{_left_out(report.gaps)}",
        table("Gaps", ["From", "To", "For", "How it is known"], rows),
        empty="No gap is known.",
    )


def alarms(report: Report, clock: Clock) -> Markup:
    """What the program said of itself."""
    if not report.alarms:
        return NOTHING
    rows: list[list[Child]] = [
        [
            _whole(clock.minute(one.raised_at)),
            _whole(clock.minute(one.closed_at) if one.closed_at else "open"),
            one.name[:MOST_TEXT],
        ]
        for one in report.alarms[:MOST_ROWS]
    ]
    return section(
        "Alarms of the program",
        f"About itself, and about sources that flap.{_left_out(report.alarms)}",
        table("Alarms", ["Raised", "Closed", "Alarm"], rows),
    )


def _took(found: Spread | None, longest: float, class_: str) -> Markup:
    """Median and nine in ten as a text, with a drawing below."""
    if found is None:
        return element("span", MISSING, class_="quiet")
    said = element(
        "div",
        element("span", span(found.median)),
        element("span", f"90 %: {span(found.ninety)}", class_="quiet"),
        class_="both",
    )
    return element("div", said, charts.spread(found, longest, class_))


def _left_out(found: Sequence[object]) -> str:
    """How many rows there are besides those that are shown."""
    more = len(found) - MOST_ROWS
    return f" These are the first {MOST_ROWS}; {counted(more, 'more is', 'more are')} in --json." if more > 0 else ""


def _whole(text: str) -> Markup:
    """On one line."""
    return element("span", text, class_="whole")


def _longest(found: Sequence[Source], what: str) -> float:
    """The longest of what nine in ten took: the length of a whole bar."""
    spreads: list[Spread | None] = [getattr(one, what) for one in found]
    return max((spread.ninety for spread in spreads if spread), default=0.0)
