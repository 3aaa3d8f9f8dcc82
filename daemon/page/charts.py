"""The drawings of a page. Texts stay outside of the SVG, so that they keep their size when a narrow page squeezes it.

Each drawing says in words what it shows.
"""

from collections.abc import Iterable, Sequence

from daemon.model.report import Bar, Spread
from daemon.page.markup import NOTHING, Markup, element
from daemon.page.words import counted, span

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHADES = 5
HEIGHT = 100.0


def drawing(width: float, height: float, says: str, *shapes: Markup, class_: str) -> Markup:
    """A picture as wide as its place."""
    return element(
        "svg",
        *shapes,
        viewBox=f"0 0 {width:g} {height:g}",
        preserveAspectRatio="none",
        role="img",
        aria_label=says,
        class_=class_,
    )


def box(x: float, y: float, width: float, height: float, class_: str, says: str = "") -> Markup:
    """A rectangle, with what it means when it is pointed at."""
    about = element("title", says) if says else NOTHING
    return element("rect", about, x=float(x), y=float(y), width=float(width), height=float(height), class_=class_)


def lane(bars: Sequence[Bar], says: Sequence[str], gaps: Iterable[tuple[int, int]], slots: int, about: str) -> Markup:
    """When a source was open. `says`: a text for each bar; `gaps`: from which slot to which."""
    back = [box(begins, 0, ends - begins, 20, "gap") for begins, ends in gaps]
    shown = [
        box(bar.begins, 3, max(bar.ends - bar.begins, 1.5), 14, bar.kind, text)
        for bar, text in zip(bars, says, strict=True)
    ]
    return drawing(slots, 20, about, box(0, 0, slots, 20, "track"), *back, *shown, class_="lane")


def days(counts: Sequence[tuple[str, int]]) -> Markup:
    """A column for each day."""
    most = max([number for _, number in counts] or [0])
    columns = [
        box(at + 0.12, HEIGHT - height, 0.76, height, "column", f"{day}: {counted(number, 'incident')}")
        for at, (day, number) in enumerate(counts)
        if (height := HEIGHT * number / max(most, 1))
    ]
    busiest = max(counts, key=lambda one: one[1], default=("", 0))
    total = sum(number for _, number in counts)
    about = f"Incidents by day: {total} in all; most on {busiest[0]}: {busiest[1]}" if total else "No incidents"
    base = box(0, HEIGHT - 0.6, max(len(counts), 1), 0.6, "base")
    return drawing(max(len(counts), 1), HEIGHT, about, base, *columns, class_="days")


def hours(weekday: Sequence[int], name: str, most: int) -> Markup:
    """The hours of a weekday, darker where more began."""
    squares = [
        box(hour + 0.04, 0, 0.92, 1, shade(number, most), f"{name} {hour:02} to {hour + 1:02} h: {number}")
        for hour, number in enumerate(weekday)
    ]
    total = sum(weekday)
    return drawing(24, 1, f"{name}: {counted(total, 'incident')}", *squares, class_="hours")


def shade(number: int, most: int) -> str:
    """Its class: `heat-0` for none, up to `heat-5` for the most."""
    return f"heat-{0 if not number else max(-(-number * SHADES // max(most, 1)), 1)}"


def spread(found: Spread | None, longest: float, class_: str) -> Markup:
    """The median as a filled bar, and how far nine in ten reach as a pale one; on a scale of square roots."""
    if found is None:
        return NOTHING
    median, ninety = (100 * (value / longest) ** 0.5 if longest else 0.0 for value in (found.median, found.ninety))
    says = f"median {span(found.median)}, nine in ten within {span(found.ninety)}, longest {span(found.longest)}"
    shapes = (box(0, 0, 100, 6, "track"), box(0, 0, ninety, 6, f"{class_} pale"), box(0, 0, median, 6, class_))
    return drawing(100, 6, says, *shapes, class_="spread")


def columns(found: Sequence[Spread | None], names: Sequence[str], longest: float, about: str, class_: str) -> Markup:
    """For each the median as a filled column, and how far nine in ten reach as a pale one; as high as square roots.

    `longest`: what fills the whole height.
    """
    shapes = []
    for at, (one, whose) in enumerate(zip(found, names, strict=True)):
        if one is not None and longest:
            median, ninety = (HEIGHT * (value / longest) ** 0.5 for value in (one.median, one.ninety))
            says = f"{whose}: median {span(one.median)}, nine in ten within {span(one.ninety)}, of {one.count}"
            shapes += [
                box(at + 0.12, HEIGHT - ninety, 0.76, ninety, f"{class_} pale", says),
                box(at + 0.12, HEIGHT - median, 0.76, median, class_, says),
            ]
    base = box(0, HEIGHT - 2, len(found), 2, "base")
    return drawing(len(found), HEIGHT, about, base, *shapes, class_="took")


def axis(labels: Iterable[str], *, centred: bool = False) -> Markup:
    """Labels evenly below a drawing: the first at its left end and the last at its right one, or each in its share."""
    kind = "axis centred" if centred else "axis"
    return element("div", *(element("span", label) for label in labels), class_=kind, aria_hidden="true")


def legend(*entries: tuple[str, str]) -> Markup:
    """What the colours mean: pairs of a class and a text."""
    shown = (element("span", element("span", class_=f"key {kind}"), text, class_="entry") for kind, text in entries)
    return element("p", *shown, class_="legend")


def ticks(first: int, last: int, most: int) -> list[int]:
    """At most `most` whole numbers from `first` to `last`, evenly spaced, both included."""
    count = max(min(most, last - first + 1), 1)
    if count == 1:
        return [first]
    return [first + round(step * (last - first) / (count - 1)) for step in range(count)]
